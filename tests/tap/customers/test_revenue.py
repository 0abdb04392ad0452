"""What becomes of odd sales and refunds, and what holds for any of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tap.customers.ledger import gross_on, net_on, reasons, revenue, row

from tap_atlassian_marketplace.customers.anomalies import WHAT_TO_DO
from tap_atlassian_marketplace.customers.money_tally import MoneyTally
from tap_atlassian_marketplace.customers.months import months_between

if TYPE_CHECKING:
    from random import Random

    from tests.tap.customers.ledger import Row

BASE = row("New", 1200, "2025-01-01", "2026-01-01", order="base")
YEAR = date(2025, 1, 1)


@pytest.mark.parametrize(
    ("sale", "place"),
    [
        (row("New", 90, "2025-06-16", "2025-07-01", proratedDetails=[{"addedUsers": 2}]), "one_off"),
        (row("New", 90, "2025-06-16", "2025-06-16"), "one_off"),
        (row("New", 90, "2025-06-16", "2025-07-16", status="Uncollectible"), "uncollectible"),
        (row("New", 90, None, None, sold="2025-06-16"), "quarantined"),
        (row("Refund", 90, "2025-06-16", "2025-07-16"), "quarantined"),
        (row("Refund", -90, "2025-06-16", "2025-07-16"), "quarantined"),
    ],
    ids=["users added", "no day", "uncollectible", "no coverage", "positive refund", "refund of nothing"],
)
def test_money_that_is_no_mrr(sale: Row, place: str) -> None:
    found = revenue(sale)
    assert found.segments == []
    (entry,) = found.money
    assert getattr(entry, place) == entry.amount == entry.not_recurring


@pytest.mark.parametrize(
    "skipped",
    [
        row("Upgrade", 90, "2025-06-01", "2026-01-01", proratedDetails=[{"addedUsers": 2}]),
        row("New", 90, "2025-06-01", "2026-01-01", status="Uncollectible"),
        row("New", 0, "2025-06-01", "2026-01-01"),
    ],
    ids=["users added", "uncollectible", "free"],
)
def test_a_skipped_row_is_no_target(skipped: Row) -> None:
    refund = row("Refund", -50, "2025-06-01", "2026-01-01", sold="2025-08-01")
    assert "unmatched_refund" in reasons(revenue(skipped, refund))


def test_a_free_row_keeps_the_licence_without_mrr() -> None:
    found = revenue(row("Renewal", 0, "2025-01-01", "2026-01-01", discounts=[{"type": "MANUAL", "amount": 500}]))
    assert found.segments == []
    assert reasons(found) == []


def test_an_open_invoice_counts() -> None:
    (segment,) = revenue(row("New", 1200, "2025-01-01", "2026-01-01", status="Open")).segments
    assert (segment.is_open, segment.gross) == (True, 100)


def test_an_invoice_written_by_hand_counts_like_a_sale() -> None:
    found = revenue(row(None, 1200, "2025-01-01", "2026-01-01"))
    assert (gross_on(found, "2025-05-05"), reasons(found)) == (100, [])


def test_a_credit_note_is_a_refund_whatever_its_type() -> None:
    note = row("Renewal", -900, "2025-04-01", "2026-01-01", creditNoteReason="CANCELLED")
    found = revenue(BASE, note)
    assert gross_on(found, "2025-04-01") == 0
    assert [entry.refunded for entry in found.money] == [0, -900]


def test_a_sale_of_the_same_day_gives_only_when_it_is_the_first() -> None:
    refund = row("Refund", -1200, "2025-01-01", "2026-01-01", order="void")
    assert gross_on(revenue(BASE, refund), "2025-01-01") == 0
    renewal = row("Renewal", 1200, "2025-01-01", "2026-01-01", order="base")
    found = revenue(renewal, refund)
    assert (gross_on(found, "2025-01-01"), reasons(found)) == (100, ["unmatched_refund"])


def two_terms(**named: str) -> list[Row]:
    return [
        row("New", 1200, "2025-01-01", "2026-01-01", order="ten", tier="10 Users"),
        row("New", 600, "2025-01-01", "2026-01-01", sold="2025-01-02", order="five", tier="5 Users"),
        row("Refund", -300, "2025-07-01", "2026-01-01", order="back", **named),
    ]


@pytest.mark.parametrize(
    ("named", "target"),
    [
        ({"original": "ten", "tier": "5 Users"}, "ten|1"),
        ({"original": "AT-ten", "tier": "5 Users"}, "ten|1"),
        ({"original": "unknown", "tier": "10 Users"}, "ten|1"),
        ({"tier": "Per Unit Pricing (5 Users)"}, "five|1"),
        ({"tier": "99 Users"}, "five|1"),
    ],
    ids=["its order", "its old number", "no such order", "same tier", "latest"],
)
def test_the_sale_that_a_refund_prefers(named: dict[str, str], target: str) -> None:
    segments = revenue(*two_terms(**named)).segments
    assert [each.target_transaction_key for each in segments if each.kind == "refund"] == [target]


def test_a_refund_prefers_the_larger_overlap() -> None:
    found = revenue(
        row("New", 1200, "2025-01-01", "2026-01-01", order="old"),
        row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2025-12-01", order="new"),
        row("Refund", -600, "2025-12-15", "2026-12-15", order="back"),
    )
    assert next(each.target_transaction_key for each in found.segments if each.kind == "refund") == "new|1"


def test_a_refund_of_base_and_upgrade_in_one_row_spills_over() -> None:
    found = revenue(
        BASE,
        row("Upgrade", 300, "2025-07-01", "2026-01-01", order="up", tier="25 Users"),
        row("Refund", -450, "2025-10-01", "2026-01-01", tier="25 Users"),
    )
    assert (gross_on(found, "2025-09-30"), gross_on(found, "2025-10-01")) == (150, 0)
    assert reasons(found) == []


def test_a_change_sold_after_its_term_adds_nothing() -> None:
    late = row("Upgrade", 300, "2025-07-01", "2026-01-01", sold="2026-02-01", tier="25 Users")
    found = revenue(BASE, late)
    assert (gross_on(found, "2025-12-31"), len(found.segments)) == (100, 1)
    assert sum(entry.one_off for entry in found.money) == 300


def test_a_refund_made_after_its_days_lowers_revenue_alone() -> None:
    found = revenue(BASE, row("Refund", -100, "2025-01-01", "2025-02-01", sold="2025-03-01"))
    assert (gross_on(found, "2025-01-15"), gross_on(found, "2025-03-01"), len(found.segments)) == (100, 100, 1)
    assert (sum(entry.one_off for entry in found.money), reasons(found)) == (-100, [])


def test_a_refund_of_more_than_was_sold_is_told() -> None:
    found = revenue(BASE, row("Refund", -1800, "2025-07-01", "2026-01-01"))
    assert (gross_on(found, "2025-07-01"), reasons(found)) == (0, ["refund_exceeds_sales"])


def test_days_on_which_refunds_are_more_than_sales_are_told() -> None:
    early = row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2025-11-01")
    back = row("Refund", -1200, "2025-12-01", "2026-12-01", sold="2025-11-15")
    found = revenue(early, back)
    assert (gross_on(found, "2025-12-01"), gross_on(found, "2026-12-01")) == (0, 100)
    (anomaly,) = [each for each in found.anomalies if each.reason == "negative_mrr"]
    assert (str(anomaly.since), str(anomaly.until), anomaly.amount) == ("2025-12-01", "2026-01-01", -100)


def test_terms_that_overlap_are_told() -> None:
    twice = revenue(BASE, row("Renewal", 1200, "2025-12-01", "2026-12-01"))
    assert (gross_on(twice, "2025-12-31"), reasons(twice)) == (200, ["overlap_anomaly"])
    by_a_day = revenue(BASE, row("Renewal", 1200, "2025-12-31", "2026-12-31"))
    assert reasons(by_a_day) == []


@pytest.mark.parametrize(
    ("sale", "reason"),
    [
        (row("New", 12, "2025-01-01", "2026-01-01", purchasePrice=None), "amount_missing"),
        (row("New", 12, "2025-01-01", "2026-01-01", saleDate="soon"), "sale_date_missing"),
        (row("Gift", 12, "2025-01-01", "2026-01-01"), "unknown_sale_type"),
        (row("New", 12, "2025-01-01", "2026-01-01", tier="A few"), "unknown_tier"),
        (row("New", 12, None, "2026-01-01"), "coverage_missing"),
    ],
)
def test_what_is_missing_or_unknown_is_told(sale: Row, reason: str) -> None:
    (anomaly,) = [each for each in revenue(sale).anomalies if each.reason == reason]
    told = anomaly.row()
    assert told["what_to_do"] == WHAT_TO_DO[reason]
    assert len(told["id"]) == 64


def test_net_follows_the_share_of_each_sale() -> None:
    found = revenue(
        row("New", 1200, "2025-01-01", "2026-01-01", net=1020, order="base"),
        row("Refund", -600, "2025-07-01", "2026-01-01", net=-510, order="up", line="1"),
        row("Upgrade", 900, "2025-07-01", "2026-01-01", net=720, order="up", line="2", tier="25 Users"),
    )
    assert (net_on(found, "2025-06-30"), net_on(found, "2025-07-01")) == (85, 120)


# -- what holds for any rows

DAYS = st.integers(0, 900).map(lambda days: YEAR + timedelta(days=days))
CENTS = st.integers(1, 500_000).map(lambda cents: cents / 100)


@st.composite
def any_row(draw: st.DrawFn) -> Row:
    kind = draw(st.sampled_from(["New", "Renewal", "Upgrade", "Downgrade", "Refund", None]))
    amount = draw(CENTS)
    start = draw(DAYS)
    end = start + timedelta(days=draw(st.sampled_from([0, 1, 14, 30, 31, 365, 366, 731])))
    return row(
        kind,
        -amount if kind == "Refund" else amount,
        start.isoformat(),
        end.isoformat(),
        sold=draw(DAYS).isoformat(),
        order=draw(st.sampled_from(["a", "b", "c"])),
        line=str(draw(st.integers(0, 10**6))),
        net=round((-amount if kind == "Refund" else amount) * draw(st.sampled_from([0.75, 0.8, 1])), 2),
        tier=draw(st.sampled_from(["10 Users", "25 Users", None])),
        status=draw(st.sampled_from(["Paid", "Open", "Uncollectible"])),
    )


ROWS = st.lists(any_row(), max_size=7, unique_by=lambda each: (each["transactionId"], each["transactionLineItemId"]))


@given(ROWS, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list[Row], chance: Random) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)
    one, other = revenue(*rows), revenue(*shuffled)
    assert [each.row() for each in one.segments] == [each.row() for each in other.segments]
    assert [each.row() for each in one.anomalies] == [each.row() for each in other.anomalies]
    assert one.money == other.money


@given(ROWS)
def test_each_amount_is_its_segments_and_what_does_not_recur(rows: list[Row]) -> None:
    found = revenue(*rows)
    for entries, side in ((found.money, "gross"), (found.net_money, "net")):
        for entry in entries:
            mine = [each for each in found.segments if each.transaction_key == entry.transaction_key]
            recurs = sum((getattr(each, side) * months_between(each.since, each.until) for each in mine), Decimal(0))
            assert abs(entry.amount - recurs - entry.not_recurring) <= Decimal("0.005")


@given(ROWS)
def test_no_money_is_unaccounted_for(rows: list[Row]) -> None:
    tally = MoneyTally()
    tally.add(revenue(*rows).money)
    assert tally.unaccounted == 0
    assert tally.total() == sum((Decimal(str(each["purchaseDetails"]["purchasePrice"])) for each in rows), Decimal(0))


@given(ROWS, ROWS)
def test_tallies_of_parts_add_up(some: list[Row], more: list[Row]) -> None:
    parts = [MoneyTally(), MoneyTally()]
    whole = MoneyTally()
    for tally, rows in zip(parts, (some, more), strict=True):
        tally.add(revenue(*rows).money)
        whole.add(revenue(*rows).money)
    parts[0].merge(parts[1])
    assert (parts[0].rows, parts[0].amounts) == (whole.rows, whole.amounts)


@given(ROWS)
def test_mrr_is_never_below_nothing(rows: list[Row]) -> None:
    found = revenue(*rows)
    assert all(gross_on(found, (YEAR + timedelta(days=days)).isoformat()) >= 0 for days in range(0, 1700, 97))
