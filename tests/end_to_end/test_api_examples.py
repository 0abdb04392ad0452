"""The example answers of Atlassian's API reference pass through tap, warehouse and loader, leaf by leaf."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.end_to_end.conftest import Project
from tests.end_to_end.expected_journy import Journy, account_properties, event
from tests.end_to_end.journy_content import held, unlike, wanted
from tests.end_to_end.singer_file import exact
from tests.end_to_end.warehouses import assert_same, rows_of_postgres

from marketplace_sandbox.server import running
from marketplace_sandbox.world import World
from target_journy.expressions import fields_of
from target_journy.mapping_file import listed
from target_journy.mapping_reading import load_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_journy.mapping_file import Property

REFERENCE = Path(__file__).parents[3] / "shared" / "specs" / "atlassian-marketplace-v3.openapi.json"

pytestmark = pytest.mark.skipif(
    not REFERENCE.exists(), reason="the description of Atlassian's API is not part of a clone"
)

Row = dict[str, Any]


@pytest.fixture(scope="module")
def examples() -> tuple[list[Row], list[Row]]:
    schemas = exact(REFERENCE.read_text(encoding="utf-8"))["components"]["schemas"]
    licenses = schemas["Reports_GetLicenses"]["example"]["licenses"]
    transactions = schemas["Reports_GetTransactions"]["example"]["transactions"]
    assert licenses
    assert transactions
    return licenses, transactions


def buyers(transactions: list[Row]) -> list[Row]:
    """A licence for each example sale, which the reference has none for; without it a sale would wait."""
    ids = ("appEntitlementId", "appEntitlementNumber", "addonKey", "addonName", "productId")
    fields = {
        "hosting": "Cloud",
        "lastUpdated": "2025-01-01",
        "licenseType": "COMMERCIAL",
        "maintenanceStartDate": "2025-01-01",
        "status": "active",
        "tier": "10 Users",
        "contactDetails": {},
    }
    return [{**{name: sale[name] for name in ids}, **fields} for sale in transactions]


@pytest.fixture
def example_project(examples: tuple[list[Row], list[Row]], tmp_path: Path) -> Iterator[Project]:
    licenses, transactions = examples
    with running(World.from_rows(licenses=[*licenses, *buyers(transactions)], transactions=transactions)) as sandbox:
        yield Project(tmp_path, sandbox)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def test_every_leaf_is_emitted_and_every_declared_field_lands(
    example_project: Project, examples: tuple[list[Row], list[Row]], postgres: str
) -> None:
    emitted = example_project.emitted()
    keys = {"licenses": "appEntitlementNumber", "transactions": "transactionLineItemId"}
    for stream, rows in zip(keys, examples, strict=True):
        records = {record[keys[stream]]: record for record in emitted[stream].rows.values()}
        for row in rows:
            found = dict(leaves(records[row[keys[stream]]]))
            missing = {path: value for path, value in leaves(row) if found.get(path) != value}
            assert missing == {}

    url = postgres.replace("postgresql:", "postgresql+psycopg:")
    example_project.run("marketplace-to-postgres", loader="target-postgres", TARGET_POSTGRES_SQLALCHEMY_URL=url)
    for stream, rows in emitted.items():
        assert_same(rows, rows_of_postgres(postgres, stream), in_duckdb=False)


def test_every_leaf_that_the_preset_lists_reaches_journy(
    example_project: Project, examples: tuple[list[Row], list[Row]], tmp_path: Path
) -> None:
    example_project.run(
        "marketplace-raw-to-journy",
        loader="target-journy",
        TARGET_JOURNY_LEDGER_URL=f"sqlite:///{tmp_path / 'ledger.db'}",
        TARGET_JOURNY_REPORT_PATH=str(tmp_path / "report.json"),
        TARGET_JOURNY_REJECTED_PATH=str(tmp_path / "rejected.jsonl"),
        TARGET_JOURNY_REQUIRE_LEDGER="false",
    )
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert all(counts["rejected"] == counts["failed"] == 0 for counts in report["streams"].values())

    # The values and types, worked out without the loader.
    expected = Journy()
    expected.absorb(example_project.sandbox.world)
    assert unlike(held(example_project.sandbox), wanted(expected)) == {}
    assert len(expected.events) == len(examples[1])

    # And no leaf that the preset lists was left out of those.
    streams = load_mapping("marketplace-raw", None)[0].streams
    (account,), (sale,) = listed(streams["licenses"].account), listed(streams["transactions"].event)
    for row in examples[0]:
        assert_listed_leaves_are_there(row, account.properties, account_properties(row))
    for row in examples[1]:
        assert_listed_leaves_are_there(row, sale.metadata, event(row)["metadata"])


def assert_listed_leaves_are_there(row: Row, specs: dict[str, str | Property], told: Row) -> None:
    present = {path for path, value in leaves(row) if value not in (None, "", "NA")}
    for name, spec in specs.items():
        read = set(fields_of(spec if isinstance(spec, str) else spec.value or ""))
        if read & present and name not in {"website", "domain"}:  # free mail addresses are no site
            assert told.get(name) is not None, name
