"""Rows about which nothing has to change, passed on as the bytes that they came as.

Making a dictionary of a row and JSON of the dictionary costs more than all the rest of a run.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from tap_atlassian_marketplace.fitting import json_type
from tap_atlassian_marketplace.json_array import whole_row

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_encode = msgspec.json.Encoder().encode


class PlainRow:
    """A row to pass on as it is.

    Args:
        fields: What its schema knows, to be looked at.
        content: The row as JSON.
    """

    __slots__ = ("_content", "_fields")

    def __init__(self, fields: msgspec.Struct, content: bytes) -> None:
        self._fields = fields
        self._content = content

    def get(self, name: str) -> Any:
        """Give the value of a field, None where there is none."""
        value = getattr(self._fields, name, None)
        return value.isoformat() if value.__class__ is date else value

    def after(self, first: Mapping[str, Any]) -> bytes:
        """Give, as JSON, the record that begins with other fields and goes on with the row."""
        return _encode(first)[:-1] + b"," + self._content[1:]


class PlainRowReader:
    """Tells rows that can be passed on as they are.

    Args:
        schema: Of the stream's records; fields that it does not know are to be reported by name.
        added: Names of the fields that the stream adds.
    """

    def __init__(self, schema: Mapping[str, Any], added: Collection[str]) -> None:
        own = {name: field for name, field in schema["properties"].items() if name not in added}
        self._decoder = msgspec.json.Decoder(_struct("Row", own))

    def read(self, content: bytes) -> PlainRow | dict[str, Any]:
        """Give a row of its JSON, whole if something may have to change about it.

        Raises:
            BrokenArrayError: It cannot be read.
        """
        # The line ends may lie between two fields, but a message is one line.
        if content.startswith(b'{"') and b"\n" not in content and b"\r" not in content:
            with suppress(msgspec.DecodeError):
                return PlainRow(self._decoder.decode(content), content)
        return whole_row(content)


def _struct(name: str, properties: Mapping[str, Any]) -> type[msgspec.Struct]:
    """Make a type of exactly these fields, each of which holds what its schema says, or null."""
    fields = [(field, _type(field, schema) | None, None) for field, schema in properties.items()]
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, gc=False)


def _type(name: str, schema: Mapping[str, Any]) -> Any:
    match json_type(schema):
        case "object":
            return _struct(name, schema["properties"])
        case "array":
            return list[_type(name, schema["items"]) | None]  # type: ignore[misc]
        case "string":
            return date if schema.get("format") == "date" else str
        case other:
            return {"number": int | float, "integer": int, "boolean": bool}[other]
