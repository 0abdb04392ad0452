"""The vendor's world: the same for the same seed, and as odd as the real one."""

import json
import re

import pytest

from marketplace_sandbox.world import World
from marketplace_sandbox.world.calendar import shift

IDEAS = 43


@pytest.fixture(scope="module")
def world():
    return World(customers=30)


def texts(value):
    if isinstance(value, dict):
        return [text for entry in value.values() for text in texts(entry)]
    if isinstance(value, list):
        return [text for entry in value for text in texts(entry)]
    return [value]


def test_one_seed_one_world():
    assert World(seed=7, customers=9).content() == World(seed=7, customers=9).content()


def test_another_seed_shares_no_id(world):
    def ids(of):
        rows = of.licenses + of.transactions
        fields = ("addonLicenseId", "appEntitlementId", "appEntitlementNumber", "transactionLineItemId")
        return {row[field] for row in rows for field in fields if field in row}

    assert not ids(world) & ids(World(seed=2, customers=30))


def test_more_customers_change_no_row_of_the_others(world):
    larger = World(customers=60)
    assert larger.licenses[: len(world.licenses)] == world.licenses
    assert larger.transactions[: len(world.transactions)] == world.transactions
    assert len(larger.licenses) > len(world.licenses)


def test_the_world_hangs_on_its_first_day_not_on_the_clock():
    early, late = World(today="2024-02-29"), World(today="2026-03-02")
    assert [row.get("tier") for row in early.licenses] == [row.get("tier") for row in late.licenses]
    assert max(row["lastUpdated"] for row in early.licenses) <= "2024-02-29"


def test_every_idea_has_its_company(world):
    assert len(world.ideas) == IDEAS
    without_license = {idea for idea, rows in world.ideas.items() if not rows}
    assert without_license == {"deleted_license"}


def test_no_two_rows_share_a_key(world):
    licenses = [row.get("addonLicenseId") or row["appEntitlementId"] for row in world.licenses]
    sales = [(row["transactionId"], row["transactionLineItemId"]) for row in world.transactions]
    assert len(set(licenses)) == len(licenses)
    assert len(set(sales)) == len(sales)
    assert len({order for order, _ in sales}) < len(sales), "some orders have several rows"


def test_nothing_was_updated_or_sold_after_today(world):
    assert max(row["lastUpdated"] for row in world.licenses + world.transactions) <= world.today
    assert max(row["purchaseDetails"]["saleDate"] for row in world.transactions) <= world.today


def test_active_means_not_ended(world):
    for row in world.licenses:
        if "maintenanceEndDate" in row:
            assert (row["status"] == "active") == (row["maintenanceEndDate"] >= world.today), row


@pytest.mark.parametrize(
    "pattern",
    [
        r"^RTBF$",
        r"^null$",
        r"\r",
        r"^Per Unit Pricing \(\d+ Users\)$",
        r"^-3 Users$",
        r"^1 User$",
        r"^Unlimited Users$",
    ],
)
def test_odd_texts_occur(world, pattern):
    found = [text for text in texts(world.content()) if isinstance(text, str) and re.search(pattern, text)]
    assert found


def test_odd_gaps_occur(world):
    rows = world.licenses
    assert any("tier" not in row for row in rows)
    assert any("maintenanceEndDate" not in row for row in rows)
    assert any("technicalContact" not in row["contactDetails"] for row in rows)
    assert any(row["contactDetails"].get("billingContact") == {} for row in rows)
    assert any(row.get("partnerDetails", {}).get("billingContact") == {} for row in rows)
    assert any("company" not in row["contactDetails"] for row in rows)
    assert any(row.get("inGracePeriod", "absent") is None for row in rows)
    assert any(row.get("cloudComplianceBoundaries", "absent") is None for row in rows)
    assert any("growthSignal" in row for row in rows), "a field that no schema knows"


def test_money_is_a_json_number_to_the_cent(world):
    prices = [json.dumps(row["purchaseDetails"]["purchasePrice"]) for row in world.transactions]
    assert all(re.fullmatch(r"-?\d+(\.\d{1,2})?", price) for price in prices)
    assert "1234.56" in prices
    assert "1200" in prices


def test_sales_of_a_multi_instance_entitlement_name_no_site(world):
    sites = world.ideas["multi_instance"]
    parent = {row["multiInstanceEntitlementNumber"] for row in sites}
    assert (len(sites), len(parent)) == (3, 1)
    sales = [row for row in world.transactions if row.get("appEntitlementNumber") in parent]
    assert len(sales) == 2
    assert not parent & {row.get("appEntitlementNumber") for row in world.licenses}


def test_one_sale_has_no_licence_and_one_refund_no_id(world):
    known = {row.get(key) for row in world.licenses for key in ("appEntitlementNumber", "addonLicenseId")}
    known |= {row.get("multiInstanceEntitlementNumber") for row in world.licenses}
    orphans = [
        row for row in world.transactions if (row.get("appEntitlementNumber") or row.get("addonLicenseId")) not in known
    ]
    nameless = [
        row
        for row in world.transactions
        if not {"appEntitlementId", "appEntitlementNumber", "addonLicenseId", "licenseId"} & set(row)
    ]
    assert len(orphans) == 1
    assert [row["purchaseDetails"]["saleType"] for row in nameless] == ["Refund"]


def test_one_person_is_a_contact_of_five_licences(world):
    rows = world.ideas["consultant_in_five_licenses"]
    people = [row["contactDetails"]["technicalContact"] for row in rows]
    assert {person["email"].strip().lower() for person in people} == {"noor.vance@vance-advice-sbx.com"}
    assert len(people) == 5
    assert len({person.get("phone") for person in people}) > 1


def test_given_rows_are_served_as_they_are():
    license_row, sale = {"addonLicenseId": "1", "tier": None}, {"transactionId": "AT-1", "purchaseDetails": {}}
    world = World.from_rows(licenses=[license_row], transactions=[sale], today="2030-01-01")
    content = world.content()
    assert (content["licenses"], content["transactions"]) == ([license_row], [sale])
    assert world.step(3) == {"today": "2030-01-04", "changes": []}


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [("2025-01-31", 1, "2025-02-28"), ("2024-02-29", 12, "2025-02-28"), ("2025-03-10", -3, "2024-12-10")],
)
def test_months_end_in_shorter_months(day, months, expected):
    assert shift(day, months=months) == expected
