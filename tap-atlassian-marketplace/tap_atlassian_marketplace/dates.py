"""Dates as the Marketplace writes them: `YYYY-MM-DD`, compared as text."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Any

_SHAPE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)


def is_date(value: Any) -> bool:
    """Say whether a value is a day of the calendar, written as `YYYY-MM-DD`."""
    return isinstance(value, str) and _is_day(value)


@lru_cache(maxsize=4096)
def _is_day(text: str) -> bool:
    if not _SHAPE.match(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def days_before(day: str, days: int) -> str:
    """Give the day that lies a number of days before another, not before the first day of the calendar."""
    number = date.fromisoformat(day).toordinal() - days
    return date.fromordinal(max(1, number)).isoformat()
