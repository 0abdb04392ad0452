"""What lands in a warehouse is what the tap emitted: every row, every declared field, money to the cent."""

from __future__ import annotations

import functools
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from tests.end_to_end.singer_file import exact

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Project
    from tests.end_to_end.singer_file import Emitted

STREAMS = {"licenses", "transactions", "contacts"}


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


@pytest.mark.parametrize("warehouse", ["duckdb", "postgres"])
def test_rows_and_values_land_as_emitted(
    warehouse: str, project: Project, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if warehouse == "duckdb":
        path = tmp_path / "marketplace.duckdb"
        settings = {"TARGET_DUCKDB_PATH": str(path)}
        read = functools.partial(rows_of_duckdb, path)
    else:
        url = request.getfixturevalue("postgres")
        settings = {"TARGET_POSTGRES_SQLALCHEMY_URL": url.replace("postgresql:", "postgresql+psycopg:")}
        read = functools.partial(rows_of_postgres, url)

    for _ in range(2):
        project.run(f"marketplace-to-{warehouse}", loader=f"target-{warehouse}", **settings)
        emitted = project.emitted()
        assert emitted.keys() == STREAMS
        for stream, rows in emitted.items():
            assert rows.rows
            assert_same(rows, read(stream), lower_case=warehouse == "duckdb")
        # The second run carries over only what a day changed; the whole must be right again.
        assert project.sandbox.world.step(1)["changes"]
