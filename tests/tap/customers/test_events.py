"""The events of an account: which there are, and by which ids they are told only once."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import events, examine, licence, trial

from target_journy.mapping import compile_streams
from target_journy.mapping_reading import load_mapping

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

RAW = compile_streams(load_mapping("marketplace-raw", None)[0])["transactions"]
YEAR = row("New", 1200, "2025-01-01", "2026-01-01", order="AT-1")


MOVED = {"status": "converted", "relatedOnPremLicense": "E-1"}


def names(found: dict[str, Row]) -> list[str]:
    return [event["event"] for event in found.values()]


@pytest.mark.parametrize("kind", ["New", "Renewal", "Upgrade", "Downgrade", "Refund", None])
@pytest.mark.parametrize("order", ["AT-1", "odd|order%"])
def test_a_sale_has_the_id_name_time_and_metadata_of_the_preset_for_raw_rows(kind: str | None, order: str) -> None:
    amount = -12 if kind == "Refund" else 12
    sale = row(
        kind,
        amount,
        "2025-01-01",
        "2026-01-01",
        order=order,
        oldTier="5 Users",
        discounts=[{"type": "EXPERT", "amount": 3}],
        paymentTerms="Net30",
    )
    sale["lastUpdated"] = "2025-01-02"
    version, operations = RAW.operations({**sale, "account_id": "E-1", "aliases": ["E-1"]})
    (raw,) = operations.events
    mine = events(licence(), sale)[raw.event_id]
    assert mine["last_updated"] == version == "2025-01-02"
    assert (mine["event"], mine["occurred_at"]) == (raw.name, raw.triggered_at)
    metadata = {"event_id": mine["event_id"], **mine["metadata"]}
    shared = {name: metadata.get(name) for name in raw.metadata if not name.endswith("date")}
    assert {name: _plain(value) for name, value in shared.items()} == {
        name: _plain(value) for name, value in raw.metadata.items() if not name.endswith("date")
    }
    assert all(metadata[name] == str(value)[:10] for name, value in raw.metadata.items() if name.endswith("date"))


def _plain(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return float(value) if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else value


def test_a_sale_tells_what_it_did_to_mrr() -> None:
    upgrade = row("Upgrade", 300, "2025-07-01", "2026-01-01", tier="25 Users", oldTier="10 Users", order="AT-2")
    metadata = events(licence(), YEAR, upgrade)["tx:AT-2|1"]["metadata"]
    assert (metadata["mrr_after"], metadata["mrr_delta"], metadata["users_delta"]) == (150, 50, 15)


def test_a_renewal_tells_how_early_it_came() -> None:
    renewal = row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2025-12-20", order="AT-2")
    metadata = events(licence(), YEAR, renewal, today="2026-02-01")["tx:AT-2|1"]["metadata"]
    assert (metadata["on_time_days"], metadata["mrr_delta"]) == (12, 0)


def test_a_refund_and_the_new_bill_of_an_upgrade_are_one_event() -> None:
    back = row("Refund", -600, "2025-07-01", "2026-01-01", net=-510, order="AT-2", line="1")
    anew = row("Upgrade", 900, "2025-07-01", "2026-01-01", net=720, order="AT-2", line="2", tier="25 Users")
    back["lastUpdated"], anew["lastUpdated"] = "2025-07-09", "2025-07-02"
    found = events(licence(), YEAR, back, anew)
    assert names(found) == ["subscription_started", "subscription_upgraded"]
    assert [event["last_updated"] for event in found.values()] == [None, "2025-07-09"]
    metadata = found["tx:AT-2|2"]["metadata"]
    assert (metadata["purchase_price"], metadata["vendor_amount"]) == (300, 210)
    assert (metadata["is_rebill_pair"], metadata["refunded_transactions"]) == (True, ["AT-2|1"])


def test_a_refund_of_a_cancellation_is_an_event_that_names_its_sale() -> None:
    found = events(licence(), YEAR, row("Refund", -900, "2025-04-01", "2026-01-01", order="AT-2"))
    assert found["tx:AT-2|1"]["event"] == "subscription_refunded"
    assert found["tx:AT-2|1"]["metadata"]["refunded_tx"] == "AT-1|1"


def test_users_added_within_a_month() -> None:
    added = [{"addedUsers": 2, "date": "2025-06-20"}, {"addedUsers": 1, "date": "2025-06-16"}]
    sale = row("Upgrade", 25, "2025-06-16", "2025-07-01", sold="2025-07-01", order="AT-2", proratedDetails=added)
    event = events(licence(), YEAR, sale)["tx:AT-2|1"]
    assert event["event"] == "users_added"
    assert (event["metadata"]["added_users"], event["metadata"]["added_on"]) == (3, ["2025-06-16", "2025-06-20"])


def test_another_billing_period() -> None:
    month = row("New", 100, "2025-05-01", "2025-06-01", billingPeriod="Monthly", order="AT-1")
    year = row("Upgrade", 1000, "2025-06-01", "2026-06-01", order="AT-2")
    assert events(licence(), month, year)["bp:1:2025-06-01"]["metadata"] == {"from": "Monthly", "to": "Annual"}


def test_a_trial_and_its_purchase() -> None:
    row_ = licence(latestEvaluationStartDate="2024-12-01", evaluationEndDate="2024-12-31")
    found = events(row_, YEAR)
    assert found["trial:1:2024-12-01"]["event"] == "trial_started"
    converted = found["conv:1:AT-1|1"]
    assert (converted["event"], converted["metadata"]["days_to_convert"]) == ("trial_converted", 31)


@pytest.mark.parametrize(
    ("status", "today", "ends"),
    [
        ("active", "2025-06-30", []),
        ("inactive", "2025-07-01", ["trial_expired"]),
        ("cancelled", "2025-07-01", ["trial_cancelled"]),
        ("cancelled", "2025-06-20", ["trial_cancelled"]),
    ],
)
def test_a_trial_in_vain(status: str, today: str, ends: list[str]) -> None:
    row_ = trial("2025-06-01", "2025-06-30", status=status, lastUpdated="2025-06-20")
    found = events(row_, today=today)
    assert names(found) == ["trial_started", *ends]
    assert [each for each in found if each.startswith("trialend")] == ["trialend:1:2025-06-30"] * len(ends)


def test_churn_is_told_only_after_the_days_of_grace() -> None:
    gone = licence(status="inactive")
    assert "churn:1:2026-01-01" not in events(gone, YEAR, today="2026-01-31")
    assert "grace:1:2026-01-01" in events(gone, YEAR, today="2026-01-31")
    event = events(gone, YEAR, today="2026-02-01")["churn:1:2026-01-01"]
    assert (event["event"], event["occurred_at"]) == ("subscription_churned", "2026-01-01T12:00:14Z")
    assert event["metadata"] == {
        "reason": "expired",
        "mrr_lost": 100,
        "mrr_gross_lost": 100,
        "tenure_months": 12,
    }
    assert "churn:1:2026-01-01" in events(gone, YEAR, today="2026-01-07", grace_days=5)


def test_a_late_renewal_is_neither_churn_nor_a_return() -> None:
    late = row("Renewal", 1200, "2026-01-25", "2027-01-25")
    found = names(events(licence(), YEAR, late, today="2026-06-01"))
    assert found == ["subscription_started", "subscription_renewed"]


def test_a_customer_who_comes_back() -> None:
    back = row("Renewal", 1200, "2026-04-01", "2027-04-01", order="AT-2")
    found = events(licence(), YEAR, back, today="2026-06-01")
    assert "churn:1:2026-01-01" in found
    assert found["react:1:2026-04-01"]["metadata"] == {"days_away": 90, "mrr_after": 100}


@pytest.mark.parametrize(
    ("fields", "sales", "more", "reason"),
    [
        ({"licenseType": "LEGACY_FREE", "status": "active"}, [], {}, "to_free"),
        ({}, [row("Refund", -900, "2025-04-01", "2026-01-01")], {}, "refunded"),
        ({}, [row("Renewal", 1200, "2026-01-01", "2027-01-01", status="Uncollectible")], {}, "involuntary"),
        ({"invoiceDunningReason": "declined"}, [], {}, "involuntary"),
        (
            {},
            [],
            {"feedback": ({"feedbackType": "uninstall", "date": "2025-12-20", "reasonKey": "cost"},)},
            "cost",
        ),
        (
            {},
            [],
            {"others": (licence(addonLicenseId="9", appEntitlementNumber="E-9", cmtDetails=MOVED),)},
            "transfer",
        ),
    ],
)
def test_why_a_customer_left(fields: Row, sales: list[Row], more: Row, reason: str) -> None:
    row_ = licence(**{"status": "inactive", **fields})
    found = events(row_, YEAR, *sales, today="2026-06-01", **more)
    assert [each["metadata"]["reason"] for each in found.values() if each["event"] == "subscription_churned"] == [
        reason
    ]


def test_feedback_quotes_and_failed_payments() -> None:
    feedback = {"feedbackType": "disable", "date": "2025-07-01", "reasonKey": "cost", "message": "private"}
    quote = {"quoteId": "Q-1", "quoteNumber": "QT-1", "acceptedDate": "2025-07-02", "listPrice": 1200, "userTier": 100}
    dunned = {
        **YEAR,
        "paymentStatus": "Open",
        "dunningStatus": [{"attemptCount": 1, "errorCode": "declined", "paymentAttemptDate": "2025-02-01"}],
    }
    second = {**quote, "acceptedDate": "2025-07-03", "listPrice": 1500.5}
    found = events(licence(), dunned, feedback=(feedback,), quotes=(second, quote))
    told = found["quote:Q-1:1"]
    assert told["occurred_at"].startswith("2025-07-02")
    assert (told["metadata"]["list_price"], told["metadata"]["users"]) == (Decimal("2700.5"), 100)
    assert found["dun:AT-1|1:2025-02-01"]["metadata"]["reason"] == "declined"
    (told,) = [each for each in found.values() if each["event"] == "app_disabled"]
    assert told["event_id"].startswith("fb:1:disable:2025-07-01:")
    assert "private" not in str(told)


def test_no_event_is_later_than_today() -> None:
    renewal = row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2025-12-20")
    found = examine(licence(), YEAR, renewal, today="2025-02-01")
    assert [each["event"] for each in found.account_events] == ["subscription_started"]
    assert len(found.mrr_segments) == 2


def test_ids_do_not_change_when_a_licence_gains_an_entitlement_number() -> None:
    before = events(trial("2025-06-01", "2025-06-30", appEntitlementNumber=None))
    assert set(before) == set(events(trial("2025-06-01", "2025-06-30")))
