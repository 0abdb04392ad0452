"""Monthly recurring revenue of a licence, from its transactions.

A sale counts as a monthly rate, its amount by the months it covers, on the days that it covers; a refund takes from
the rate of the sale it belongs to. MRR on a day is the sum of the rates of that day. It is computed twice, from
purchase prices (gross) and from vendor amounts (net): Atlassian's share changes, so that movements of net MRR alone
would look like customers who buy more or less.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers import anomalies as odd
from tap_atlassian_marketplace.customers.anomalies import Anomaly
from tap_atlassian_marketplace.customers.matching import Givers, covers_alike, match_refund, names
from tap_atlassian_marketplace.customers.money_tally import MoneyEntry, recurring_part
from tap_atlassian_marketplace.customers.months import months_between
from tap_atlassian_marketplace.customers.oddities import Oddity, negative_sums, odd_fields, overlaps
from tap_atlassian_marketplace.customers.recurring import NEGLIGIBLE, Recurring, disjoint, per_month
from tap_atlassian_marketplace.customers.sales import REFUND
from tap_atlassian_marketplace.customers.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.matching import Match
    from tap_atlassian_marketplace.customers.sales import Sale

_NOTHING = Decimal(0)


@dataclass(frozen=True)
class Revenue:
    """What the sales of one licence come to.

    Attributes:
        segments: Rates on days, by first day; their sum on a day is the MRR of the licence.
        anomalies: What is odd, by id.
        money: Where the purchase price of each row went.
        net_money: Where the vendor amount of each row went.
        recurring: The sales that recur, with what refunds took from them, of purchase prices; of vendor amounts where a
            sale has no other.
    """

    segments: list[Segment]
    anomalies: list[Anomaly]
    money: list[MoneyEntry]
    net_money: list[MoneyEntry]
    recurring: list[Recurring]


def compute_revenue(
    account_id: str, license_id: str, sales: Sequence[Sale], *, ignore_goodwill_below: Decimal | None = None
) -> Revenue:
    """Compute the revenue of one licence.

    The order of the sales does not matter.

    Args:
        account_id: Its account.
        license_id: The licence.
        sales: All of its transaction rows, each key once.
        ignore_goodwill_below: A refund smaller than this share of the sale it belongs to lowers revenue, but not MRR;
            by default there is no such refund.
    """
    in_order = sorted(sales, key=lambda sale: sale.rank)
    gross = _Side(in_order, attrgetter("gross"), ignore_goodwill_below)
    net = _Side(in_order, attrgetter("net"), ignore_goodwill_below, gross.matches)
    for side, other in ((gross, net), (net, gross)):
        side.cut_where(other.pieces)
    for side in (gross, net):
        side.book_refunds()
    segments = _segments(account_id, license_id, gross, net)
    recurring = [*gross.recurring, *(each for each in net.recurring if each.sale.gross is None)]
    recurring.sort(key=lambda each: each.sale.rank)
    oddities = {*gross.oddities, *overlaps(recurring), *negative_sums(segments)}
    oddities.update(oddity for sale in in_order for oddity in odd_fields(sale))
    found = {anomaly.id: anomaly for oddity in net.oddities if (anomaly := _named(oddity, account_id, license_id))}
    # What is odd about both is told of the purchase price.
    found |= {anomaly.id: anomaly for oddity in oddities if (anomaly := _named(oddity, account_id, license_id))}
    anomalies = [found[id_] for id_ in sorted(found)]
    return Revenue(segments, anomalies, gross.money, net.money, recurring)


@dataclass(frozen=True)
class _Piece:
    """A rate on days, of one side."""

    sale: Sale
    target: str
    since: date
    until: date
    rate: Decimal
    is_open: bool


class _Side:
    """The purchase prices of a licence's sales, or their vendor amounts.

    What a customer got back whole he pays no more, whatever share of it Atlassian kept: the prices say it of both.
    """

    def __init__(
        self,
        sales: Sequence[Sale],
        amount_of: Callable[[Sale], Decimal | None],
        goodwill_below: Decimal | None,
        decided: Mapping[str, Match] | None = None,
    ) -> None:
        self.recurring: list[Recurring] = []
        self.pieces: list[_Piece] = []
        self.money: list[MoneyEntry] = []
        self.oddities: list[Oddity] = []
        self.matches: dict[str, Match] = {}  # by key of the refund
        self._decided = decided or {}
        self._goodwill_below = goodwill_below
        self._went_back: list[
            tuple[Sale, Decimal, Decimal]
        ] = []  # refunds, how much it was, and how much of no payment
        self._skipped: list[tuple[Sale, str]] = []  # sales that are no MRR, and where their money went
        refunds = []
        for sale in sales:
            amount = amount_of(sale) or _NOTHING
            if amount < 0:
                refunds.append((sale, -amount))
            else:
                self._take_in(sale, amount)
        self._givers = Givers(self.recurring)
        for refund, amount in refunds:
            self._give_back(refund, amount)

    def cut_where(self, others: Sequence[_Piece]) -> None:
        """Cut the pieces of refunds whose other side begins on the same day and ends on another one.

        Such as a refund of the rest, after one that took a share of Atlassian's alone: each stretch of days is a piece.
        """
        ends: dict[tuple[str, str, date], set[date]] = {}
        edges: dict[tuple[str, str], set[date]] = {}
        for piece in (*self.pieces, *others):
            if piece.target:
                ends.setdefault((piece.sale.key, piece.target, piece.since), set()).add(piece.until)
                edges.setdefault((piece.sale.key, piece.target), set()).update((piece.since, piece.until))
        uneven = {key[:2] for key, days in ends.items() if len(days) > 1}
        if uneven:
            self.pieces = [part for each in self.pieces for part in _parts(each, edges, uneven)]

    def book_refunds(self) -> None:
        """Note where the money of refunds went that took from sales, by the pieces that they made."""
        taken: dict[str, Decimal] = {}
        for piece in self.pieces:
            if piece.target:
                money = piece.rate * months_between(piece.since, piece.until)
                taken[piece.sale.key] = taken.get(piece.sale.key, _NOTHING) + money
        for refund, amount, unpaid in self._went_back:
            counted = recurring_part(-amount, taken.get(refund.key, _NOTHING))
            self._book(refund, -amount, refunded=counted, one_off=-amount - counted, unpaid=unpaid)

    def _take_in(self, sale: Sale, amount: Decimal) -> None:
        if not amount:
            self._book(sale, amount)
        elif sale.kind == REFUND:
            self._quarantine(sale, amount, odd.REFUND_NOT_NEGATIVE)
        elif sale.is_uncollectible:
            self._skip(sale, amount, "uncollectible")
        elif sale.start is None or sale.end is None:
            self._oddity(odd.COVERAGE_MISSING, sale, amount)
            self._skip(sale, amount, "quarantined")
        elif sale.is_true_up or not sale.is_covering:
            self._skip(sale, amount, "one_off")
        else:
            self._recur(sale, amount, sale.start, sale.end)

    def _skip(self, sale: Sale, amount: Decimal, place: str) -> None:
        self._skipped.append((sale, place))
        self._book(sale, amount, **{place: amount})

    def _recur(self, sale: Sale, amount: Decimal, start: date, end: date) -> None:
        since = sale.since or start
        recurring = Recurring(sale, amount, per_month(amount, months_between(start, end)), since, end)
        self.recurring.append(recurring)
        if since < end:
            self.pieces.append(_Piece(sale, "", since, end, recurring.rate, sale.is_open))
        counted = recurring_part(amount, recurring.rate * months_between(since, end))
        self._book(sale, amount, recurring=counted, one_off=amount - counted)

    def _give_back(self, refund: Sale, amount: Decimal) -> None:
        if skipped := self._skipped_one(refund):
            sale, place = skipped
            self._book(refund, -amount, unpaid=-amount if sale.is_open else _NOTHING, **{place: -amount})
            return
        unpaid = self._givers.back_of_open
        decided = self._decided.get(refund.key)
        match = match_refund(refund, amount, self._givers, goodwill_below=self._goodwill_below, decided=decided)
        if not match.found:
            self._quarantine(refund, -amount, odd.UNMATCHED_REFUND)
            return
        self.matches[refund.key] = match
        for recurring, take in disjoint(match.takes):
            # What goes back of an invoice that nobody paid yet is no paid money either.
            is_open = recurring.sale.is_open
            self.pieces.append(_Piece(refund, recurring.sale.key, take.since, take.until, -take.rate, is_open))
        if match.excess > NEGLIGIBLE:
            self._oddity(odd.REFUND_EXCEEDS_SALES, refund, match.excess)
        self._went_back.append((refund, amount, unpaid - self._givers.back_of_open))

    def _skipped_one(self, refund: Sale) -> tuple[Sale, str] | None:
        """Give the sale that a refund names, if that is no MRR, and where its money went: there it goes back."""
        skipped = next((each for each in self._skipped if names(refund, each[0])), None)
        if any(names(refund, each.sale) and covers_alike(refund, each.sale) for each in self.recurring if skipped):
            return None
        return skipped

    def _quarantine(self, sale: Sale, amount: Decimal, reason: str) -> None:
        self._oddity(reason, sale, amount)
        self._book(sale, amount, quarantined=amount)

    def _oddity(self, reason: str, sale: Sale, amount: Decimal) -> None:
        self.oddities.append(Oddity(reason, sale.key, since=sale.start, until=sale.end, amount=amount))

    def _book(self, sale: Sale, amount: Decimal, **places: Decimal) -> None:
        if sale.is_open and amount > 0:
            places["unpaid"] = amount
        self.money.append(MoneyEntry(sale.key, sale.kind, amount, **places))


def _parts(piece: _Piece, edges: Mapping[tuple[str, str], set[date]], uneven: set[tuple[str, str]]) -> list[_Piece]:
    key = (piece.sale.key, piece.target)
    if key not in uneven:
        return [piece]
    days = sorted(day for day in edges[key] if piece.since <= day <= piece.until)
    return [replace(piece, since=since, until=until) for since, until in pairwise(days)]


def _segments(account_id: str, license_id: str, gross: _Side, net: _Side) -> list[Segment]:
    """Put the pieces of both sides into one segment each, with 0 where one side has none."""
    pieces: dict[tuple[str, str, date], _Piece] = {}
    rates: dict[tuple[str, str, date], list[Decimal]] = {}
    for number, side in enumerate((gross, net)):
        for piece in side.pieces:
            key = (piece.sale.key, piece.target, piece.since)
            pieces[key] = piece
            rates.setdefault(key, [_NOTHING, _NOTHING])[number] = piece.rate
    segments = [
        Segment(
            account_id,
            license_id,
            transaction_key=piece.sale.key,
            target_transaction_key=piece.target,
            since=piece.since,
            until=piece.until,
            gross=rates[key][0],
            net=rates[key][1],
            kind=REFUND if piece.target else piece.sale.kind,
            is_open=piece.is_open,
        )
        for key, piece in pieces.items()
    ]
    return sorted(segments, key=lambda each: (each.since, each.transaction_key, each.target_transaction_key))


def _named(oddity: Oddity, account_id: str, license_id: str) -> Anomaly:
    return Anomaly(oddity.reason, account_id, license_id, *oddity[1:])
