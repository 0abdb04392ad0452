"""Which columns the warehouse loaders make of a stream's schema, of which types; tests compare with what lands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WAREHOUSES = ("PostgreSQL", "DuckDB", "Snowflake")
# That the project's jobs load: as the Marketplace has them, and what they mean.
STREAMS = (
    *("licenses", "contacts", "transactions"),
    *("accounts", "people", "account_events", "mrr_segments", "anomalies"),
)
# As `format_type` tells it in PostgreSQL, and `information_schema` in the others.
TYPES = {
    "text": ("text", "VARCHAR", "TEXT"),
    "date": ("date", "VARCHAR", "DATE"),
    "date-time": ("timestamp without time zone", "TIMESTAMP", "TIMESTAMP_NTZ"),
    "number": ("numeric", "DOUBLE", "FLOAT"),
    "integer": ("bigint", "HUGEINT", "NUMBER"),
    "boolean": ("boolean", "BOOLEAN", "BOOLEAN"),
    "object": ("jsonb", "JSON", "VARIANT"),
    "texts": ("text[]", "JSON", "VARIANT"),
    "objects": ("jsonb[]", "JSON", "VARIANT"),
}
TIME = ("timestamp without time zone", "TIMESTAMP", "TIMESTAMP_NTZ")
NUMBER = ("bigint", "", "NUMBER")
METADATA = {
    "_sdc_extracted_at": (*TIME, "When the tap read the row, UTC."),
    "_sdc_batched_at": (*TIME, "When the loader wrote it: UTC; in DuckDB the machine's own time."),
    "_sdc_received_at": (TIME[0], "", TIME[2], "When the loader got it, UTC."),
    "_sdc_deleted_at": (TIME[0], "VARCHAR", TIME[2], "When the row was found to have vanished, UTC; null otherwise."),
    "_sdc_sequence": (*NUMBER, "When the loader got it, in milliseconds since 1970."),
    "_sdc_table_version": (*NUMBER, "The read of everything that it belongs to: see What vanished."),
    "_sdc_sync_started_at": (*NUMBER, "When the loader started, in milliseconds since 1970."),
}


def kind_of(schema: Mapping[str, Any]) -> str:
    """Return what a JSON schema describes: a key of `TYPES`."""
    names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    name = next(name for name in names if name != "null")
    if name == "array":
        return "objects" if kind_of(schema["items"]) == "object" else "texts"
    if name == "string":
        return schema["format"] if schema.get("format") in TYPES else "text"
    return str(name)


def columns(schema: Mapping[str, Any]) -> list[list[str]]:
    """Return a row a column: its name, its type in each warehouse, and its meaning. Required are only the keys.

    Raises:
        KeyError: A column of a kind that was never loaded.
    """
    return [
        [
            f"`{name}`" + (" (key)" if name in schema["required"] else ""),
            *map(as_code, TYPES[kind_of(found)]),
            found["description"],
        ]
        for name, found in schema["properties"].items()
    ]


def kinds() -> list[list[str]]:
    """Return a row a kind of column: its name, and its type in each warehouse."""
    return [[kind, *map(as_code, types)] for kind, types in TYPES.items()]


def metadata_columns() -> list[list[str]]:
    """Return a row a column that the loaders add to every table, like `columns`; no type where there is none."""
    return [[f"`{name}`", *map(as_code, told[:3]), told[3]] for name, told in METADATA.items()]


def inner_values(schema: Mapping[str, Any], path: str = "") -> Iterator[list[str]]:
    """Yield a row a value inside the JSON columns: its path, its kind and its meaning.

    In a path `[]` stands for each of a list.
    """
    for name, found in schema.get("properties", {}).items():
        inner = found.get("items", found)
        at = f"{path}{name}" + ("[]" if "items" in found else "")
        if "properties" in inner:
            yield from inner_values(inner, f"{at}.")
        elif path:
            yield [f"`{at}`", kind_of(inner), found["description"]]


def as_code(text: str) -> str:
    """Return a text as code, and nothing for an empty one."""
    return text and f"`{text}`"
