"""How MRR moves in the worked cases, under their numbers, and what moves nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import revenue, row
from tests.tap.customers.test_revenue_cases import CASES

from tap_atlassian_marketplace.customers.movements import movements
from tap_atlassian_marketplace.customers.sales import read_sales
from tap_atlassian_marketplace.customers.timeline import Timeline

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row


def moved(rows: list[Row]) -> list[tuple[str, str, float]]:
    """Give day, kind and USD a month of each movement."""
    found = movements(Timeline(revenue(*rows).segments), read_sales(rows))
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


def test_another_share_of_atlassian_moves_nobody() -> None:
    rows = [
        row("New", 1200, "2025-01-01", "2026-01-01", net=1020),
        row("Renewal", 1200, "2026-01-01", "2027-01-01", net=1200),
    ]
    assert moved(rows) == [("2025-01-01", "new", 100), ("2027-01-01", "churn", -100)]
