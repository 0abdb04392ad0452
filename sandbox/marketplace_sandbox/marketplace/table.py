"""Rows as the body of an export: a bare JSON array, or CSV with flattened names."""

from __future__ import annotations

import csv
import io
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from marketplace_sandbox.world.rows import Row

_PIECE = 500
_UNPREFIXED = ("contactDetails", "customerDetails", "purchaseDetails", "attribution")


def as_json(rows: Iterable[Row]) -> Iterator[bytes]:
    """The rows as a JSON array in UTF-8, in pieces."""
    left, before = iter(rows), "["
    while piece := list(islice(left, _PIECE)):
        text = json.dumps(piece, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        yield (before + text[1:-1]).encode()
        before = ","
    yield b"[]" if before == "[" else b"]"


def as_csv(rows: Iterable[Row]) -> Iterator[bytes]:
    """The rows as CSV in UTF-8: nested fields joined to one name, lists as JSON text."""
    flat = [dict(_leaves(row)) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(flat)
    yield text.getvalue().encode()


def _leaves(row: Row, prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in row.items():
        name = prefix + key[:1].upper() + key[1:] if prefix else key
        if isinstance(value, dict):
            found += _leaves(value, "" if key in _UNPREFIXED else name)
        else:
            found.append((name, json.dumps(value) if isinstance(value, list) else value))
    return found
