"""Licences as a vendor lists them, and what a tap makes of such a list."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STREAM = "license_imports"
SYDNEY = ZoneInfo("Australia/Sydney")
FIELDS = (
    *("id", "email", "firstName", "lastName", "organisationName", "isoCountryCode", "startDate", "endDate"),
    *("licenseType", "users", "address1", "address2", "city", "state", "postcode", "expertEmail"),
)


def sydney_today() -> dt.date:
    return dt.datetime.now(SYDNEY).date()


def row(id_: str = "OLD-1", **fields: Any) -> dict[str, Any]:
    """A valid licence; a field of None is left out."""
    values = {
        "id": id_,
        "email": f"jane.{id_.lower()}@private.example",
        "firstName": "Jane",
        "lastName": "Quibble",
        "organisationName": "Quobble Ltd",
        "isoCountryCode": "DE",
        "startDate": "2020-01-31",
        "endDate": "2030-01-31",
        "licenseType": "COMMERCIAL",
        "users": "25",
        **fields,
    }
    return {name: value for name, value in values.items() if value is not None}


def rows(count: int, first: int = 1) -> list[dict[str, Any]]:
    return [row(f"OLD-{number}") for number in range(first, first + count)]


def sent(record: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be sent of a valid record of texts."""
    return {**record, "users": int(record["users"])}


def messages(records: Iterable[Mapping[str, Any]], *, stream: str = STREAM, state: Any = 1) -> list[dict[str, Any]]:
    """What a tap says of records: the schema, each of them, and how far it is."""
    records = list(records)
    columns = dict.fromkeys(name for record in records for name in record) or dict.fromkeys(FIELDS)
    schema = {"properties": {name: {} for name in columns}}
    return [
        {"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["id"] if "id" in columns else []},
        *({"type": "RECORD", "stream": stream, "record": record} for record in records),
        *([] if state is None else [{"type": "STATE", "value": state}]),
    ]


def lines(entries: Iterable[Any]) -> str:
    return "".join(f"{json.dumps(entry)}\n" for entry in entries)


def as_csv(records: Sequence[Mapping[str, Any]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(dict.fromkeys(name for record in records for name in record)))
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue()


def tap_csv(text: str, keys: Sequence[str] = ("id",)) -> str:
    """What tap-csv writes of a CSV file: every value is text, an empty cell the empty one."""
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader)
    properties = {name: {"type": ["null", "string"]} for name in header}
    return lines(
        [
            {
                "type": "SCHEMA",
                "stream": STREAM,
                "schema": {"type": "object", "properties": properties},
                "key_properties": list(keys),
            },
            *(
                {"type": "RECORD", "stream": STREAM, "record": dict(zip(header, cells, strict=False))}
                for cells in reader
            ),
            {"type": "STATE", "value": {"bookmarks": {STREAM: {}}}},
        ]
    )
