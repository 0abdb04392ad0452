"""What lands in a warehouse is what the tap emitted: every row, every declared field, money to the cent."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest
from tests.end_to_end.warehouses import assert_same, rows_of_duckdb, rows_of_postgres

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Project

STREAMS = {"licenses", "transactions", "contacts"}


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
