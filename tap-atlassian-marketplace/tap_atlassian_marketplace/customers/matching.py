"""Which sale a refund takes from, and how much of its monthly rate on which days."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.months import months_between
from tap_atlassian_marketplace.customers.sales import NEW
from tap_atlassian_marketplace.customers.tiers import same_tier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.sales import Sale

NEGLIGIBLE = Decimal("0.005")
"""Half a cent a month: less than that is no money."""

_ROUNDING = Decimal("0.01")  # USD that an invoice may be off; on a term of days it is more than half a cent a month

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


@dataclass
class Recurring:
    """A sale that recurs.

    Attributes:
        sale: The sale.
        amount: What was paid, in USD.
        rate: USD a month.
        since: First day on which the rate counts.
        until: Day after the last one.
        takes: What refunds took from it.
        given_back: USD that the refunds gave back of which it was the best candidate.
    """

    sale: Sale
    amount: Decimal
    rate: Decimal
    since: date
    until: date
    takes: list[Take] = field(default_factory=list)
    given_back: Decimal = _NOTHING

    def remaining(self, since: date, until: date) -> Decimal:
        """Give what refunds have left of the rate on each of some days; nothing where there is no day.

        A refund of one month leaves the other months of a term as they were.
        """
        if since >= until:
            return _NOTHING
        taken = [take for take in self.takes if take.since < until and since < take.until]
        days = {since, *(take.since for take in taken if take.since > since)}
        most = (sum((take.rate for take in taken if take.since <= day < take.until), _NOTHING) for day in days)
        return max(_NOTHING, self.rate - max(most))

    def is_undone_by(self, amount: Decimal) -> bool:
        """Say whether an amount is all that was paid, or all of it that did not go back before."""
        return min(abs(amount - self.amount), abs(amount - self.amount + self.given_back)) <= _ROUNDING

    @property
    def covers_until(self) -> date:
        """Day after the last one on which refunds have left anything of the rate; the first day when on none."""
        end = self.until
        if not self.takes:
            return end if self.rate > NEGLIGIBLE else self.since
        for begin in sorted({self.since, *self._edges()}, reverse=True):
            if self.remaining(begin, end) > NEGLIGIBLE:
                return end
            end = begin
        return end

    def _edges(self) -> set[date]:
        edges = {edge for take in self.takes for edge in (take.since, take.until)}
        return {edge for edge in edges if self.since < edge < self.until}


@dataclass(frozen=True)
class Match:
    """What became of a refund.

    Attributes:
        takes: What it takes, from which sale.
        found: Whether there was a sale to take from, though perhaps no day left on it.
        excess: USD a month of it that no sale had to give, when more went back than was paid.
    """

    takes: list[tuple[Recurring, Take]]
    found: bool
    excess: Decimal = _NOTHING


def match_refund(
    refund: Sale, amount: Decimal, sales: Sequence[Recurring], *, goodwill_below: Decimal | None = None
) -> Match:
    """Take a refund from the sales of its licence; what is taken is noted on them.

    The best candidate gives first. When the refund's own monthly rate is more than that sale has left, the difference
    goes to the next one: a base licence and an earlier upgrade of it may be refunded in one row. A sale that has ended
    before the refund has no day left to give, so it counts as having nothing left.

    Args:
        refund: The refund.
        amount: What goes back in USD, as a positive number.
        sales: The recurring sales of the licence.
        goodwill_below: Share of the best candidate's amount; a smaller refund takes nothing, it was kindness.
    """
    candidates = _candidates(refund, sales)
    if not candidates or refund.start is None or refund.end is None or refund.sold is None:
        return Match([], found=False)
    if goodwill_below is not None and amount < goodwill_below * candidates[0].amount:
        return Match([], found=True)
    undoes_one = candidates[0].is_undone_by(amount)
    candidates[0].given_back += amount
    since = max(refund.start, refund.sold)
    months = months_between(refund.start, refund.end)
    left = per_month(amount, months) if months else _NOTHING
    takes: list[tuple[Recurring, Take]] = []
    days_left = False
    for place, recurring in enumerate(candidates):
        until = min(refund.end, recurring.until)
        remaining = recurring.remaining(since, until)
        days_left = days_left or since < until
        # Only the first sale makes up for the days that had passed when the refund was made.
        wanted = per_month(amount, months_between(since, until)) if place == 0 and since < until else left
        if (rate := min(wanted, remaining)) > 0:
            take = Take(refund, since, until, rate)
            recurring.takes.append(take)
            takes.append((recurring, take))
        # A sale that is undone gives back its passed days too, which are no other sale's; else all money is spread.
        left = wanted - rate if place == 0 and not undoes_one and since < until else left - remaining
        if left <= NEGLIGIBLE or left * months <= _ROUNDING:
            return Match(takes, found=True)
    # The days of a sale that have passed may go back too, so only money that was never paid is too much.
    unpaid = sum((each.given_back - each.amount for each in candidates), _NOTHING) > _ROUNDING
    return Match(takes, found=True, excess=left if days_left and unpaid else _NOTHING)


def _candidates(refund: Sale, sales: Sequence[Recurring]) -> list[Recurring]:
    """List the sales that a refund may take from, the best first.

    They cover some day of the refund's and were sold earlier. Strictly earlier: the refund that belongs to an upgrade
    stands in one order with the new bill, which it must not take from.
    """
    if refund.start is None or refund.end is None or refund.sold is None:
        return []
    overlapping = [each for each in sales if _covers_alike(refund, each.sale)]
    earlier = [each for each in overlapping if _sold(each.sale) < refund.sold.toordinal()]
    if not earlier:
        today = refund.sold.toordinal()
        earlier = [each for each in overlapping if each.sale.kind == NEW and _sold(each.sale) == today]
    return sorted(earlier, key=lambda each: _preference(refund, each.sale))


def _preference(refund: Sale, sale: Sale) -> tuple[bool, bool, int, int, str, str]:
    return (
        not _names(refund, sale),
        not same_tier(refund.tier, sale.tier),
        -_overlap(refund, sale),
        -_sold(sale),
        sale.order,
        sale.line,
    )


def _names(refund: Sale, sale: Sale) -> bool:
    """Whether a refund names the order of a sale; old numbers are written with `AT-` and without."""
    return refund.original is not None and refund.original.removeprefix("AT-") == sale.order.removeprefix("AT-")


def _covers_alike(refund: Sale, sale: Sale) -> bool:
    if refund.start is None or refund.end is None or sale.start is None or sale.end is None:
        return False
    return sale.start < refund.end and refund.start < sale.end


def _overlap(refund: Sale, sale: Sale) -> int:
    """Days that both cover."""
    if refund.start is None or refund.end is None or sale.start is None or sale.end is None:
        return 0
    return (min(refund.end, sale.end) - max(refund.start, sale.start)).days


def _sold(sale: Sale) -> int:
    return sale.sold.toordinal() if sale.sold else 0
