"""In PostgreSQL a full refresh marks what vanished from the Marketplace; no other run marks anything."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Project

JOB = "marketplace-to-postgres"
STREAMS = ("licenses", "contacts", "transactions")


def marked(url: str) -> dict[str, set[Any]]:
    """The keys of the rows that are marked as deleted, by table."""
    keys = ("id", "license_id", '"transactionLineItemId"')
    with psycopg.connect(url, options="-csearch_path=marketplace") as connection:
        return {
            table: {
                row[0] for row in connection.execute(f"select {key} from {table} where _sdc_deleted_at is not null")
            }
            for table, key in zip(STREAMS, keys, strict=True)
        }


def versions(url: str) -> list[int | None]:
    with psycopg.connect(url, options="-csearch_path=marketplace") as connection:
        return [row[0] for row in connection.execute("select distinct _sdc_table_version from licenses order by 1")]


@pytest.mark.long
def test_a_row_that_vanished_is_marked_by_a_whole_read_alone(project: Project, postgres: str) -> None:
    url = postgres.replace("postgresql:", "postgresql+psycopg:")
    run = partial(project.run, JOB, loader="target-postgres", TARGET_POSTGRES_SQLALCHEMY_URL=url)
    nothing: dict[str, set[Any]] = {table: set() for table in STREAMS}
    world = project.sandbox.world

    run()
    (first,) = versions(postgres)
    assert marked(postgres) == nothing

    # An incremental run brings what changed, in the version that is there.
    ids = {row["appEntitlementId"] for row in world.licenses if "appEntitlementId" in row}
    world.step(3)
    (licence,) = ids - {row.get("appEntitlementId") for row in world.licenses}
    sale = world.transactions[0]
    world._builder.transactions.remove(sale)
    run()
    assert marked(postgres) == nothing
    assert versions(postgres) == [first]

    # A filtered one does not take the rest for gone, nor does one that fails.
    run("--full-refresh", TAP_ATLASSIAN_MARKETPLACE_HOSTINGS="cloud")
    assert marked(postgres) == nothing
    for path in ("/licenses", "/transactions"):
        project.sandbox.faults.add("403", side="marketplace", path=path)
    with pytest.raises(AssertionError, match="may not read what was asked for"):
        run("--full-refresh")
    project.sandbox.faults.clear()
    assert marked(postgres) == nothing

    project.call("schedule", "run", f"{JOB}-weekly", loader="target-postgres", TARGET_POSTGRES_SQLALCHEMY_URL=url)
    expected = {"licenses": {licence}, "contacts": {licence}, "transactions": {sale["transactionLineItemId"]}}
    assert marked(postgres) == expected

    # And the runs after it leave it at that.
    world.step(1)
    run()
    assert marked(postgres) == expected
    assert len(versions(postgres)) == 2
