"""The stages of a licence and its health, each line of their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import account, examine, licence, trial

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

YEAR = row("New", 1200, "2025-01-01", "2026-01-01")
MONTH = row("New", 100, "2025-07-01", "2025-08-01", billingPeriod="Monthly")
OWN = {"technicalContact": {"email": "me@vendor.com"}}


@pytest.mark.parametrize(
    ("today", "stage"),
    [
        ("2025-01-01", "active"),
        ("2025-11-01", "active"),
        ("2025-11-02", "renewal_upcoming"),
        ("2026-01-01", "renewal_upcoming"),
        ("2026-01-02", "grace"),
        ("2026-01-31", "grace"),
        ("2026-02-01", "churned_recent"),
        ("2026-05-01", "churned_recent"),
        ("2026-05-02", "churned"),
    ],
)
def test_the_stages_of_a_year(today: str, stage: str) -> None:
    status = "active" if today < "2026-01-01" else "inactive"
    assert account(licence(status=status), YEAR, today=today)["lifecycle_stage"] == stage


@pytest.mark.parametrize(
    ("today", "stage"),
    [
        ("2025-06-01", "trial"),
        ("2025-06-22", "trial"),
        ("2025-06-23", "trial_ending"),
        ("2025-06-30", "trial_ending"),
        ("2025-07-01", "trial_expired"),
        ("2025-09-28", "trial_expired"),
        ("2025-09-29", "lost_trial"),
    ],
)
def test_the_stages_of_a_trial(today: str, stage: str) -> None:
    status = "active" if today <= "2025-06-30" else "inactive"
    found = account(trial("2025-06-01", "2025-06-30", status=status), today=today)
    assert (found["lifecycle_stage"], found["mrr"], found["mrr_source"]) == (stage, 0, "none")


@pytest.mark.parametrize(
    ("today", "stage"), [("2025-06-10", "trial"), ("2025-06-30", "trial_ending"), ("2025-07-01", "trial_expired")]
)
def test_a_cancelled_trial_runs_until_its_last_day(today: str, stage: str) -> None:
    assert account(trial("2025-06-01", "2025-06-30", status="cancelled"), today=today)["lifecycle_stage"] == stage


@pytest.mark.parametrize(
    ("fields", "sales", "stage"),
    [
        ({"licenseSourceType": "Atlassian"}, [YEAR], "internal"),
        ({"contactDetails": OWN}, [YEAR], "internal"),
        ({"installedOnSandbox": "Yes"}, [YEAR], "sandbox"),
        ({"inGracePeriod": "Yes", "maintenanceEndDate": "2025-07-01"}, [YEAR], "grace"),
        ({"inGracePeriod": "Yes", "maintenanceEndDate": "2025-05-01"}, [YEAR], "active"),
        ({"invoiceDunningReason": "card declined"}, [YEAR], "payment_risk"),
        ({"invoiceDunningReason": "card declined", "licenseType": "FREE"}, [], "free"),
        ({}, [MONTH], "active"),
        ({"licenseType": "FREE"}, [], "free"),
        ({"licenseType": "LEGACY_FREE"}, [row("New", 1200, "2024-07-01", "2025-07-01")], "free"),
        ({}, [row("New", 0, "2025-01-01", "2026-01-01")], "free"),
        ({"status": "inactive"}, [], "ended"),
    ],
)
def test_other_stages(fields: Row, sales: list[Row], stage: str) -> None:
    assert account(licence(**fields), *sales)["lifecycle_stage"] == stage


AHEAD = row("New", 1200, "2025-07-20", "2026-07-20", sold="2025-07-10")
LAPSED = row("New", 1200, "2024-01-01", "2025-01-01")
GIFT = row("New", 0, "2025-07-20", "2026-07-20", sold="2025-07-10", discounts=[{"amount": 1200}])
BACK = row("Renewal", 1200, "2025-08-01", "2026-08-01", sold="2025-07-10")


@pytest.mark.parametrize(
    ("fields", "sales", "stage"),
    [
        ({"latestEvaluationStartDate": "2025-06-20"}, [AHEAD], "active"),
        ({"status": "inactive"}, [LAPSED, BACK], "active"),
        ({"invoiceDunningReason": "card declined"}, [AHEAD], "payment_risk"),
        ({"licenseType": "EVALUATION", "latestEvaluationStartDate": "2025-06-20"}, [AHEAD], "trial"),
        ({}, [row("New", 0, "2025-07-20", "2026-07-20", sold="2025-07-10")], "free"),
        ({"status": "inactive"}, [GIFT], "free"),
        ({"status": "inactive"}, [BACK, row("Refund", -1200, "2025-08-01", "2026-08-01", sold="2025-07-12")], "ended"),
        (
            {"status": "inactive"},
            [LAPSED, BACK, row("Refund", -1200, "2025-08-01", "2026-08-01", sold="2025-07-12")],
            "churned",
        ),
    ],
)
def test_a_term_that_is_yet_to_begin_is_paid_for(fields: Row, sales: list[Row], stage: str) -> None:
    found = account(licence(**fields), *sales)
    assert (found["lifecycle_stage"], found["mrr"]) == (stage, 0)
    assert (found["health_score"] is None) == (stage in {"churned", "ended"})


def test_an_invoice_that_is_dunned_is_a_risk_until_it_is_paid() -> None:
    attempts = [{"attemptCount": 1, "errorCode": "declined", "paymentAttemptDate": "2025-07-02"}]
    risky, paid = ({**MONTH, "paymentStatus": status, "dunningStatus": attempts} for status in ("Open", "Paid"))
    assert account(licence(), risky)["lifecycle_stage"] == "payment_risk"
    assert account(licence(), paid)["lifecycle_stage"] == "active"


def test_the_first_day_after_a_month_is_not_yet_churn() -> None:
    assert account(licence(), MONTH, today="2025-08-01")["lifecycle_stage"] == "active"
    until = licence(maintenanceEndDate="2025-08-01")
    assert account(until, MONTH, today="2025-08-02")["lifecycle_stage"] == "grace"


@pytest.mark.parametrize(
    ("fields", "today", "stage"),
    [
        ({}, "2025-08-02", "active"),
        ({}, "2025-08-06", "active"),
        ({}, "2025-08-07", "grace"),
        ({"status": "inactive"}, "2025-08-02", "grace"),
        ({"inGracePeriod": "Yes"}, "2025-08-02", "grace"),
        ({"maintenanceEndDate": "2025-08-02"}, "2025-08-02", "grace"),
        ({"invoiceDunningReason": "declined"}, "2025-08-02", "payment_risk"),
    ],
)
def test_a_renewal_that_is_told_some_days_late_is_no_grace(fields: Row, today: str, stage: str) -> None:
    renewed = licence(**{"maintenanceEndDate": "2025-09-01", **fields})
    found = examine(renewed, MONTH, today=today)
    assert found.account is not None
    assert found.account["lifecycle_stage"] == stage
    told = "grace_period_started" in {event["event"] for event in found.account_events}
    assert told == (stage == "grace")


def test_a_refund_ends_a_licence_that_would_run_on() -> None:
    back = row("Refund", -51.61, "2025-07-16", "2025-08-01")
    assert account(licence(), MONTH, back, today="2025-07-18")["lifecycle_stage"] == "grace"


def test_a_customer_of_whom_only_the_vendor_amount_is_known_pays() -> None:
    sale = {**YEAR, "purchaseDetails": {**YEAR["purchaseDetails"], "purchasePrice": None, "vendorAmount": 1020}}
    found = account(licence(), sale)
    assert (found["mrr"], found["mrr_gross"], found["lifecycle_stage"]) == (85, 0, "active")
    assert (found["paid_through"], found["renewal_amount_expected"]) == ("2026-01-01", 1020)
    assert account(licence(), sale, today="2026-01-15")["lifecycle_stage"] == "grace"
    back = row("Refund", 0, "2025-04-01", "2026-01-01", net=-765)
    assert account(licence(), sale, back)["paid_through"] == "2025-04-01"
    assert account(licence(evaluationStartDate="2024-12-12"), sale)["trial_converted_at"] == "2025-01-01"


def test_days_of_grace_are_a_setting() -> None:
    assert account(licence(status="inactive"), MONTH, today="2025-08-20", grace_days=5)["lifecycle_stage"] != "grace"


def test_a_trial_bought_under_another_licence_is_converted() -> None:
    bought = licence(addonLicenseId="2", appEntitlementNumber="E-2", evaluationLicense="1")
    row_ = trial("2025-01-01", "2025-01-31", status="inactive")
    found = account(row_, others=({**bought, "evaluationSaleDate": "2025-02-02"},))
    assert (found["lifecycle_stage"], found["trial_bought_as"]) == ("converted", "E-2")
    assert (found["trial_converted_at"], found["days_to_convert"]) == ("2025-02-02", 32)


# -- health


def health(*sales: Row, fields: Row | None = None, **more: object) -> tuple[int, list[str]]:
    found = account(licence(**(fields or {})), *sales, **more)
    return found["health_score"], found["health_reasons"]


UPGRADE = row("Upgrade", 300, "2025-07-01", "2026-01-01", tier="25 Users")
FREEMAIL = {"contactDetails": {"technicalContact": {"email": "ada@gmail.com"}}}


@pytest.mark.parametrize(
    ("sales", "fields", "more", "score", "reasons"),
    [
        ([YEAR], {}, {}, 70, []),
        ([MONTH], {}, {"today": "2025-08-10"}, 40, ["-30 grace or payment risk"]),
        ([YEAR], {"invoiceDunningReason": "declined"}, {}, 40, ["-30 grace or payment risk"]),
        (
            [YEAR],
            {},
            {"today": "2025-12-20", "quotes": ()},
            55,
            ["-15 renewal within 30 days, no accepted quote"],
        ),
        ([YEAR], {}, {"today": "2025-12-20"}, 70, []),
        ([YEAR, UPGRADE], {}, {}, 85, ["+15 expanded within 180 days"]),
        ([YEAR, row("Refund", -60, "2025-07-01", "2026-01-01")], {}, {}, 50, ["-20 contracted last"]),
        (
            [row("New", 3600, "2023-01-01", "2026-01-01")],
            {},
            {},
            80,
            ["+10 customer for more than 24 months"],
        ),
        ([YEAR], FREEMAIL, {}, 60, ["-10 no business contact"]),
    ],
)
def test_each_reason_of_health(sales: list[Row], fields: Row, more: Row, score: int, reasons: list[str]) -> None:
    assert health(*sales, fields=fields, **more) == (score, reasons)


def test_feedback_of_leaving_and_an_accepted_quote() -> None:
    left = {"feedbackType": "uninstall", "date": "2025-07-01"}
    assert health(YEAR, feedback=(left,)) == (45, ["-25 uninstalled or disabled within 30 days"])
    assert health(YEAR, feedback=({**left, "date": "2025-06-01"},)) == (70, [])
    quote = {"quoteId": "Q", "quoteStatus": "ACCEPTED", "startDate": "2026-01-01", "endDate": "2027-01-01"}
    assert health(YEAR, today="2025-12-20", quotes=(quote,)) == (70, [])


@pytest.mark.parametrize(
    ("kind", "day", "counts"),
    [
        ("uninstall", "2025-06-15", True),
        ("Disable", "2025-07-15", True),
        ("disable", "2025-06-14", False),
        ("unsubscribe", "2025-07-01", False),
        ("disable", "2025-07-16", False),
        ("disable", None, False),
    ],
)
def test_which_feedback_counts(kind: str, day: str | None, counts: bool) -> None:
    score, _ = health(YEAR, feedback=({"feedbackType": kind, "date": day},))
    assert score == (45 if counts else 70)


@pytest.mark.parametrize(
    ("status", "end", "missed"),
    [
        ("ACCEPTED", "2027-01-01", False),
        ("accepted", "2026-01-02", False),
        ("ACCEPTED", "2026-01-01", True),
        ("PARTIALLY_ACCEPTED", "2027-01-01", True),
        ("ACCEPTED", None, True),
    ],
)
def test_which_quote_counts_for_a_renewal(status: str, end: str | None, missed: bool) -> None:
    quote = {"quoteId": "Q", "quoteStatus": status, "endDate": end}
    score, _ = health(YEAR, today="2025-12-20", quotes=(quote,))
    assert score == (55 if missed else 70)


@pytest.mark.parametrize(("today", "missed"), [("2025-12-01", False), ("2025-12-02", True), ("2026-01-01", True)])
def test_a_quote_is_missed_in_the_last_thirty_days(today: str, missed: bool) -> None:
    score, _ = health(YEAR, today=today, quotes=())
    assert score == (55 if missed else 70)


def test_health_is_never_below_nothing() -> None:
    left = {"feedbackType": "uninstall", "date": "2025-07-10"}
    goodwill = row("Refund", -60, "2025-07-01", "2026-01-01")
    fields = {**FREEMAIL, "invoiceDunningReason": "declined"}
    score, reasons = health(YEAR, goodwill, fields=fields, feedback=(left,))
    assert (score, len(reasons)) == (0, 4)


def test_who_is_no_customer_has_no_health() -> None:
    assert health(YEAR, fields={"status": "inactive"}, today="2027-01-01") == (None, [])


def test_another_billing_period_is_no_contraction() -> None:
    order = [
        row("New", 100, "2025-05-15", "2025-06-15", billingPeriod="Monthly"),
        row("Refund", -46.67, "2025-06-01", "2025-06-15", order="o", line="1", billingPeriod="Monthly"),
        row("Renewal", 1000, "2026-06-01", "2027-06-01", sold="2025-06-01", order="o", line="2"),
        row("Upgrade", 1000, "2025-06-01", "2026-06-01", order="o", line="3"),
    ]
    assert health(*order) == (70, [])
