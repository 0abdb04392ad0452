"""What a tap wrote, decoded without rounding money."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

if TYPE_CHECKING:
    from collections.abc import Collection

exact = partial(json.loads, parse_float=Decimal)
"""Decode JSON; numbers with a fraction become Decimal."""


@dataclass
class Emitted:
    """One stream: its schema, its keys and its rows by key; of repeated rows the last."""

    schema: dict[str, Any]
    keys: list[str]
    rows: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)


def selecting(streams: Collection[str]) -> dict[str, Any]:
    """Give the tap's catalogue with these streams selected and no other."""
    catalog = TapAtlassianMarketplace(validate_config=False).catalog_dict
    for stream in catalog["streams"]:
        root = next(entry for entry in stream["metadata"] if not entry["breadcrumb"])
        root["metadata"]["selected"] = stream["tap_stream_id"] in streams
    return dict(catalog)


def decode(text: str) -> dict[str, Emitted]:
    """Return the streams of a Singer file by name."""
    streams: dict[str, Emitted] = {}
    for line in text.splitlines():
        message = exact(line)
        if message["type"] == "SCHEMA":
            streams.setdefault(message["stream"], Emitted(message["schema"], message["key_properties"]))
        elif message["type"] == "RECORD":
            stream = streams[message["stream"]]
            record = message["record"]
            stream.rows[tuple(record[key] for key in stream.keys)] = record
    return streams
