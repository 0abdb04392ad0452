"""The stages of a licence and its health, each line of their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import account, licence, trial

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


def test_an_invoice_that_is_dunned_is_a_risk_until_it_is_paid() -> None:
    attempts = [{"attemptCount": 1, "errorCode": "declined", "paymentAttemptDate": "2025-07-02"}]
    risky, paid = ({**MONTH, "paymentStatus": status, "dunningStatus": attempts} for status in ("Open", "Paid"))
    assert account(licence(), risky)["lifecycle_stage"] == "payment_risk"
    assert account(licence(), paid)["lifecycle_stage"] == "active"


def test_the_first_day_after_a_month_is_not_yet_churn() -> None:
    assert account(licence(), MONTH, today="2025-08-01")["lifecycle_stage"] == "active"
    assert account(licence(), MONTH, today="2025-08-02")["lifecycle_stage"] == "grace"


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
