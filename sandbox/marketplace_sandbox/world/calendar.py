"""Dates as text, `YYYY-MM-DD`: the only form in which the Marketplace knows them."""

from __future__ import annotations

import calendar
from datetime import date, timedelta


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def shift(day: str, *, months: int = 0, days: int = 0) -> str:
    """A date text moved by months, then by days."""
    return (add_months(date.fromisoformat(day), months) + timedelta(days=days)).isoformat()


def days_between(first: str, last: str) -> int:
    """Days from the first date to the last, negative if the last is earlier."""
    return (date.fromisoformat(last) - date.fromisoformat(first)).days
