"""Which sale a refund takes from, and how much of its monthly rate on which days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tap_atlassian_marketplace.customers.months import months_between
from tap_atlassian_marketplace.customers.recurring import NEGLIGIBLE, ROUNDING, Take, per_month
from tap_atlassian_marketplace.customers.sales import NEW, order_number
from tap_atlassian_marketplace.customers.tiers import same_tier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.recurring import Recurring
    from tap_atlassian_marketplace.customers.sales import Sale

_NOTHING = Decimal(0)


@dataclass(frozen=True)
class Match:
    """What became of a refund.

    Attributes:
        takes: What it takes, from which sale.
        found: Whether there was a sale to take from, though perhaps no day left on it.
        excess: USD a month of it that no sale had to give, when more went back than was paid.
        ended: Keys of the sales that it ends whole, since all that was paid for its days has gone back.
        ignored: Whether it was kindness that takes nothing.
    """

    takes: list[tuple[Recurring, Take]]
    found: bool
    excess: Decimal = _NOTHING
    ended: frozenset[str] = frozenset()
    ignored: bool = False


class Givers:
    """The recurring sales of a licence, of which its refunds take in the order in which they were made.

    Licences with thousands of refunds are few, but each refund need not look at all that earlier ones have used up.

    Attributes:
        back_of_open: USD that went back of sales that nobody has paid yet.
    """

    def __init__(self, sales: Sequence[Recurring]) -> None:
        self.back_of_open = _NOTHING
        self._coming = sorted(sales, key=lambda each: each.sale.rank, reverse=True)
        self._able: list[Recurring] = []
        self._spent: list[Recurring] = []
        self._owing: list[Recurring] = []  # of those, the ones of which some money was kept
        self._by_order: dict[str, list[Recurring]] = {}  # of those, by the number of the order

    def begin(self, refund: Sale) -> None:
        """Take in what was sold until a refund, and set aside what has nothing left: later ones find nothing either."""
        today = _sold(refund)
        while self._coming and _sold(self._coming[-1].sale) <= today:
            self._able.append(self._coming.pop())
        for each in [each for each in self._able if each.spent_from and each.spent_from.toordinal() <= today]:
            self._able.remove(each)
            self._spent.append(each)
            self._by_order.setdefault(order_number(each.sale.order), []).append(each)
            if each.given_back < each.amount:
                self._owing.append(each)

    def candidates(self, refund: Sale) -> list[Recurring]:
        """List the sales that a refund may take from, the best first.

        They cover some day of the refund's and were sold earlier; only when there is none, on its day and as the first.
        A sale of its day that it names counts before all: the second change of a day takes back the first.
        Where nothing is left there is nothing to take; such a sale counts when it is named, or when there is no other.
        """
        named = self._by_order.get(order_number(refund.original), []) if refund.original else []
        found = _named_of_day(refund, self._able)
        found = found or _earlier(refund, [*self._able, *named]) or _earlier(refund, self._spent)
        found = found or _first_of_day(refund, self._able)
        return sorted(found, key=lambda each: _preference(refund, each.sale))

    def allot(self, amount: Decimal, sales: Sequence[Recurring]) -> Decimal:
        """Note on sales, the best first, what goes back of their amounts; give what is more than all of them."""
        for each in sales:
            if not amount:
                break
            part = min(amount, each.amount - each.given_back)
            each.given_back += part
            self.back_of_open += part if each.sale.is_open else _NOTHING
            amount -= part
        return amount

    def owing(self, refund: Sale) -> list[Recurring]:
        """List the sales of the refund's days that have no day left to give, but of which not all has gone back."""
        return _earlier(refund, self._owing)


