"""The worked cases of monthly recurring revenue, under their numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import gross_on, reasons, revenue, row

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

BASE = row("New", 1200, "2025-01-01", "2026-01-01", order="base")
JUNE = row("New", 100, "2025-06-01", "2025-07-01", order="june")


def refund(amount: float, start: str, end: str, sold: str | None = None, **more: str) -> Row:
    return row("Refund", amount, start, end, sold=sold, **more)


CASES = {
    "1 a year": ([BASE], {"2024-12-31": 0, "2025-01-01": 100, "2025-12-31": 100, "2026-01-01": 0}),
    "2 an upgrade billed as a difference": (
        [BASE, row("Upgrade", 300, "2025-07-01", "2026-01-01", tier="25 Users")],
        {"2025-06-30": 100, "2025-07-01": 150, "2025-12-31": 150, "2026-01-01": 0},
    ),
    "3 an upgrade refunded and billed again": (
        [
            BASE,
            refund(-600, "2025-07-01", "2026-01-01", order="up", line="1"),
            row("Upgrade", 900, "2025-07-01", "2026-01-01", tier="25 Users", order="up", line="2"),
        ],
        {"2025-06-30": 100, "2025-07-01": 150, "2025-12-31": 150, "2026-01-01": 0},
    ),
    "4 the same with the dates of the whole term": (
        [
            BASE,
            refund(-1200, "2025-01-01", "2026-01-01", "2025-07-01", order="up", line="1"),
            row("Upgrade", 1800, "2025-01-01", "2026-01-01", sold="2025-07-01", tier="25 Users", order="up", line="2"),
        ],
        {"2025-06-30": 100, "2025-07-01": 150, "2025-12-31": 150, "2026-01-01": 0},
    ),
    "5 a cancellation": (
        [BASE, refund(-900, "2025-04-01", "2026-01-01")],
        {"2025-03-31": 100, "2025-04-01": 0, "2025-12-31": 0},
    ),
    "6 all back within thirty days": (
        [BASE, refund(-1200, "2025-01-01", "2026-01-01", "2025-01-20")],
        {"2025-01-19": 100, "2025-01-20": 0, "2025-12-31": 0},
    ),
    "7 goodwill": (
        [BASE, refund(-60, "2025-01-01", "2026-01-01", "2025-07-01")],
        {"2025-06-30": 100, "2025-07-01": 90, "2025-12-31": 90},
    ),
    "8 one order of refund, upgrade and renewal": (
        [
            row("New", 100, "2024-05-15", "2024-06-15", order="month", billingPeriod="Monthly"),
            refund(-46.67, "2024-06-01", "2024-06-15", order="order", line="1"),
            row("Upgrade", 1000, "2024-06-01", "2025-06-01", order="order", line="2"),
            row("Renewal", 1000, "2025-06-01", "2026-06-01", sold="2024-06-01", order="order", line="3"),
        ],
        {"2024-05-31": 100, "2024-06-01": 83.33, "2025-05-31": 83.33, "2026-05-31": 83.33, "2026-06-01": 0},
    ),
    "9 a term that ends with the parent product's": (
        [row("New", 972, "2025-03-10", "2026-01-01")],
        {"2025-03-10": 100.11, "2025-12-31": 100.11, "2026-01-01": 0},
    ),
    "10 two years": ([row("New", 4320, "2025-01-01", "2027-01-01")], {"2025-01-01": 180, "2026-12-31": 180}),
    "11 users added within a month": (
        [
            JUNE,
            row(
                "Upgrade",
                25,
                "2025-06-16",
                "2025-07-01",
                sold="2025-07-01",
                tier="3 User",
                proratedDetails=[{"addedUsers": 3, "date": "2025-06-16"}],
            ),
            row("Renewal", 150, "2025-07-01", "2025-08-01", tier="13 Users"),
        ],
        {"2025-06-15": 100, "2025-06-30": 100, "2025-07-01": 150, "2025-07-31": 150},
    ),
    "12 a renewal at a lower tier": (
        [BASE, row("Renewal", 600, "2026-01-01", "2027-01-01", tier="5 Users")],
        {"2025-12-31": 100, "2026-01-01": 50, "2026-12-31": 50},
    ),
    "13 a renewal posted late": (
        [BASE, row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2026-01-20")],
        {"2025-12-31": 100, "2026-01-01": 100, "2026-01-20": 100},
    ),
    "14 bought again three months later": (
        [BASE, row("Renewal", 1200, "2026-04-01", "2027-04-01")],
        {"2025-12-31": 100, "2026-01-01": 0, "2026-03-31": 0, "2026-04-01": 100},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_case(case: str) -> None:
    rows, expected = CASES[case]
    found = revenue(*rows)
    assert {day: gross_on(found, day) for day in expected} == {
        day: Decimal(str(usd)).quantize(Decimal("0.01")) for day, usd in expected.items()
    }
    assert reasons(found) == []


def test_case_7_goodwill_that_is_ignored() -> None:
    rows, _ = CASES["7 goodwill"]
    found = revenue(*rows, goodwill="0.1")
    assert gross_on(found, "2025-07-01") == 100
    assert sum(entry.one_off for entry in found.money) == -60


def test_a_refund_is_a_segment_that_names_what_it_takes_from() -> None:
    rows, _ = CASES["3 an upgrade refunded and billed again"]
    found = revenue(*rows)
    assert [(each.kind, each.transaction_key, each.target_transaction_key, each.gross) for each in found.segments] == [
        ("new", "base|1", "", Decimal(100)),
        ("refund", "up|1", "base|1", Decimal(-100)),
        ("upgrade", "up|2", "", Decimal(150)),
    ]
