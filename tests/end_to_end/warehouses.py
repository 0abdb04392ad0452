"""Read what landed in a warehouse, and compare it with what the tap emitted."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import yaml
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from scripts import warehouses
from scripts.setup import ROOT
from tests.end_to_end.singer_file import exact

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Project
    from tests.end_to_end.singer_file import Emitted

STREAMS = warehouses.STREAMS
FURTHER = (
    *("churn_events", "conversion_events", "renewal_events", "feedback", "quotes", "marketing_attribution"),
    *("recurring_revenue", "apps", "app_versions", "reviews"),
)
"""Streams that no job selects."""
COMPUTED = {"accounts", "people", "account_events", "mrr_segments", "anomalies"}
"""Streams of which every run gives all rows, computed anew: those that no longer hold stay in a table."""


def settings_of_the_jobs() -> dict[str, Any]:
    """What `meltano.yml` sets for the tap of the warehouse jobs; its streams are those of the documents."""
    extractors = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["extractors"]
    (tap,) = [found for found in extractors if found["name"] == "tap-atlassian-marketplace-warehouse"]
    assert tap["select"] == [f"{stream}.*" for stream in STREAMS]
    return dict(tap["config"])


def emitted_for_warehouses(project: Project) -> dict[str, Emitted]:
    """What the jobs' tap emits now, without a bookmark, as of the sandbox's day."""
    return project.emitted(STREAMS, as_of=project.sandbox.world.today, **settings_of_the_jobs())


def run_settings(project: Project) -> dict[str, str]:
    """Variables for a run as of the sandbox's day."""
    return {"TAP_ATLASSIAN_MARKETPLACE_AS_OF": project.sandbox.world.today}


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


TYPES_IN_POSTGRES = """
    select attname, format_type(atttypid, atttypmod) from pg_attribute
    where attrelid = 'marketplace.{}'::regclass and attnum > 0 and not attisdropped
"""
TYPES_IN_DUCKDB = "select column_name, data_type from information_schema.columns where table_name = '{}'"


def types_in_postgres(url: str, stream: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute(TYPES_IN_POSTGRES.format(stream)).fetchall())


def types_in_duckdb(path: Path, stream: str) -> dict[str, str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return dict(connection.execute(TYPES_IN_DUCKDB.format(stream)).fetchall())


def landed(value: Any) -> Any:
    """A value of a warehouse as JSON has it."""
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    return Decimal(repr(value)) if isinstance(value, float) else value


def assert_same(emitted: Emitted, rows: list[dict[str, Any]], *, in_duckdb: bool) -> None:
    column = str.lower if in_duckdb else str
    expected = {
        key: {column(name): _as_kept(record.get(name), in_duckdb=in_duckdb) for name in emitted.schema["properties"]}
        for key, record in emitted.rows.items()
    }
    keys = [column(key) for key in emitted.keys]
    found = {tuple(landed(row[key]) for key in keys): row for row in rows}
    assert len(found) == len(rows), "a key is there twice"
    assert found.keys() == expected.keys()
    for key, record in expected.items():
        row = {name: landed(found[key][name]) for name in record}
        assert (key, {name: (row[name], value) for name, value in record.items() if row[name] != value}) == (key, {})


def _as_kept(value: Any, *, in_duckdb: bool) -> Any:
    """The loader of DuckDB makes null of an empty text."""
    return None if in_duckdb and value == "" else value