def match_refund(
    refund: Sale,
    amount: Decimal,
    givers: Givers,
    *,
    goodwill_below: Decimal | None = None,
    decided: Match | None = None,
) -> Match:
    """Take a refund from the sales of its licence; what is taken is noted on them.

    When all has gone back that was paid for terms within the days that the refund names, or for the rest of all terms
    until then, nothing is left of them. Else the best candidate gives first. When the refund's own monthly rate is more
    than that sale has left, the difference goes to the next one: a base licence and an earlier upgrade of it may be
    refunded in one row. A sale that has ended before the refund has no day left to give, so it counts as having nothing
    left. A refund of the rest of a sale takes all that is left of its rate, whether it was reckoned by months or by
    days.

    Args:
        refund: The refund.
        amount: What goes back in USD, as a positive number.
        givers: The recurring sales of the licence.
        goodwill_below: Share of the best candidate's amount; a smaller refund takes nothing, it was kindness, unless
            all that is left goes back: then somebody has left, or changed late in his term.
        decided: What became of the same refund's purchase price, which says for both what ends whole and what was
            kindness.
    """
    givers.begin(refund)
    candidates = givers.candidates(refund)
    if not candidates or refund.start is None or refund.end is None or refund.sold is None:
        return Match([], found=False)
    share = _share_out(amount, refund, candidates, givers)
    small = (goodwill_below or _NOTHING) * candidates[0].amount
    if decided.ignored if decided else amount < small and not _ends_sales(refund, amount, candidates, share):
        return Match([], found=True, ignored=True)
    since = max(refund.start, refund.sold)
    months = months_between(refund.start, refund.end)
    left = per_month(amount, months) if months else _NOTHING
    if decided:
        ended = decided.ended
    else:
        ended = frozenset(each.sale.key for each in share.whole or _whole_rest(refund, amount, candidates))
    if whole := [each for each in dict.fromkeys([*candidates, *share.whole]) if each.sale.key in ended]:
        return _take_all(refund, since, whole, left, share)
    takes: list[tuple[Recurring, Take]] = []
    days_left = False
    short = _NOTHING  # USD by which the sales that it takes whole may be worth less than their months
    for place, recurring in enumerate(candidates):
        until = min(refund.end, recurring.until)
        window, remaining = months_between(since, until), recurring.remaining(since, until)
        days_left = days_left or since < until
        # Only the first sale makes up for the days that had passed when the refund was made.
        wanted = per_month(amount, window) if place == 0 and window else left
        rate, left = min(wanted, remaining), left - remaining
        if remaining and refund.end >= recurring.until:
            rest, money = recurring.rest(since), wanted * window
            if rest.is_all_in(money + short):
                rate, left = remaining, _NOTHING if money <= rest.most + ROUNDING else left
                short += rest.by_months - rest.least
        if rate > 0:
            takes += _note(Take(refund, since, until, rate), recurring, candidates)
        if left <= NEGLIGIBLE or left * months <= ROUNDING:
            return Match(takes, found=True)
    is_excess = days_left and _is_too_much(refund, share, takes)
    return Match(takes, found=True, excess=left if is_excess else _NOTHING)


class _Share(NamedTuple):
    """Whose money a refund is.

    Attributes:
        whole: The sales within the days that the refund names, when all has gone back that was paid for them, and the
            refund is of no other; else none.
        unpaid: USD that nobody ever paid.
    """

    whole: list[Recurring]
    unpaid: Decimal


def _share_out(amount: Decimal, refund: Sale, candidates: Sequence[Recurring], givers: Givers) -> _Share:
    """Note on sales what goes back of their money."""
    within = _within(refund, candidates) if _is_within(candidates[0].sale, refund) else []
    more = givers.allot(amount, within)
    if within and _kept(within) <= ROUNDING:
        within += (others := _within(refund, givers.owing(refund)))
        more = givers.allot(more, others)
    unpaid = givers.allot(more, candidates)
    if unpaid:
        unpaid = givers.allot(unpaid, givers.owing(refund))
    is_whole = bool(within) and _kept(within) <= ROUNDING and more - unpaid <= ROUNDING
    return _Share(within if is_whole else [], unpaid)


def _whole_rest(refund: Sale, amount: Decimal, candidates: Sequence[Recurring]) -> Sequence[Recurring]:
    """Give the candidates when all that is left of them goes back, in a refund of the days that are yet to come."""
    if refund.start is None or refund.end is None or refund.sold is None or refund.start < refund.sold:
        return []
    if any(each.until > refund.end for each in candidates):
        return []
    left = sum((each.rest(refund.start).least for each in candidates), _NOTHING)
    return candidates if amount >= left - ROUNDING else []


def _ends_sales(refund: Sale, amount: Decimal, candidates: Sequence[Recurring], share: _Share) -> bool:
    """Say whether all that was paid for some sales goes back, or all that is left of the first, or of all."""
    if share.whole:
        return True
    if refund.start is None or refund.end is None or refund.sold is None or refund.start < refund.sold:
        return False
    rest = candidates[0].rest(refund.start)
    is_of_first = rest.is_all_in(amount) and amount <= rest.most + ROUNDING and refund.end >= candidates[0].until
    return is_of_first or bool(_whole_rest(refund, amount, candidates))


def _within(refund: Sale, sales: Sequence[Recurring]) -> list[Recurring]:
    return [each for each in sales if _is_within(each.sale, refund)]


def _kept(sales: Sequence[Recurring]) -> Decimal:
    """Give what has not gone back of the amounts of sales, in USD."""
    return sum((each.amount - each.given_back for each in sales), _NOTHING)


