"""How many months lie between two dates: what a price is divided by to give a rate a month."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from marketplace_sandbox.world.calendar import add_months

if TYPE_CHECKING:
    from datetime import date


def months(start: date, end: date) -> Fraction:
    """Months from `start` to the day before `end`: whole ones, then days as a part of the month that they begin.

    The month after the whole ones runs from the day on which they end to the same day a month later; its length is
    what the days left over are divided by. A month later keeps the day of `start`, or is the last day of a shorter
    month. So a whole year is 12 and a whole month is 1, however many days they have. Not later than `start`: 0.
    """
    if end <= start:
        return Fraction(0)
    whole = (end.year - start.year) * 12 + end.month - start.month
    while add_months(start, whole) > end:
        whole -= 1
    reached, following = add_months(start, whole), add_months(start, whole + 1)
    return whole + Fraction((end - reached) // timedelta(days=1), (following - reached) // timedelta(days=1))
