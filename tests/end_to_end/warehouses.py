"""Read what landed in a warehouse, and compare it with what the tap emitted."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from tests.end_to_end.singer_file import exact

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.singer_file import Emitted


def rows_of_postgres(url: str, stream: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        set_json_loads(exact, connection)
        return connection.execute(f'SELECT * FROM marketplace."{stream}"').fetchall()


def rows_of_duckdb(path: Path, stream: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        result = connection.execute(f'SELECT * FROM main."{stream}"')
        assert result.description is not None
        columns = [(column[0], str(column[1])) for column in result.description]
        return [
            {
                name: exact(value) if kind == "JSON" and value else value
                for (name, kind), value in zip(columns, row, strict=True)
            }
            for row in result.fetchall()
        ]


def landed(value: Any) -> Any:
    """A value of a warehouse as JSON has it."""
    return value.isoformat() if isinstance(value, date) else value


def assert_same(emitted: Emitted, rows: list[dict[str, Any]], *, lower_case: bool) -> None:
    column = str.lower if lower_case else str
    expected = {
        key: {column(name): record.get(name) for name in emitted.schema["properties"]}
        for key, record in emitted.rows.items()
    }
    keys = [column(key) for key in emitted.keys]
    found = {tuple(row[key] for key in keys): row for row in rows}
    assert len(found) == len(rows), "a key is there twice"
    assert found.keys() == expected.keys()
    for key, record in expected.items():
        assert {name: landed(found[key][name]) for name in record} == record, key
