"""When a customer has left and come back, and that it is told once."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import account, events, examine, licence, names

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

MOVED = {"status": "converted", "relatedOnPremLicense": "E-1"}
YEAR = row("New", 1200, "2025-01-01", "2026-01-01", order="AT-1")


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


@pytest.mark.parametrize(
    ("sold", "amount"), [("2025-02-15", -1052.05), ("2025-05-20", -743.01), ("2025-08-20", -440.55)]
)
def test_a_customer_who_cancels_is_gone_though_money_goes_back_by_days(sold: str, amount: float) -> None:
    gone = licence(status="inactive")
    back = row("Refund", amount, sold, "2026-01-01", order="AT-2")
    found = events(gone, YEAR, back, today="2025-11-15")
    assert names(found) == ["subscription_started", "subscription_refunded", "subscription_churned"]
    churn = found["churn:1:2026-01-01"]
    assert (churn["occurred_at"][:10], churn["metadata"]["mrr_gross_lost"]) == (sold, 100)
    known = account(gone, YEAR, back, today="2025-11-15")
    assert (known["paid_through"], known["mrr"]) == (sold, 0)
    assert known["lifecycle_stage"] == ("churned_recent" if sold == "2025-08-20" else "churned")


FREE = row("Renewal", 0, "2026-01-01", "2027-01-01", order="AT-2", licenseType="FREE")


def test_a_customer_who_goes_on_for_free_has_left_at_once() -> None:
    free = licence(licenseType="FREE", maintenanceEndDate="2027-01-01")
    base = {**YEAR, "purchaseDetails": {**YEAR["purchaseDetails"], "vendorAmount": 1020}}
    assert names(events(free, base, FREE, today="2026-01-01")) == ["subscription_started", "subscription_renewed"]
    for today in ("2026-01-02", "2026-06-01", "2027-06-01"):
        found = events(free, base, FREE, today=today)
        assert names(found) == ["subscription_started", "subscription_renewed", "subscription_churned"]
        churn = found["churn:1:2026-01-01"]["metadata"]
        assert (churn["reason"], churn["mrr_lost"], churn["mrr_gross_lost"]) == ("to_free", 85, 100)
    known = account(free, base, FREE, today="2026-06-01")
    assert (known["paid_through"], known["lifecycle_stage"], known["mrr"]) == ("2026-01-01", "free", 0)


def test_a_licence_that_runs_free_without_a_sale_of_nothing_is_lost_at_once() -> None:
    free = licence(licenseType="LEGACY_FREE", maintenanceEndDate="2027-01-01")
    assert names(events(free, YEAR, today="2026-01-01")) == ["subscription_started"]
    for today in ("2026-01-02", "2026-02-05"):
        found = events(free, YEAR, today=today)
        assert names(found) == ["subscription_started", "subscription_churned"]
        assert found["churn:1:2026-01-01"]["metadata"]["reason"] == "to_free"
        assert account(free, YEAR, today=today)["lifecycle_stage"] == "free"


def test_a_customer_who_paid_once_for_all_after_a_free_time() -> None:
    before = row("New", 0, "2024-01-01", "2024-12-31", licenseType="FREE")
    for_ever = row("Upgrade", 1200, "2025-01-01", "9999-12-31", order="AT-2")
    assert account(licence(), before, for_ever)["lifecycle_stage"] == "active"
    assert names(events(licence(), before, for_ever)) == ["subscription_started", "subscription_upgraded"]


def test_a_customer_who_pays_again_after_a_free_time_comes_back() -> None:
    again = row("Upgrade", 1200, "2026-01-20", "2027-01-20", order="AT-3")
    found = events(licence(), YEAR, FREE, again, today="2026-06-01")
    assert found["churn:1:2026-01-01"]["metadata"]["reason"] == "to_free"
    assert found["react:1:2026-01-20"]["metadata"] == {"days_away": 19, "mrr_after": 100}


@pytest.mark.parametrize(
    "given_away",
    [
        {"licenseType": "COMMERCIAL"},
        {"licenseType": "FREE", "discounts": [{"type": "MANUAL", "amount": 1200}]},
        {"licenseType": "FREE", "partnerDiscountAmount": 1200},
    ],
)
def test_a_customer_who_gets_it_as_a_gift_stays_one(given_away: Row) -> None:
    gift = row("Renewal", 0, "2026-01-01", "2027-01-01", order="AT-2", **given_away)
    assert names(events(licence(), YEAR, gift, today="2026-06-01")) == ["subscription_started", "subscription_renewed"]
    assert account(licence(), YEAR, gift, today="2026-06-01")["paid_through"] == "2027-01-01"


@pytest.mark.parametrize(("today", "stage"), [("2025-07-15", "free"), ("2026-01-15", "ended"), ("2026-03-01", "ended")])
def test_who_never_paid_a_cent_is_no_customer_to_lose(today: str, stage: str) -> None:
    status = "active" if today < "2026-01-01" else "inactive"
    open_source = licence(licenseType="OPEN_SOURCE", status=status)
    given = row("New", 0, "2025-01-01", "2026-01-01", licenseType="OPEN_SOURCE")
    assert names(events(open_source, given, today=today)) == ["subscription_started"]
    known = account(open_source, given, today=today)
    assert (known["lifecycle_stage"], known["paid_through"]) == (stage, None)


def test_a_late_renewal_is_neither_churn_nor_a_return() -> None:
    late = row("Renewal", 1200, "2026-01-25", "2027-01-25")
    found = names(events(licence(), YEAR, late, today="2026-06-01"))
    assert found == ["subscription_started", "subscription_renewed"]


LATE = row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2026-02-20", order="AT-2")


def test_churn_that_was_told_is_not_taken_back_by_a_renewal_sold_later() -> None:
    told = events(licence(), YEAR, today="2026-02-15")["churn:1:2026-01-01"]
    found = events(licence(), YEAR, LATE, today="2026-02-21")
    assert found["churn:1:2026-01-01"] == told
    assert found["react:1:2026-02-20"]["metadata"] == {"days_away": 50, "mrr_after": 100}
    known = account(licence(), YEAR, LATE, today="2026-02-21")
    assert (known["mrr"], known["lifecycle_stage"]) == (100, "active")
    assert [segment["valid_from"] for segment in examine(licence(), YEAR, LATE).mrr_segments] == [
        "2025-01-01",
        "2026-01-01",
    ]


def test_a_renewal_of_the_day_on_which_churn_is_told_is_a_return() -> None:
    gone, back = licence(status="inactive"), licence(maintenanceEndDate="2027-01-01")
    assert "churn:1:2026-01-01" in events(gone, YEAR, today="2026-02-01")
    in_time = row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2026-01-31", order="AT-2")
    late = row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2026-02-01", order="AT-2")
    assert told_of(YEAR, in_time) == set()
    assert told_of(YEAR, late) == {"churn:1:2026-01-01", "react:1:2026-02-01"}
    for today in ("2026-02-01", "2026-02-02"):
        assert {"churn:1:2026-01-01", "react:1:2026-02-01"} <= events(back, YEAR, late, today=today).keys()


RUNS_ON = licence(maintenanceEndDate="2027-01-01")


@pytest.mark.parametrize(
    ("today", "stage", "told"),
    [
        ("2026-01-06", "active", []),
        ("2026-01-07", "grace", ["grace"]),
        ("2026-02-01", "grace", ["grace"]),
        ("2026-12-31", "grace", ["grace"]),
        ("2027-01-01", "churned", ["churn"]),
    ],
)
def test_nobody_has_left_while_atlassian_has_the_licence_run_on(today: str, stage: str, told: list[str]) -> None:
    found = examine(RUNS_ON, YEAR, today=today)
    ids = [event["event_id"].split(":")[0] for event in found.account_events]
    assert [each for each in ids if each in {"grace", "churn", "react"}] == told
    assert found.account is not None
    assert found.account["lifecycle_stage"] == stage


def test_a_renewal_that_is_reported_late_takes_no_churn_back() -> None:
    renewal = row("Renewal", 1200, "2026-01-01", "2027-01-01", order="AT-2")
    before, after = (events(RUNS_ON, YEAR, *more, today="2026-02-15") for more in ((), (renewal,)))
    assert not [each for each in (*before, *after) if each.startswith(("churn:", "react:"))]
    assert account(RUNS_ON, YEAR, renewal, today="2026-02-15")["lifecycle_stage"] == "active"


@pytest.mark.parametrize(
    ("fields", "sales"),
    [
        ({"status": "inactive"}, []),
        ({"status": "cancelled"}, []),
        ({"licenseType": "LEGACY_FREE"}, []),
        ({"licenseType": "EVALUATION"}, []),
        ({"maintenanceEndDate": "2026-02-15"}, []),
        ({}, [FREE]),
        ({}, [row("Refund", -100, "2025-12-01", "2026-01-01", order="AT-9")]),
        ({}, [row("Renewal", 1200, "2026-01-01", "2027-01-01", status="Uncollectible")]),
    ],
    ids=["inactive", "cancelled", "free", "a trial", "ended", "a free licence", "refunded", "given up"],
)
def test_a_licence_that_does_not_run_on_for_money_is_lost(fields: Row, sales: list[Row]) -> None:
    row_ = {**RUNS_ON, **fields}
    assert "churn:1:2026-01-01" in events(row_, YEAR, *sales, today="2026-02-15")
    assert account(row_, YEAR, *sales, today="2026-02-15")["lifecycle_stage"] not in {"grace", "active"}


def told_of(*sales: Row) -> set[str]:
    """Give the ids of the churns and returns of a customer who has left, or not."""
    return {each for each in events(licence(), *sales, today="2026-07-01") if each.startswith(("churn:", "react:"))}


@pytest.mark.parametrize(
    "late",
    [
        row("Renewal", 50, "2025-12-01", "2025-12-15", sold="2026-03-15", order="AT-2"),
        row("Renewal", 1200, "2025-01-01", "2026-01-01", sold="2026-03-15", order="AT-2"),
        row("Renewal", 0, "2025-06-01", "2026-01-01", sold="2026-03-15", order="AT-2", discounts=[{"amount": 600}]),
    ],
    ids=["some days", "the same days", "a gift"],
)
def test_a_late_bill_for_days_that_have_passed_brings_nobody_back(late: Row) -> None:
    assert told_of(YEAR, late) == {"churn:1:2026-01-01"}


def test_months_that_are_billed_together_and_late_are_one_return() -> None:
    days = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01"]
    first, *others = [
        row("Renewal", 100, since, until, sold="2026-01-01" if place == 0 else "2026-05-05", order=f"AT-{place}")
        for place, (since, until) in enumerate(pairwise(days))
    ]
    assert told_of(first, *others) == {"churn:1:2026-02-01", "react:1:2026-05-05"}


def test_a_gap_that_is_sold_after_the_return_takes_nothing_back() -> None:
    again = row("New", 1200, "2026-04-01", "2027-04-01", order="AT-2")
    gap = row("Renewal", 300, "2026-01-01", "2026-04-01", sold="2026-05-01", order="AT-3")
    before, after = (events(licence(), YEAR, again, *more, today="2026-06-01") for more in ((), (gap,)))
    assert {"churn:1:2026-01-01", "react:1:2026-04-01"} <= before.keys() <= after.keys()


def test_a_refund_that_is_told_late_tells_no_second_churn() -> None:
    gone, back = licence(status="inactive"), row("Refund", -100, "2025-12-01", "2026-01-01", order="AT-9")
    for today in ("2026-01-15", "2026-02-05"):
        before, after = (events(gone, YEAR, *more, today=today) for more in ((), (back,)))
        told = {each for each in before if each.startswith(("churn:", "grace:"))}
        assert len(told) == 1
        assert [each for each in after if each.startswith("churn:")] == ["churn:1:2026-01-01"]
        assert told & {"churn:1:2026-01-01", "grace:1:2026-01-01"}


def test_whoever_leaves_twice_within_a_term_leaves_twice() -> None:
    back = row("Refund", -900, "2025-04-01", "2026-01-01", order="AT-2")
    again = row("New", 600, "2025-07-01", "2026-01-01", order="AT-3")
    found = events(licence(status="inactive"), YEAR, back, again, today="2026-03-01")
    ends = {name: each["occurred_at"][:10] for name, each in found.items() if name.startswith("churn:")}
    assert ends == {"churn:1:2026-01-01": "2025-04-01", "churn:1:2026-01-01:2": "2026-01-01"}


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
