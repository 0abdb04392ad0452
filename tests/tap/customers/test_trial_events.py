"""What is told of trials, of what became of them and of migrations."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import account, events, licence, names, trial

from tap_atlassian_marketplace.customers.event_rows import EVENTS

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

YEAR = row("New", 1200, "2025-01-01", "2026-01-01", order="AT-1")


def test_a_trial_and_its_purchase() -> None:
    row_ = licence(latestEvaluationStartDate="2024-12-01", evaluationEndDate="2024-12-31")
    found = events(row_, YEAR)
    assert found["trial:1:2024-12-01"]["event"] == "trial_started"
    converted = found["conv:1:AT-1|1"]
    assert (converted["event"], converted["metadata"]["days_to_convert"]) == ("trial_converted", 31)


def test_a_purchase_tells_of_the_first_sale_after_the_trial() -> None:
    row_ = licence(latestEvaluationStartDate="2024-12-01", evaluationEndDate="2024-12-31")
    first = row("New", 1200, "2025-01-01", "2026-01-01", net=1020, order="AT-1")
    found = events(row_, row("Upgrade", 300, "2025-07-01", "2026-01-01", tier="25 Users"), first)
    told = found["conv:1:AT-1|1"]["metadata"]
    sale = found["tx:AT-1|1"]["metadata"]
    names = ("vendor_amount", "purchase_price", "tier", "tier_users")
    assert [told[name] for name in names] == [1020, 1200, "10 Users", 10] == [sale[name] for name in names]


@pytest.mark.parametrize(("source", "event_id"), [("SEN-5", "xfer:5:1"), ("5", "xfer:5:1"), ("E-5", "xfer:E-5:1")])
def test_a_migration_to_cloud_is_told_to_the_account_there(source: str, event_id: str) -> None:
    moved = {"status": "converted", "relatedOnPremLicense": source}
    found = events(licence(cmtDetails=moved), YEAR)[event_id]
    assert (found["event"], found["account_id"]) == ("license_transferred", "E-1")
    assert found["occurred_at"].startswith("2025-01-01T12:00:")
    about = {"app_key": "app", "app_name": "App", "hosting": "Cloud"}
    assert found["metadata"] == {"from": source, "to": "E-1", **about}


@pytest.mark.parametrize(
    ("fields", "today"),
    [
        ({"cmtDetails": {"status": "active", "relatedOnPremLicense": "SEN-5"}}, "2025-07-15"),
        ({"cmtDetails": {"status": "non-converted", "relatedOnPremLicense": "SEN-5"}}, "2025-07-15"),
        ({"cmtDetails": {"status": "converted", "relatedOnPremLicense": "SEN-1"}}, "2025-07-15"),
        ({"cmtDetails": {"status": "converted", "relatedOnPremLicense": "SEN-5"}}, "2024-12-31"),
        ({"cmtDetails": {"status": "converted"}}, "2025-07-15"),
    ],
    ids=["on trial", "undone", "of itself", "not yet", "of nothing"],
)
def test_what_is_no_migration(fields: Row, today: str) -> None:
    assert "license_transferred" not in names(events(licence(**fields), YEAR, today=today))


def test_the_schema_names_all_events() -> None:
    schema = json.loads(files("tap_atlassian_marketplace.schemas").joinpath("account_events.json").read_text("utf-8"))
    told = set(re.findall(r"[a-z_]+", schema["properties"]["event"]["description"]))
    assert told >= set(EVENTS)


@pytest.mark.parametrize(
    ("status", "today", "ends"),
    [
        ("active", "2025-06-30", []),
        ("inactive", "2025-07-01", ["trial_expired"]),
        ("cancelled", "2025-07-01", ["trial_cancelled", "trial_expired"]),
        ("cancelled", "2025-06-30", ["trial_cancelled"]),
        ("cancelled", "2025-06-20", ["trial_cancelled"]),
    ],
)
def test_a_trial_in_vain(status: str, today: str, ends: list[str]) -> None:
    row_ = trial("2025-06-01", "2025-06-30", status=status, lastUpdated="2025-06-20")
    found = events(row_, today=today)
    assert names(found) == ["trial_started", *ends]
    ids = {"trial_expired": "trialend:1:2025-06-30", "trial_cancelled": "trialcancel:1:2025-06-30"}
    assert {name for name, each in found.items() if each["event"] in ids} == {ids[end] for end in ends}


def test_a_cancelled_trial_that_is_touched_and_ends_changes_nothing_that_was_told() -> None:
    rows = [
        trial("2025-06-01", "2025-06-30", status=status, lastUpdated=updated)
        for status, updated in (("cancelled", "2025-06-10"), ("cancelled", "2025-06-12"), ("inactive", "2025-07-02"))
    ]
    told = [
        events(each, today=today) for each, today in zip(rows, ("2025-06-10", "2025-06-12", "2025-07-05"), strict=True)
    ]
    names_ = [{name: each["event"] for name, each in found.items() if "trial:" not in name} for found in told]
    cancelled = {"trialcancel:1:2025-06-30": "trial_cancelled"}
    assert names_ == [cancelled, cancelled, {"trialend:1:2025-06-30": "trial_expired"}]
    # A row that is touched after the end moves the event at most to it.
    late = events(trial("2025-06-01", "2025-06-30", status="cancelled", lastUpdated="2025-07-02"), today="2025-07-05")
    assert late["trialcancel:1:2025-06-30"]["occurred_at"].startswith("2025-06-30")


def test_a_first_sale_that_nobody_ever_paid_converts_no_trial() -> None:
    tried = licence(evaluationStartDate="2024-12-12", evaluationEndDate="2024-12-31")
    given_up = {**YEAR, "paymentStatus": "Uncollectible"}
    assert names(events(tried, given_up)) == ["trial_started", "subscription_started"]
    assert account(tried, given_up)["trial_converted_at"] is None
    paid = row("New", 1200, "2025-03-01", "2026-03-01", order="AT-2")
    found = events(tried, given_up, paid)
    assert "conv:1:AT-2|1" in found
    assert "conv:1:AT-1|1" not in found


FIRST = row("New", 1200, "2023-01-05", "2024-01-05", order="AT-1")
SECOND_TRIAL = licence(evaluationStartDate="2022-12-10", latestEvaluationStartDate="2025-03-01")


def test_a_second_trial_of_who_had_left_is_bought() -> None:
    again = row("New", 1200, "2025-03-20", "2026-03-20", order="AT-9")
    found = events(SECOND_TRIAL, FIRST, again)
    assert [each for each in found if each.startswith("conv:")] == ["conv:1:AT-9|1"]
    known = account(SECOND_TRIAL, FIRST, again)
    assert (known["trial_converted_at"], known["days_to_convert"]) == ("2025-03-20", 19)
    assert account(SECOND_TRIAL, FIRST)["trial_converted_at"] is None


def test_whoever_tries_while_he_pays_is_a_customer_already() -> None:
    renewal = row("Renewal", 2400, "2024-01-05", "2026-01-05", order="AT-2")
    upgrade = row("Upgrade", 300, "2025-03-20", "2026-01-05", order="AT-3")
    assert not [each for each in events(SECOND_TRIAL, FIRST, renewal, upgrade) if each.startswith("conv:")]


@pytest.mark.parametrize("kind", ["EVALUATION", "NET_NEW_EVALUATION"])
def test_a_sale_of_nothing_that_begins_a_trial_makes_no_customer(kind: str) -> None:
    row_ = trial("2025-06-01", "2025-06-30", status="inactive")
    begins = row("New", 0, "2025-06-01", "2025-07-01", order="AT-1", licenseType=kind, discounts=[{"amount": 100}])
    assert names(events(row_, begins)) == ["transaction", "trial_started", "trial_expired"]
    assert account(row_, begins)["lifecycle_stage"] == "trial_expired"
    bought = row("New", 1200, "2025-07-01", "2026-07-01", order="AT-2")
    found = events(licence(latestEvaluationStartDate="2025-06-01"), begins, bought)
    assert names(found) == ["transaction", "trial_started", "subscription_started", "trial_converted"]
