"""Days pass: what changes, and that every change is told."""

import copy

import pytest

from marketplace_sandbox.world import World
from marketplace_sandbox.world.apps import DIAGRAMS

DAYS = 40


def leaves(row, prefix=""):
    found = {}
    for key, value in row.items():
        found |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return found


def key(row):
    if "transactionLineItemId" in row:
        return row["transactionLineItemId"]
    return row.get("addonLicenseId") or row["appEntitlementId"]


def rows_of(world):
    return {key(row): row for row in world.licenses + world.transactions}


def changes_by_key(step):
    return {key(change["id"]): change for change in step["changes"]}


@pytest.fixture(scope="module")
def first_day():
    world = World(customers=20)
    return world, world.step()


def test_the_same_days_bring_the_same_changes():
    one, other = World(seed=3, customers=10), World(seed=3, customers=10)
    assert one.step(DAYS) == other.step(DAYS)
    assert one.content() == other.content()


def test_days_one_by_one_or_together_end_alike():
    one, other = World(customers=10), World(customers=10)
    for _ in range(5):
        one.step()
    other.step(5)
    assert one.content() == other.content()


def test_every_change_is_told_and_nothing_else():
    world = World(customers=10)
    for _ in range(DAYS):
        before = copy.deepcopy(rows_of(world))
        told = changes_by_key(world.step())
        after = rows_of(world)
        assert {k for k in before | after if before.get(k) != after.get(k)} == set(told)
        for row_key, change in told.items():
            if change["change"] == "changed":
                old, new = leaves(before[row_key]), leaves(after[row_key])
                expected = {
                    path: [old.get(path), new.get(path)] for path in old | new if old.get(path) != new.get(path)
                }
                assert change["fields"] == expected


def test_every_touched_row_says_today():
    world = World(customers=10)
    for _ in range(DAYS):
        told = changes_by_key(world.step())
        rows = rows_of(world)
        assert {rows[k]["lastUpdated"] for k, change in told.items() if change["change"] != "removed"} <= {world.today}


def test_the_first_day_holds_what_it_promises(first_day):
    world, step = first_day
    changed, rows = changes_by_key(step), rows_of(world)
    sales = [
        rows[k]["purchaseDetails"] for k, c in changed.items() if (c["entity"], c["change"]) == ("transaction", "added")
    ]
    assert {"New", "Renewal", "Refund"} <= {sale["saleType"] for sale in sales}
    fields = [change.get("fields", {}) for change in changed.values()]
    assert ["active", "inactive"] in [field.get("status") for field in fields]
    emails = [field for field in fields if "contactDetails.technicalContact.email" in field]
    assert len(emails) == 1
    phones = [field for field in fields if set(field) == {"lastUpdated", "contactDetails.billingContact.phone"}]
    assert len(phones) == 1
    added = [c for c in step["changes"] if (c["entity"], c["change"]) == ("license", "added")]
    assert len(added) == 1


def test_on_the_first_day_a_data_center_licence_and_its_sale_gain_a_number(first_day):
    world, step = first_day
    gained = [c for c in step["changes"] if c.get("fields", {}).get("appEntitlementNumber", [1])[0] is None]
    assert [change["entity"] for change in gained] == ["license", "transaction"]
    number = world.ideas["gains_entitlement_number"][0]["appEntitlementNumber"]
    assert {change["fields"]["appEntitlementNumber"][1] for change in gained} == {number}


def test_the_second_and_third_day_hold_what_they_promise():
    world = World()
    world.step()
    second, third = world.step(), world.step()
    fields = [change.get("fields", {}) for change in second["changes"]]
    assert ["EVALUATION", "COMMERCIAL"] in [field.get("licenseType") for field in fields]
    assert any("purchaseDetails.purchasePrice" in field for field in fields)
    assert any(field.get("contactDetails.billingContact.email", [""])[-1] == "RTBF" for field in fields)
    rows = rows_of(world)
    late = [row for row in rows.values() if row["lastUpdated"] == "2026-03-04" and "purchaseDetails" in row]
    assert "2026-01-18" in {row["purchaseDetails"]["saleDate"] for row in late}, "45 days earlier"
    assert [(c["entity"], c["change"]) for c in third["changes"]] == [("license", "removed")]


def test_licences_fall_due_and_nobody_stays_active_past_the_end():
    world = World(customers=20)
    step = world.step(400)
    for row in world.licenses:
        assert row["status"] != "active" or row.get("maintenanceEndDate", "9999") > world.today
    assert len(step["changes"]) > 100


def test_contacts_stay_addresses_or_are_forgotten():
    world = World(customers=20)
    world.step(200)
    for row in world.licenses:
        for role in ("technicalContact", "billingContact"):
            email = row["contactDetails"].get(role, {}).get("email", "a@b.c")
            assert email == "RTBF" or ("@" in email and "." in email.rpartition("@")[2])


def test_given_rows_fall_due_too():
    row = {
        "appEntitlementId": "a",
        "appEntitlementNumber": "E-1",
        "addonKey": DIAGRAMS,
        "status": "active",
        "licenseType": "COMMERCIAL",
        "lastUpdated": "2025-01-01",
        "maintenanceStartDate": "2025-01-01",
        "maintenanceEndDate": "2025-02-01",
    }
    world = World.from_rows(licenses=[row], today="2025-01-31")
    step = world.step()
    assert step["changes"] == [
        {
            "entity": "license",
            "id": {"appEntitlementId": "a", "appEntitlementNumber": "E-1"},
            "change": "changed",
            "fields": {"lastUpdated": ["2025-01-01", "2025-02-01"], "status": ["active", "inactive"]},
        }
    ]
