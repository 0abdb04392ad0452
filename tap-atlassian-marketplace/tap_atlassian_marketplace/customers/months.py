"""Months of a term, the unit of recurring revenue."""

from __future__ import annotations

from calendar import monthrange
from datetime import MAXYEAR, date
from decimal import Decimal
from functools import lru_cache

_MONTHS_OF_YEAR = 12


@lru_cache(maxsize=65536)
def months_between(start: date, end: date) -> Decimal:
    """Give the length of a term in months: whole calendar months, and what is left as a share of the next one.

    A rule of days ÷ 365 would make a February at 100 a month one of 108.63.

    Args:
        start: First day.
        end: Day after the last.

    Returns:
        12 for a year whatever its days, 9.7097 for 10 March to 1 January; 0 when the end is not after the start.
    """
    if end <= start:
        return Decimal(0)
    whole = (end.year - start.year) * _MONTHS_OF_YEAR + end.month - start.month
    if _ordinal(start, whole) > end.toordinal():
        whole -= 1
    begin = _ordinal(start, whole)
    left = end.toordinal() - begin
    return whole + Decimal(left) / (_ordinal(start, whole + 1) - begin) if left else Decimal(whole)


def add_months(day: date, months: int) -> date:
    """Give the same day some months later, or the last day of that month where it is shorter.

    Raises:
        ValueError: It lies beyond the years 1 to 9999.
    """
    return date.fromordinal(_ordinal(day, months))


def _ordinal(day: date, months: int) -> int:
    year, month = divmod(day.year * _MONTHS_OF_YEAR + day.month - 1 + months, _MONTHS_OF_YEAR)
    if year > MAXYEAR:  # terms that never end are written as 9999-12-31
        return date.max.toordinal() + day.day
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])).toordinal()
