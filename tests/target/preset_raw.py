"""What the preset marketplace-raw makes of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.target.rows import license_messages

from target_journy.mapping import compile_streams
from target_journy.mapping_reading import load_mapping

if TYPE_CHECKING:
    from target_journy.operations import Operations

MAPPING, *_ = load_mapping("marketplace-raw", {"variables": {"vendor_id": 77}})
STREAMS = compile_streams(MAPPING)


def operations(stream: str, record: dict[str, Any]) -> Operations:
    return STREAMS[stream].operations(record)[1]


def given(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties that say something."""
    return {name: value for name, value in properties.items() if value is not None}


def account(**row: Any) -> dict[str, Any]:
    ((_, record), *_) = license_messages(row)
    (found,) = operations("licenses", record).accounts
    assert found.problems == {}
    return given(found.properties)
