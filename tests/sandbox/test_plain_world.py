"""A large world: its rows look like the ordinary ones, and cost nothing until they are read."""

import tracemalloc

import pytest
import requests

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running
from marketplace_sandbox.world import PlainWorld, World

REPORTS = f"/rest/3/reporting/developer-space/{credentials.DEVELOPER_ID}"
AUTH = (credentials.VENDOR_EMAIL, credentials.API_TOKEN)
COUNT = 2400


@pytest.fixture(scope="module")
def plain():
    with running(PlainWorld(licenses=COUNT)) as sandbox:
        yield sandbox


def rows(sandbox, report, **params):
    """The rows of a report by asynchronous export."""
    base = f"{sandbox.marketplace_url}{REPORTS}/{report}/async/export"
    export = requests.post(base, auth=AUTH, params=params, timeout=10).json()["export"]["id"]
    requests.get(f"{base}/{export}/status", auth=AUTH, timeout=10)
    answer = requests.get(f"{base}/{export}", auth=AUTH, timeout=30)
    assert "Content-Length" not in answer.headers
    return answer.json()


def test_every_licence_has_ids_of_its_own_and_one_sale(plain):
    licences, sales = rows(plain, "licenses"), rows(plain, "sales/transactions")
    ids = [row.get("appEntitlementNumber") or row["addonLicenseId"] for row in licences]
    assert len(set(ids)) == len(ids) == COUNT
    assert [row.get("appEntitlementNumber") or row["addonLicenseId"] for row in sales] == ids
    assert len({row["transactionId"] for row in sales}) == COUNT
    assert len({row["contactDetails"]["technicalContact"]["email"] for row in licences}) == COUNT
    assert licences == list(rows(plain, "licenses"))


def test_filters_work_as_ever(plain):
    early = rows(plain, "licenses", endDate="2018-06-30")
    late = rows(plain, "licenses", startDate="2018-07-01", withDataInsights="true")
    assert len(early) + len(late) == COUNT
    assert min(len(early), len(late)) > COUNT / 10
    assert all("parentProductBillingCycle" in row for row in late if row["hosting"] == "Cloud")
    assert {row["hosting"] for row in rows(plain, "licenses", hosting="datacenter")} == {"Data Center"}
    page = requests.get(f"{plain.marketplace_url}{REPORTS}/licenses?offset=100&limit=50", auth=AUTH, timeout=10).json()
    assert (len(page["licenses"]), page["totalCount"]) == (50, COUNT)


@pytest.mark.parametrize("report", ["licenses", "transactions"])
def test_rows_have_the_fields_of_ordinary_ones(plain, report):
    ordinary = {key for row in getattr(World(ideas=(), customers=30), report) for key in row}
    assert {key for row in getattr(plain.world, report) for key in row} <= ordinary


def test_worlds_of_one_seed_are_equal_and_of_two_share_no_id():
    first, same, other = (PlainWorld(licenses=20, seed=seed) for seed in (1, 1, 2))
    assert list(first.licenses) == list(same.licenses)
    assert list(first.transactions[3:7]) == list(same.transactions)[3:7]
    keys = [{row.get("appEntitlementNumber") or row["licenseId"] for row in world.licenses} for world in (first, other)]
    assert keys[0].isdisjoint(keys[1])


def test_days_pass_without_a_change():
    world = PlainWorld(licenses=5)
    before = list(world.licenses)
    assert world.step(3) == {"today": "2026-03-05", "changes": []}
    assert list(world.licenses) == before
    assert world.content()["counts"] == {"licenses": 5, "transactions": 5}


def test_a_world_takes_no_memory_for_its_rows():
    tracemalloc.start()
    try:
        world = PlainWorld(licenses=1_000_000)
        assert sum(1 for _ in zip(range(3000), world.licenses, strict=False)) == 3000
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
