"""What lands in a warehouse is what the tap emitted: every row, every declared field, money to the cent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.end_to_end.warehouse_document import documented_by_kind
from tests.end_to_end.warehouses import (
    COMPUTED,
    FURTHER,
    STREAMS,
    assert_same,
    emitted_for_warehouses,
    rows_of_duckdb,
    rows_of_postgres,
    run_settings,
    types_in_duckdb,
    types_in_postgres,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.end_to_end.conftest import Project


@dataclass
class Warehouse:
    """An empty warehouse.

    Attributes:
        name: As the loaders and jobs call it.
        settings: Variables by which its loader finds it.
        read: Gives the rows of a stream's table.
        types: Gives the types of the table's columns, by column.
    """

    name: str
    settings: dict[str, str]
    read: Callable[[str], list[dict[str, Any]]]
    types: Callable[[str], dict[str, str]]

    @property
    def in_duckdb(self) -> bool:
        return self.name == "duckdb"

    def run(self, project: Project, **settings: str) -> None:
        """Run the warehouse's job."""
        loader = f"target-{self.name}"
        project.run(f"marketplace-to-{self.name}", loader=loader, **self.settings, **run_settings(project), **settings)


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "duckdb":
        path = tmp_path / "marketplace.duckdb"
        settings = {"TARGET_DUCKDB_PATH": str(path)}
        return Warehouse("duckdb", settings, partial(rows_of_duckdb, path), partial(types_in_duckdb, path))
    url = request.getfixturevalue("postgres")
    settings = {"TARGET_POSTGRES_SQLALCHEMY_URL": url.replace("postgresql:", "postgresql+psycopg:")}
    return Warehouse("postgres", settings, partial(rows_of_postgres, url), partial(types_in_postgres, url))


def test_rows_and_values_land_as_emitted(warehouse: Warehouse, project: Project) -> None:
    for _ in range(2):
        began = datetime.now(timezone.utc).replace(tzinfo=None)
        warehouse.run(project)
        emitted = emitted_for_warehouses(project)
        assert emitted.keys() == set(STREAMS)
        for stream, rows in emitted.items():
            assert rows.rows
            found = warehouse.read(stream)
            if stream in COMPUTED:
                found = [row for row in found if row["_sdc_extracted_at"] >= began]
            assert_same(rows, found, in_duckdb=warehouse.in_duckdb)
        # The second run carries over only what a day changed; the whole must be right again.
        assert project.sandbox.world.step(1)["changes"]


@pytest.mark.long
def test_the_streams_that_no_job_selects_land_as_emitted_and_documented(warehouse: Warehouse, project: Project) -> None:
    select = json.dumps([f"{stream}.*" for stream in FURTHER])
    warehouse.run(project, TAP_ATLASSIAN_MARKETPLACE_WAREHOUSE__SELECT=select)
    emitted = project.emitted(FURTHER)
    assert emitted.keys() == set(FURTHER)
    for stream, rows in emitted.items():
        assert rows.rows
        assert_same(rows, warehouse.read(stream), in_duckdb=warehouse.in_duckdb)
        documented = documented_by_kind(rows.schema, "DuckDB" if warehouse.in_duckdb else "PostgreSQL")
        found = warehouse.types(stream)
        assert {name: found[name] for name in documented} == documented
