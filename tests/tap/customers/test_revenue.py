"""What becomes of odd sales and refunds, and what holds for any of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tap.customers.ledger import gross_on, net_on, reasons, revenue, row

from tap_atlassian_marketplace.customers import matching
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


@pytest.mark.parametrize(
    ("skipped", "place"),
    [
        ({"status": "Uncollectible"}, "uncollectible"),
        ({"proratedDetails": [{"addedUsers": 2}]}, "one_off"),
        ({"sold": "2025-07-01", "maintenanceStartDate": None}, "quarantined"),
    ],
    ids=["uncollectible", "users added", "no coverage"],
)
def test_a_refund_that_names_a_skipped_row_goes_where_that_went(skipped: Row, place: str) -> None:
    sale = row("Upgrade", 90, "2025-07-01", "2026-01-01", order="up", **skipped)
    back = row("Refund", -90, "2025-07-01", "2026-01-01", sold="2025-08-01", original="up")
    found = revenue(BASE, sale, back)
    assert gross_on(found, "2025-08-01") == 100
    assert [getattr(entry, place) for entry in found.money] == [0, 90, -90]
    assert "unmatched_refund" not in reasons(found)


def test_a_refund_that_names_an_order_takes_from_what_recurs_of_it() -> None:
    added = row("Upgrade", 90, "2025-06-01", "2026-01-01", order="base", line="2", proratedDetails=[{"addedUsers": 2}])
    back = row("Refund", -600, "2025-07-01", "2026-01-01", original="base")
    assert gross_on(revenue(BASE, added, back), "2025-07-01") == 0


def test_a_free_row_keeps_the_licence_without_mrr() -> None:
    found = revenue(row("Renewal", 0, "2025-01-01", "2026-01-01", discounts=[{"type": "MANUAL", "amount": 500}]))
    assert found.segments == []
    assert reasons(found) == []


@pytest.mark.parametrize("rest", [Decimal("5.551115123125783E-17"), Decimal("0E-17"), "0.0000000000000000"])
def test_a_rest_of_nothing_is_nothing_and_not_missing(rest: Decimal | str) -> None:
    found = revenue(row("New", 1200, "2025-01-01", "2026-01-01", net=rest))
    assert (gross_on(found, "2025-06-01"), net_on(found, "2025-06-01"), reasons(found)) == (100, 0, [])


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


def test_a_sale_that_overlaps_many_is_told_once_with_the_one_that_reaches_furthest() -> None:
    terms = [row("New", 120, f"2025-01-{day:02}", f"2026-01-{day:02}", order=f"{day:02}") for day in range(1, 29)]
    short = row("Renewal", 10, "2025-02-01", "2025-03-01", order="short")
    told = [each for each in revenue(*terms, short).anomalies if each.reason == "overlap_anomaly"]
    pairs = sorted((each.transaction_key, each.other_transaction_key) for each in told)
    assert pairs == [*((f"{day:02}|1", f"{day + 1:02}|1") for day in range(1, 28)), ("28|1", "short|1")]


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [
        ("2025-06-01", "2026-02-01", "old"),  # until the last day
        ("2025-05-01", "2025-06-01", "old"),  # a month of those that both cover
        ("2025-07-01", "2026-02-01", "new"),  # after them
        ("2025-03-01", "2025-04-01", "new"),  # before them
    ],
)
def test_days_of_which_money_went_back_are_not_billed_twice(since: str, until: str, told: str) -> None:
    old = row("New", 1200, "2024-07-01", "2025-06-30", order="old")
    new = row("New", 1200, "2025-02-01", "2026-02-01", order="new")
    once_more = row("Renewal", 300, "2025-04-01", "2025-07-01", order="more")
    back = row("Refund", -100, since, until, original="new")
    found = revenue(old, new, once_more, back).anomalies
    (with_,) = [each.transaction_key for each in found if each.other_transaction_key == "more|1"]
    assert with_ == f"{told}|1"


def test_a_refund_looks_only_at_sales_that_have_something_left(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    prefer = matching._preference  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(matching, "_preference", lambda *pair: compared.append(pair) or prefer(*pair))
    changes = [row("New", 365, "2025-01-01", "2026-01-01")]
    for passed in range(1, 200):
        day = (YEAR + timedelta(days=passed)).isoformat()
        changes += [
            row("Refund", passed - 366, day, "2026-01-01", order=day, line="1"),
            row("Upgrade", 365 - passed, day, "2026-01-01", order=day, line="2"),
        ]
    found = revenue(*changes)
    assert len(compared) <= 2 * 2 * 199  # on both sides; without it, 20,000 on each
    assert (gross_on(found, "2025-07-19"), reasons(found)) == (Decimal("30.63"), [])  # 166 by 5 months and 13 days


def test_a_refund_of_a_thousand_terms_paid_ahead() -> None:
    days = [(YEAR + timedelta(days=day)).isoformat() for day in range(1201)]
    terms = [row("Renewal", 2, *days[day : day + 2], sold="2024-12-01", order=days[day]) for day in range(1200)]
    terms[-1]["purchaseDetails"]["tier"] = "25 Users"
    found = revenue(*terms, row("Refund", -2390, days[0], days[1200], order="back", tier="25 Users"))
    assert [gross_on(found, days[day]) for day in (0, 1199)] == [Decimal("5.44"), 0]


def test_what_a_refund_takes_twice_from_a_sale_counts_twice() -> None:
    renewal = row("Renewal", 600, "2026-01-01", "2027-01-01", sold="2025-06-01")
    found = revenue(BASE, renewal, row("Refund", -1100, "2025-07-01", "2027-01-01"))
    # 61.11 a month: 50 from both terms, which is all of the renewal, and 11.11 more from the first.
    assert [gross_on(found, day) for day in ("2025-07-01", "2026-01-01")] == [Decimal("38.89"), 0]


def test_an_invoice_by_hand_for_what_was_sold_already_is_told() -> None:
    by_hand = row(None, 1200, "2025-01-01", "2026-01-01", sold="2025-01-05", isInvoiceManual="Yes")
    found = revenue(BASE, by_hand)
    assert (gross_on(found, "2025-06-01"), reasons(found)) == (200, ["overlap_anomaly"])
    assert reasons(revenue(BASE, row(None, 300, "2025-07-01", None))) == ["coverage_missing"]


@pytest.mark.parametrize(
    ("sale", "reason"),
    [
        (row("New", 12, "2025-01-01", "2026-01-01", purchasePrice=None), "amount_missing"),
        (row("New", 10**24, "2025-01-01", "2026-01-01"), "amount_missing"),
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
FIRST = st.one_of(DAYS, DAYS, DAYS, st.just(date.min))
LONG = st.sampled_from([0, 1, 14, 30, 31, 365, 366, 731, None])
"""Days of a term; None for one that never ends."""
USD = st.one_of(st.integers(1, 500_000).map(lambda cents: Decimal(cents) / 100), st.just(Decimal(999_999_999_999_999)))
"""Amounts, up to the largest that counts."""
SHARES = (Decimal("0.75"), Decimal("0.8"), Decimal(1))


@st.composite
def any_row(draw: st.DrawFn) -> Row:
    kind = draw(st.sampled_from(["New", "Renewal", "Upgrade", "Downgrade", "Refund", None]))
    amount = draw(USD)
    share = draw(st.one_of(st.sampled_from(SHARES).map(lambda part: round(amount * part, 2)), USD))
    start, days = draw(FIRST), draw(LONG)
    end = date.max if days is None else start + timedelta(days=days)
    return row(
        kind,
        -amount if kind == "Refund" else amount,
        start.isoformat(),
        end.isoformat(),
        sold=draw(FIRST).isoformat(),
        order=draw(st.sampled_from(["a", "b", "c"])),
        line=str(draw(st.integers(0, 10**6))),
        net=-share if kind == "Refund" else share,
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


# What is summed in another order differs in the last of 28 digits, which is seen where there are 15 before the point.
HALF_A_CENT = Decimal("0.005") + Decimal("1e-9")


@given(ROWS)
def test_each_amount_is_its_segments_and_what_does_not_recur(rows: list[Row]) -> None:
    found = revenue(*rows)
    for entries, side in ((found.money, "gross"), (found.net_money, "net")):
        for entry in entries:
            mine = [each for each in found.segments if each.transaction_key == entry.transaction_key]
            recurs = sum((getattr(each, side) * months_between(each.since, each.until) for each in mine), Decimal(0))
            assert abs(entry.amount - recurs - entry.not_recurring) <= HALF_A_CENT


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
