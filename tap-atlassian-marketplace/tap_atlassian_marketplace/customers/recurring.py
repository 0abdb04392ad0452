"""Sales that recur, and what refunds have left of them on which days."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tap_atlassian_marketplace.customers.months import months_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_atlassian_marketplace.customers.sales import Sale

NEGLIGIBLE = Decimal("0.005")
"""Half a cent a month: less than that is no money."""

ROUNDING = Decimal("0.01")
"""USD that an invoice may be off; on a term of days it is more than half a cent a month."""

_ABOUT_ALL = Decimal("0.99")  # of what the rest of a term is worth

_NOTHING = Decimal(0)
_TEN_DECIMALS = Decimal("1e-10")


def per_month(amount: Decimal, months: Decimal) -> Decimal:
    """Give a monthly rate, to ten decimals."""
    return (amount / months).quantize(_TEN_DECIMALS)


@dataclass(frozen=True)
class Take:
    """What a refund takes from the monthly rate of a sale, on the days from `since` until the day before `until`."""

    refund: Sale
    since: date
    until: date
    rate: Decimal


class Rest(NamedTuple):
    """What is left of a sale until its end, in USD, as billing may reckon it: by months, by days, or near one of them.

    Atlassian does not say which it does. A rate is one of months.
    """

    by_months: Decimal
    by_days: Decimal

    @property
    def least(self) -> Decimal:
        """The smaller of both."""
        return min(self)

    @property
    def most(self) -> Decimal:
        """The larger of both."""
        return max(self)

    def is_all_in(self, amount: Decimal) -> bool:
        """Say whether an amount is about all that is left, or more."""
        return amount >= min(self.least * _ABOUT_ALL, self.least - ROUNDING)


@dataclass(eq=False)
class Recurring:
    """A sale that recurs.

    Attributes:
        sale: The sale.
        amount: What was paid, in USD.
        rate: USD a month.
        since: First day on which the rate counts.
        until: Day after the last one.
        takes: What refunds took from it.
        given_back: USD that went back of the amount, whatever days it was for.
        spent_from: First day from which refunds have left nothing, if any; whatever they leave later is nothing too.
    """

    sale: Sale
    amount: Decimal
    rate: Decimal
    since: date
    until: date
    takes: list[Take] = field(default_factory=list)
    given_back: Decimal = _NOTHING
    spent_from: date | None = None
    _days: list[date] = field(default_factory=lambda: [date.min], repr=False)  # on which what was taken changes
    _taken: list[Decimal] = field(default_factory=lambda: [_NOTHING], repr=False)  # from each of them on

    @property
    def covers_until(self) -> date:
        """Day after the last one on which refunds have left anything of the rate; the first day when on none."""
        if not self.takes:
            return self.until if self.rate > NEGLIGIBLE else self.since
        lasting = (end for _, end, rate in reversed(self.left(self.since)) if rate > NEGLIGIBLE)
        return next(lasting, self.since)

    def give(self, take: Take) -> None:
        """Note what a refund takes."""
        self.takes.append(take)
        first, end = self._place(take.since), self._place(take.until)
        for place in range(first, end):
            self._taken[place] += take.rate
        if take.until >= self.until and self.remaining(take.since, self.until) <= NEGLIGIBLE:
            self.spent_from = min(take.since, self.spent_from or take.since)

    def remaining(self, since: date, until: date) -> Decimal:
        """Give what refunds have left of the rate on each of some days; nothing where there is no day.

        A refund of one month leaves the other months of a term as they were.
        """
        if since >= until:
            return _NOTHING
        if not self.takes:
            return self.rate
        most = max(self._taken[bisect_right(self._days, since) - 1 : bisect_left(self._days, until)])
        return max(_NOTHING, self.rate - most)

    def left(self, since: date) -> list[tuple[date, date, Decimal]]:
        """List what refunds have left of the rate from a day on: first day, day after the last, USD a month."""
        begin = max(since, self.since)
        if begin >= self.until:
            return []
        within = self._days[bisect_right(self._days, begin) : bisect_left(self._days, self.until)]
        return [(day, until, self.remaining(day, until)) for day, until in pairwise((begin, *within, self.until))]

    def rest(self, since: date) -> Rest:
        """Give what refunds have left of the days from `since` on."""
        first, begin = min(max(since, self.since), self.until), self.sale.start or self.since
        rate = self.remaining(first, self.until)
        part = Decimal((self.until - first).days) / (self.until - begin).days
        return Rest(rate * months_between(first, self.until), rate * months_between(begin, self.until) * part)

    def _place(self, day: date) -> int:
        """Find the place of a day among those on which what was taken changes; make one when there is none."""
        place = bisect_left(self._days, day)
        if place == len(self._days) or self._days[place] != day:
            self._days.insert(place, day)
            self._taken.insert(place, self._taken[place - 1])
        return place


def disjoint(takes: Sequence[tuple[Recurring, Take]]) -> list[tuple[Recurring, Take]]:
    """Add up what a refund takes twice from a sale on the same days."""
    of_sale: dict[Recurring, list[Take]] = {}
    for recurring, take in takes:
        of_sale.setdefault(recurring, []).append(take)
    found = []
    for recurring, mine in of_sale.items():
        days = sorted({day for take in mine for day in (take.since, take.until)})
        for since, until in pairwise(days):
            rate = sum((take.rate for take in mine if take.since <= since < take.until), _NOTHING)
            if rate:
                found.append((recurring, replace(mine[0], since=since, until=until, rate=rate)))
    return found
