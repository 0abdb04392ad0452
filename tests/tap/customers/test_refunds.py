"""Which sale a refund takes from, and how much of it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import gross_on, net_on, reasons, revenue, row

from tap_atlassian_marketplace.customers.months import add_months, months_between

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.tap.customers.ledger import Row

BASE = row("New", 1200, "2025-01-01", "2026-01-01", order="base")
YEAR = date(2025, 1, 1)


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


@pytest.mark.parametrize(("amount", "left"), [(600, 100), (1200, 50)])
def test_a_refund_of_one_line_of_an_order_prefers_the_line_of_its_amount(amount: int, left: int) -> None:
    for lines in (("1", "2"), ("2", "1")):
        sales = [
            row("New", usd, "2025-01-01", "2026-01-01", order="IN", line=line, net=usd * 0.85)
            for line, usd in zip(lines, (1200, 600), strict=True)
        ]
        back = row("Refund", -amount, "2025-01-01", "2026-01-01", sold="2025-01-20", original="IN", net=-amount * 0.85)
        found = revenue(*sales, back)
        assert (gross_on(found, "2025-01-20"), net_on(found, "2025-01-20")) == (left, left * 0.85)


def test_a_refund_prefers_the_larger_overlap() -> None:
    found = revenue(
        row("New", 1200, "2025-01-01", "2026-01-01", order="old"),
        row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2025-12-01", order="new"),
        row("Refund", -600, "2025-12-15", "2026-12-15", order="back"),
    )
    assert [each.target_transaction_key for each in found.segments if each.kind == "refund"] == ["old|1", "new|1"]
    assert [gross_on(found, day) for day in ("2025-12-14", "2025-12-15", "2026-01-01", "2026-12-15")] == [
        100,
        50,
        50,
        100,
    ]


@pytest.mark.parametrize(("rate", "refund"), [(100, 1800), (120, 2040), (50, 1200), (20, 840)])
def test_a_refund_of_a_term_and_its_renewal_paid_ahead_ends_both(rate: int, refund: int) -> None:
    found = revenue(
        BASE,
        row("Renewal", rate * 12, "2026-01-01", "2027-01-01", sold="2025-06-01"),
        row("Refund", -refund, "2025-07-01", "2027-01-01"),
    )
    assert [gross_on(found, day) for day in ("2025-06-30", "2025-07-01", "2026-01-01")] == [100, 0, 0]
    assert [each.covers_until.isoformat() for each in found.recurring] == ["2025-07-01", "2026-01-01"]
    assert reasons(found) == []


def test_a_refund_of_base_and_upgrade_in_one_row_spills_over() -> None:
    found = revenue(
        BASE,
        row("Upgrade", 300, "2025-07-01", "2026-01-01", order="up", tier="25 Users"),
        row("Refund", -450, "2025-10-01", "2026-01-01", tier="25 Users"),
    )
    assert (gross_on(found, "2025-09-30"), gross_on(found, "2025-10-01")) == (150, 0)
    assert reasons(found) == []


def test_a_spill_is_what_the_nominal_rate_of_the_refund_is_more_than_the_first_has() -> None:
    found = revenue(
        BASE,
        row("Upgrade", 300, "2025-07-01", "2026-01-01", order="up", tier="25 Users"),
        row("Refund", -1000, "2025-01-01", "2026-01-01", sold="2025-10-01", tier="25 Users"),
    )
    # 83.33 a month; 50 of it from the upgrade, 33.33 from the base.
    assert (gross_on(found, "2025-10-01"), reasons(found)) == (Decimal("66.67"), [])


@pytest.mark.parametrize("tier", ["10 Users", "25 Users", "99 Users"])
@pytest.mark.parametrize(("end", "price"), [("2026-01-01", 1200), ("2027-01-01", 2400)])
@pytest.mark.parametrize("since", ["2025-02-01", "2025-04-01", "2025-10-01"])
def test_all_that_was_paid_for_a_term_ends_it_with_its_upgrade(since: str, end: str, price: int, tier: str) -> None:
    base = row("New", price, "2025-01-01", end, net=price * 0.85)
    # Of less than the term, so that the rate of the refund by all of its months is less than the rate of both.
    upgrade = row("Upgrade", 450, since, end, net=360, tier="25 Users")
    back = row("Refund", -price - 450, "2025-01-01", end, sold="2025-11-01", order="up", tier=tier, net=-price * 0.85)
    found = revenue(base, upgrade, back)
    assert (gross_on(found, "2025-11-01"), net_on(found, "2025-11-01"), reasons(found)) == (0, 0, [])
    assert [str(each.covers_until) for each in found.recurring] == ["2025-11-01"] * 2
    anew = row("Upgrade", price * 2, "2025-01-01", end, sold="2025-11-01", order="up", line="2", tier="50 Users")
    assert gross_on(revenue(base, upgrade, back, anew), "2025-11-01") == 200


def test_all_that_was_paid_may_go_back_little_by_little() -> None:
    upgrade = row("Upgrade", 450, "2025-04-01", "2026-01-01", tier="25 Users")
    one_month = row("Refund", -100, "2025-09-01", "2025-10-01", sold="2025-06-01", original="base")
    kindness = row("Refund", -50, "2025-01-01", "2026-01-01", sold="2025-06-15", order="kind")
    the_rest = row("Refund", -1500, "2025-01-01", "2026-01-01", sold="2025-07-01")
    for goodwill in (None, "10%"):
        found = revenue(BASE, upgrade, one_month, kindness, the_rest, goodwill=goodwill and "0.1")
        assert [gross_on(found, f"2025-{month}-01") for month in ("07", "09", "10", "12")] == [0] * 4
        assert reasons(found) == []


def test_all_that_was_paid_goes_back_but_once() -> None:
    back = row("Refund", -1200, "2025-01-01", "2026-01-01", sold="2025-03-01", order="back")
    again = row("Refund", -1200, "2025-01-01", "2026-01-01", sold="2025-04-01", order="again")
    anew = row("New", 1800, "2025-04-01", "2026-01-01", order="again", line="2")
    found = revenue(BASE, back, again, anew)
    assert [gross_on(found, f"2025-{month}-01") for month in ("02", "03", "04")] == [100, 0, 200]
    assert reasons(found) == ["refund_exceeds_sales"]


def test_more_than_all_that_was_paid_for_both_is_told() -> None:
    upgrade = row("Upgrade", 450, "2025-04-01", "2026-01-01", tier="25 Users")
    back = row("Refund", -2400, "2025-01-01", "2026-01-01", sold="2025-07-01")
    found = revenue(BASE, upgrade, back)
    assert (gross_on(found, "2025-07-01"), reasons(found)) == (0, ["refund_exceeds_sales"])
    assert found.anomalies[0].amount == 50


def test_all_that_was_paid_for_one_term_leaves_the_other() -> None:
    renewal = row("Renewal", 600, "2026-01-01", "2027-01-01", sold="2025-02-01", order="next")
    back = row("Refund", -600, "2025-03-01", "2027-01-01", original="next")
    found = revenue(BASE, renewal, back)
    assert [gross_on(found, day) for day in ("2025-03-01", "2026-01-01")] == [100, 0]
    again = row("New", 600, "2026-02-01", "2027-01-01", order="again")
    kindness = row("Refund", -60, "2026-01-01", "2027-01-01", sold="2026-07-01")
    assert gross_on(revenue(BASE, renewal, back, again, kindness), "2026-07-01") > 40


FIRST_DAYS = ("2025-01-01", "2025-08-31", "2024-02-29")


def by_days(amount: float, start: date, end: date, since: date) -> float:
    return round(amount * (end - since).days / (end - start).days, 2)


def by_months(amount: float, start: date, end: date, since: date) -> float:
    return round(amount * float(months_between(since, end) / months_between(start, end)), 2)


@pytest.mark.parametrize("price", [1200, 33.44])
@pytest.mark.parametrize("reckoned", [by_days, by_months])
@pytest.mark.parametrize("first", FIRST_DAYS)
def test_a_refund_of_the_rest_leaves_nothing_however_it_is_reckoned(
    first: str, reckoned: Callable[[float, date, date, date], float], price: float
) -> None:
    start = date.fromisoformat(first)
    end = add_months(start, 12)
    for passed in range(1, 365):
        since = start + timedelta(days=passed)
        back = row("Refund", -reckoned(price, start, end, since), str(since), str(end), order="back")
        found = revenue(row("New", price, first, str(end), order="base"), back)
        assert (gross_on(found, str(since)), reasons(found)) == (0, [])
        assert found.recurring[0].covers_until == since


def test_a_refund_of_a_little_less_than_the_rest_leaves_it_paid() -> None:
    found = revenue(BASE, row("Refund", -590, "2025-07-01", "2026-01-01"))
    assert gross_on(found, "2025-07-01") == Decimal("1.67")


def test_a_refund_by_days_of_one_line_leaves_the_other_alone() -> None:
    other = row("New", 600, "2025-01-01", "2026-01-01", order="base", line="2")
    back = row("Refund", -604.93, "2025-07-01", "2026-01-01")
    found = revenue(BASE, other, back)
    assert gross_on(found, "2025-07-01") == 50
    assert [(entry.refunded, entry.one_off) for entry in found.money][2] == (-600, Decimal("-4.93"))


def test_a_refund_by_days_of_a_base_and_its_upgrade_in_one_row() -> None:
    upgrade = row("Upgrade", 300, "2025-07-01", "2026-01-01", order="up", tier="25 Users")
    end = date(2026, 1, 1)
    for passed in range(1, 184):
        since = date(2025, 7, 1) + timedelta(days=passed)
        amount = by_days(1200, YEAR, end, since) + by_days(300, date(2025, 7, 1), end, since)
        found = revenue(BASE, upgrade, row("Refund", -amount, str(since), str(end), tier="25 Users"))
        assert (gross_on(found, str(since)), reasons(found)) == (0, [])


def test_of_two_changes_of_one_day_the_second_takes_back_the_first() -> None:
    back = row("Refund", -200, "2025-11-01", "2026-01-01", order="one", line="1")
    more = row("Upgrade", 300, "2025-11-01", "2026-01-01", order="one", line="2", tier="25 Users")
    again = row("Refund", -300, "2025-11-01", "2026-01-01", order="two", line="1", tier="25 Users", original="one")
    most = row("Upgrade", 400, "2025-11-01", "2026-01-01", order="two", line="2", tier="50 Users")
    less = row("Downgrade", 200, "2025-11-01", "2026-01-01", order="two", line="2")
    for last, rate in ((most, 200), (less, 100)):
        found = revenue(BASE, back, more, again, last)
        assert (gross_on(found, "2025-10-31"), gross_on(found, "2025-11-01"), reasons(found)) == (100, rate, [])


def test_a_refund_of_coming_days_that_finds_nothing_left_is_told() -> None:
    back = row("Refund", -200, "2025-11-01", "2026-01-01", order="one", line="1")
    more = row("Upgrade", 300, "2025-11-01", "2026-01-01", order="one", line="2", tier="25 Users")
    again = row("Refund", -300, "2025-11-01", "2026-01-01", order="two", tier="25 Users")
    found = revenue(BASE, back, more, again)
    assert (gross_on(found, "2025-11-01"), reasons(found)) == (150, ["refund_exceeds_sales"])


def test_a_first_sale_that_goes_back_on_its_day_is_not_spared_by_an_earlier_one() -> None:
    first = row("Refund", -1200, "2025-01-01", "2026-01-01", sold="2025-01-20", order="back", original="base")
    anew = row("New", 1200, "2025-03-01", "2026-03-01", order="anew")
    void = row("Refund", -1200, "2025-03-01", "2026-03-01", order="void", original="anew")
    found = revenue(BASE, first, anew, void)
    assert (gross_on(found, "2025-03-01"), gross_on(found, "2026-02-28"), reasons(found)) == (0, 0, [])
