from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_atlassian_marketplace.customers.months import add_months, months_between

DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2025-01-01", "2026-01-01", 12),
        ("2025-07-01", "2026-01-01", 6),
        ("2025-02-01", "2025-03-01", 1),
        ("2025-03-10", "2026-01-01", "9.7097"),
        ("2025-01-31", "2025-02-28", 1),
        ("2024-01-31", "2024-02-29", 1),
        ("2024-02-29", "2025-02-28", 12),
        ("2025-05-15", "2025-06-15", 1),
        ("2025-06-01", "2025-06-15", "0.4667"),
        ("2025-01-31", "2025-03-01", "1.0323"),  # one day of the 31 from 28 February to 31 March
        ("2025-01-01", "2025-01-01", 0),
        ("2025-01-02", "2025-01-01", 0),
        ("9998-12-31", "9999-12-31", 12),
        ("9999-12-01", "9999-12-31", "0.9677"),
    ],
)
def test_months(start, end, months):
    found = months_between(date.fromisoformat(start), date.fromisoformat(end))
    assert round(found, 4) == Decimal(months)


@given(DAYS, st.integers(0, 600))
def test_a_term_of_whole_months_is_that_many(start, months):
    assert months_between(start, add_months(start, months)) == months


@given(DAYS, st.integers(1, 4000))
def test_a_longer_term_has_more_months(start, days):
    ends = [start + timedelta(days=count) for count in (days - 1, days)]
    shorter, longer = (months_between(start, end) for end in ends)
    assert shorter < longer <= shorter + Decimal(1) / 28 + Decimal("1e-20")  # the last digit of a Decimal


def test_adding_months_keeps_the_day_and_clamps_it():
    assert add_months(date(2025, 1, 31), 1) == date(2025, 2, 28)
    assert add_months(date(2025, 1, 31), 2) == date(2025, 3, 31)
    assert add_months(date(2025, 3, 31), -1) == date(2025, 2, 28)
    assert add_months(date(2025, 12, 15), 1) == date(2026, 1, 15)