def _is_too_much(refund: Sale, share: _Share, takes: Sequence[tuple[Recurring, Take]]) -> bool:
    """Say whether what a refund did not take is more than sales had to give.

    The days of a sale that have passed may go back too, so only money that was never paid is too much. Of days that are
    yet to come it is, too, when there was nothing to take on them.
    """
    if refund.start is None or refund.sold is None:
        return False
    return share.unpaid > ROUNDING or (not takes and refund.start >= refund.sold)


def _take_all(refund: Sale, since: date, sales: Sequence[Recurring], left: Decimal, share: _Share) -> Match:
    """Take all that is left of sales from a day on; what is left there is no excess."""
    takes = [(each, Take(refund, *days)) for each in sales for days in each.left(since) if days[-1] > 0]
    had = sum((each.rest(since).by_months for each in sales), _NOTHING)
    for recurring, take in takes:
        recurring.give(take)
    last = max(each.until for each in sales)
    excess = _NOTHING
    if since < last and _is_too_much(refund, share, takes):
        excess = left - per_month(had, months_between(since, last))
    return Match(takes, found=True, excess=excess, ended=frozenset(each.sale.key for each in sales))


def _note(take: Take, recurring: Recurring, candidates: Sequence[Recurring]) -> list[tuple[Recurring, Take]]:
    """Note a take on its sale, and on the sale of the days before when the sale is a term that is yet to begin then.

    A term and its renewal, paid ahead, may be refunded in one row.
    """
    noted = []
    while True:
        begin = recurring.since
        before = next((each for each in candidates if take.since < begin and each.since < begin <= each.until), None)
        has = before.remaining(take.since, begin) if before else _NOTHING
        if before is None or has <= NEGLIGIBLE:
            break
        noted.append((recurring, replace(take, since=begin)))
        take, recurring = replace(take, until=begin, rate=min(take.rate, has)), before
    noted.append((recurring, take))
    for each, part in noted:
        each.give(part)
    return noted


def _earlier(refund: Sale, sales: Sequence[Recurring]) -> list[Recurring]:
    """List the sales that have a day in common with a refund and were sold before it.

    Strictly before: the refund that belongs to an upgrade stands in one order with the new bill, which it must not take
    from.
    """
    return [each for each in sales if _sold(each.sale) < _sold(refund) and covers_alike(refund, each.sale)]


def _named_of_day(refund: Sale, sales: Sequence[Recurring]) -> list[Recurring]:
    """List the sales of another order of a refund's day that it names and with which it has a day in common."""
    if refund.original is None or order_number(refund.original) == order_number(refund.order):
        return []
    mine = [each for each in sales if names(refund, each.sale) and _sold(each.sale) == _sold(refund)]
    return [each for each in mine if covers_alike(refund, each.sale)]


def _first_of_day(refund: Sale, sales: Sequence[Recurring]) -> list[Recurring]:
    """List the first sales that have a day in common with a refund and were sold on its day."""
    mine = [each for each in sales if each.sale.kind == NEW and _sold(each.sale) == _sold(refund)]
    return [each for each in mine if covers_alike(refund, each.sale)]


def _preference(refund: Sale, sale: Sale) -> tuple[bool, bool, int, int, bool, str, str]:
    return (
        not names(refund, sale),
        not same_tier(refund.tier, sale.tier),
        -_overlap(refund, sale),
        -_sold(sale),
        (sale.gross or _NOTHING) + (refund.gross or _NOTHING) != 0,
        sale.order,
        sale.line,
    )


def names(refund: Sale, sale: Sale) -> bool:
    """Say whether a refund names the order of a sale; old numbers are written with `AT-` and without."""
    return refund.original is not None and order_number(refund.original) == order_number(sale.order)


def covers_alike(refund: Sale, sale: Sale) -> bool:
    """Say whether a refund and a sale have a day in common."""
    if refund.start is None or refund.end is None or sale.start is None or sale.end is None:
        return False
    return sale.start < refund.end and refund.start < sale.end


def _is_within(sale: Sale, refund: Sale) -> bool:
    """Say whether a refund names all days of a sale."""
    if refund.start is None or refund.end is None or sale.start is None or sale.end is None:
        return False
    return refund.start <= sale.start and sale.end <= refund.end


def _overlap(refund: Sale, sale: Sale) -> int:
    """Days that both cover."""
    if refund.start is None or refund.end is None or sale.start is None or sale.end is None:
        return 0
    return (min(refund.end, sale.end) - max(refund.start, sale.start)).days


def _sold(sale: Sale) -> int:
    return sale.sold.toordinal() if sale.sold else 0
