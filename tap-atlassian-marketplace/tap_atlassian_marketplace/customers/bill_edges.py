"""What MRR changes where bills begin and end, though nobody has moved."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.coverage import MONTHLY
from tap_atlassian_marketplace.customers.months import months_between

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.sales import Sale

_NOTHING = Decimal(0)
_HALF_A_CENT = Decimal("0.005")
_TWO_ROUNDED_SUMS = 2 * _HALF_A_CENT


class BillEdges:
    """The days on which the bills of a licence begin and end.

    Args:
        sales: Its sales.
        terms: Those that bill a term, with their billing periods.
    """

    def __init__(self, sales: Sequence[Sale], terms: Sequence[tuple[Sale, str]]) -> None:
        self._begin: defaultdict[date, Counter[str]] = defaultdict(Counter)
        self._end: defaultdict[date, Counter[str]] = defaultdict(Counter)
        self._rounded: defaultdict[date, Decimal] = defaultdict(lambda: _TWO_ROUNDED_SUMS)
        self._longer: defaultdict[date, Decimal] = defaultdict(Decimal)
        refunds = [(since, until) for sale in sales if sale.is_refund for since, until, _ in _days(sale)]
        self._disturbed = {day for edges in refunds for day in edges}
        refunded_until = {until for _, until in refunds}
        for sale in sales:
            for since, until, months in _days(sale):
                for day in (since, until):
                    self._rounded[day] += _HALF_A_CENT / months
        for sale, period in terms:
            if sale.since and sale.end:
                bill = f"{sale.gross}|{sale.tier}|{period}"
                self._begin[sale.since][bill] += 1
                self._end[sale.end][bill] += 1
                if period == MONTHLY and (less := _lost_to_length(sale)):
                    self._longer[sale.since] += less
                    if sale.end not in refunded_until:
                        self._longer[sale.end] -= less

    def change(self, day: date, before: Decimal, after: Decimal) -> Decimal:
        """Give by how much a customer has moved, in gross USD a month.

        Args:
            day: A day.
            before: MRR before it.
            after: MRR from it on.

        Returns:
            0 when it is only that months are of another length, that bills are in whole cents, or that a bill goes on.
        """
        change = after - before + self._longer[day]
        is_same = day not in self._disturbed and self._begin[day] == self._end[day] != Counter()
        return _NOTHING if is_same or abs(change) <= self._rounded[day] else change


def _days(sale: Sale) -> Iterator[tuple[date, date, Decimal]]:
    """Give first day, day after the last, and months of what counts in MRR."""
    if not sale.start or not sale.end or not sale.since or sale.is_true_up or sale.is_uncollectible:
        return
    since = max(sale.start, sale.sold or sale.start) if sale.is_refund else sale.since
    if months := months_between(since if sale.is_refund else sale.start, sale.end):
        yield since, sale.end, months


def _lost_to_length(sale: Sale) -> Decimal:
    """Give by how much the rate of a bill is below its amount.

    A bill of the last day of a month until the 29th, 30th or 31st of the next is one of a month, and longer than one.
    """
    start, end = sale.start, sale.end
    if not start or not end or start.day != monthrange(start.year, start.month)[1]:
        return _NOTHING
    months = months_between(start, end)
    is_a_month = (end.year - start.year) * 12 + end.month - start.month == 1 and months > 1
    return (sale.gross or _NOTHING) * (1 - 1 / months) if is_a_month else _NOTHING
