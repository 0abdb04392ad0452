"""How MRR moves in the worked cases, under their numbers, and what moves nobody."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import revenue, row
from tests.tap.customers.test_revenue_cases import CASES

from tap_atlassian_marketplace.customers.coverage import billed_terms
from tap_atlassian_marketplace.customers.movements import movements
from tap_atlassian_marketplace.customers.sales import read_sales
from tap_atlassian_marketplace.customers.timeline import Timeline

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row


def moved(rows: list[Row]) -> list[tuple[str, str, float]]:
    """Give day, kind and USD a month of each movement."""
    sales = read_sales(rows)
    found = movements(Timeline(revenue(*rows).segments), sales, billed_terms(sales))
    return [(each.day.isoformat(), each.kind, float(each.after - each.before)) for each in found]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("1 ", [("2025-01-01", "new", 100), ("2026-01-01", "churn", -100)]),
        ("2 ", [("2025-01-01", "new", 100), ("2025-07-01", "expansion", 50), ("2026-01-01", "churn", -150)]),
        ("3 ", [("2025-01-01", "new", 100), ("2025-07-01", "expansion", 50), ("2026-01-01", "churn", -150)]),
        ("5 ", [("2025-01-01", "new", 100), ("2025-04-01", "churn", -100)]),
        ("7 ", [("2025-01-01", "new", 100), ("2025-07-01", "contraction", -10), ("2026-01-01", "churn", -90)]),
        ("8 ", [("2024-05-15", "new", 100), ("2024-06-01", "billing_change", -16.67), ("2026-06-01", "churn", -83.33)]),
        ("12 ", [("2025-01-01", "new", 100), ("2026-01-01", "contraction", -50), ("2027-01-01", "churn", -50)]),
        ("13 ", [("2025-01-01", "new", 100), ("2027-01-01", "churn", -100)]),
        (
            "14 ",
            [
                ("2025-01-01", "new", 100),
                ("2026-01-01", "churn", -100),
                ("2026-04-01", "reactivation", 100),
                ("2027-04-01", "churn", -100),
            ],
        ),
    ],
)
def test_case(case: str, expected: list[tuple[str, str, float]]) -> None:
    (rows,) = [rows for name, (rows, _) in CASES.items() if name.startswith(case)]
    assert moved(rows) == expected


def months(days: list[str], amounts: list[float], **more: str) -> list[Row]:
    return [
        row("Renewal" if number else "New", amount, start, end, billingPeriod="Monthly", **more)
        for number, ((start, end), amount) in enumerate(zip(pairwise(days), amounts, strict=True))
    ]


ENDS = ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31", "2025-06-30"]


def test_months_of_another_length_at_one_price_move_nobody() -> None:
    found = moved(months(ENDS, [100] * 5))
    assert [(day, kind) for day, kind, _ in found] == [("2025-01-31", "new"), ("2025-06-30", "churn")]


def test_another_price_of_a_month_of_another_length_is_a_movement() -> None:
    found = moved(months(ENDS, [100, 100, 200, 200, 200]))
    assert [(day, kind) for day, kind, _ in found[1:-1]] == [("2025-03-31", "expansion")]


def test_more_for_a_longer_month_is_no_contraction() -> None:
    more = moved(months(ENDS, [100, 103, 103, 103, 103]))
    less = moved(months(ENDS, [103, 103, 103, 100, 100]))
    assert [(day, kind) for day, kind, _ in more[1:-1]] == [("2025-02-28", "expansion")]
    assert [(day, kind) for day, kind, _ in less[1:-1]] == [("2025-04-30", "contraction")]


def test_a_month_of_another_length_after_an_upgrade_moves_nobody() -> None:
    old, *others = months(["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"], [100, 200, 200])
    back = row("Refund", -50, "2025-02-14", "2025-02-28", order="u", line="1", billingPeriod="Monthly")
    anew = row("Upgrade", 100, "2025-02-14", "2025-02-28", order="u", line="2", billingPeriod="Monthly")
    kinds = [(day, kind) for day, kind, _ in moved([old, back, anew, *others])]
    assert kinds == [("2025-01-31", "new"), ("2025-02-14", "expansion"), ("2025-04-30", "churn")]


def test_cents_of_rounding_in_a_bill_of_some_days_move_nobody() -> None:
    year = row("New", 1200, "2025-01-01", "2026-01-01")
    some_days = row("Upgrade", 4.84, "2025-12-29", "2026-01-01", tier="25 Users")
    renewal = row("Renewal", 1800, "2026-01-01", "2027-01-01", tier="25 Users")
    assert [(day, kind) for day, kind, _ in moved([year, some_days, renewal])] == [
        ("2025-01-01", "new"),
        ("2025-12-29", "expansion"),
        ("2027-01-01", "churn"),
    ]


def test_cents_of_rounding_in_a_change_of_the_new_billing_move_nobody() -> None:
    monthly = {"billingPeriod": "Monthly"}
    rows = [
        row("New", 47.5, "2025-06-01", "2025-07-01", **monthly),
        row("Refund", -4.75, "2025-06-28", "2025-07-01", order="up", line="1", **monthly),
        row("Upgrade", 9.46, "2025-06-28", "2025-07-01", order="up", line="2", tier="25 Users", **monthly),
        row("Renewal", 94.55, "2025-07-01", "2025-08-01", tier="25 Users", **monthly),
    ]
    assert [(day, kind) for day, kind, _ in moved(rows)] == [
        ("2025-06-01", "new"),
        ("2025-06-28", "expansion"),
        ("2025-08-01", "churn"),
    ]


@pytest.mark.parametrize(("amount", "kind"), [(1201.2, "expansion"), (1198.8, "contraction")])
def test_ten_cents_a_month_are_a_movement(amount: float, kind: str) -> None:
    found = moved([row("New", 1200, "2025-01-01", "2026-01-01"), row("Renewal", amount, "2026-01-01", "2027-01-01")])
    assert [each for _, each, _ in found] == ["new", kind, "churn"]


def test_a_refund_on_the_day_of_a_renewal_is_a_movement() -> None:
    back = row("Refund", -30, "2025-03-31", "2025-04-30", sold="2025-03-31", original="early")
    early = row("Renewal", 100, "2025-03-31", "2025-04-30", sold="2025-03-30", order="early", billingPeriod="Monthly")
    rows = [*months(ENDS[:3], [100, 100]), early, back]
    assert ("2025-03-31", "contraction") in [(day, kind) for day, kind, _ in moved(rows)]


def test_another_share_of_atlassian_moves_nobody() -> None:
    rows = [
        row("New", 1200, "2025-01-01", "2026-01-01", net=1020),
        row("Renewal", 1200, "2026-01-01", "2027-01-01", net=1200),
    ]
    assert moved(rows) == [("2025-01-01", "new", 100), ("2027-01-01", "churn", -100)]
