"""Monthly recurring revenue of a licence, from its transactions.

A sale counts as a monthly rate, its amount by the months it covers, on the days that it covers; a refund takes from
the rate of the sale it belongs to. MRR on a day is the sum of the rates of that day. It is computed twice, from
purchase prices (gross) and from vendor amounts (net): Atlassian's share changes, so that movements of net MRR alone
would look like customers who buy more or less.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers import anomalies as odd
from tap_atlassian_marketplace.customers.anomalies import Anomaly
from tap_atlassian_marketplace.customers.matching import NEGLIGIBLE, Recurring, match_refund, per_month
from tap_atlassian_marketplace.customers.money_tally import MoneyEntry, recurring_part
from tap_atlassian_marketplace.customers.months import months_between
from tap_atlassian_marketplace.customers.oddities import Oddity, negative_sums, odd_fields, overlaps
from tap_atlassian_marketplace.customers.sales import REFUND
from tap_atlassian_marketplace.customers.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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
        recurring: The sales that recur, with what refunds took from them, of purchase prices.
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
    net = _Side(in_order, attrgetter("net"), ignore_goodwill_below)
    segments = _segments(account_id, license_id, gross, net)
    oddities = {*gross.oddities, *overlaps(gross.recurring), *negative_sums(segments)}
    oddities.update(oddity for sale in in_order for oddity in odd_fields(sale))
    found = {anomaly.id: anomaly for oddity in net.oddities if (anomaly := _named(oddity, account_id, license_id))}
    # What is odd about both is told of the purchase price.
    found |= {anomaly.id: anomaly for oddity in oddities if (anomaly := _named(oddity, account_id, license_id))}
    anomalies = [found[id_] for id_ in sorted(found)]
    return Revenue(segments, anomalies, gross.money, net.money, gross.recurring)


@dataclass(frozen=True)
class _Piece:
    """A rate on days, of one side."""

    sale: Sale
    target: str
    since: date
    until: date
    rate: Decimal


class _Side:
    """The purchase prices of a licence's sales, or their vendor amounts."""

    def __init__(
        self, sales: Sequence[Sale], amount_of: Callable[[Sale], Decimal | None], goodwill_below: Decimal | None
    ) -> None:
        self.recurring: list[Recurring] = []
        self.pieces: list[_Piece] = []
        self.money: list[MoneyEntry] = []
        self.oddities: list[Oddity] = []
        self._goodwill_below = goodwill_below
        refunds = []
        for sale in sales:
            amount = amount_of(sale) or _NOTHING
            if amount < 0:
                refunds.append((sale, -amount))
            else:
                self._take_in(sale, amount)
        for refund, amount in refunds:
            self._give_back(refund, amount)

    def _take_in(self, sale: Sale, amount: Decimal) -> None:
        if not amount:
            self._book(sale, amount)
        elif sale.kind == REFUND:
            self._quarantine(sale, amount, odd.REFUND_NOT_NEGATIVE)
        elif sale.is_uncollectible:
            self._book(sale, amount, uncollectible=amount)
        elif sale.start is None or sale.end is None:
            self._quarantine(sale, amount, odd.COVERAGE_MISSING)
        elif sale.is_true_up or not sale.is_covering:
            self._book(sale, amount, one_off=amount)
        else:
            self._recur(sale, amount, sale.start, sale.end)

    def _recur(self, sale: Sale, amount: Decimal, start: date, end: date) -> None:
        since = sale.since or start
        recurring = Recurring(sale, amount, per_month(amount, months_between(start, end)), since, end)
        self.recurring.append(recurring)
        if since < end:
            self.pieces.append(_Piece(sale, "", since, end, recurring.rate))
        counted = recurring_part(amount, recurring.rate * months_between(since, end))
        self._book(sale, amount, recurring=counted, one_off=amount - counted)

    def _give_back(self, refund: Sale, amount: Decimal) -> None:
        match = match_refund(refund, amount, self.recurring, goodwill_below=self._goodwill_below)
        if not match.found:
            self._quarantine(refund, -amount, odd.UNMATCHED_REFUND)
            return
        for recurring, take in match.takes:
            self.pieces.append(_Piece(refund, recurring.sale.key, take.since, take.until, -take.rate))
        if match.excess > NEGLIGIBLE:
            self._oddity(odd.REFUND_EXCEEDS_SALES, refund, match.excess)
        counted = recurring_part(-amount, -_taken(match))
        self._book(refund, -amount, refunded=counted, one_off=-amount - counted)

    def _quarantine(self, sale: Sale, amount: Decimal, reason: str) -> None:
        self._oddity(reason, sale, amount)
        self._book(sale, amount, quarantined=amount)

    def _oddity(self, reason: str, sale: Sale, amount: Decimal) -> None:
        self.oddities.append(Oddity(reason, sale.key, since=sale.start, until=sale.end, amount=amount))

    def _book(self, sale: Sale, amount: Decimal, **places: Decimal) -> None:
        self.money.append(MoneyEntry(sale.key, sale.kind, amount, **places))


def _taken(match: Match) -> Decimal:
    return sum((take.rate * months_between(take.since, take.until) for _, take in match.takes), _NOTHING)


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
            is_open=piece.sale.is_open,
        )
        for key, piece in pieces.items()
    ]
    return sorted(segments, key=lambda each: (each.since, each.transaction_key, each.target_transaction_key))


def _named(oddity: Oddity, account_id: str, license_id: str) -> Anomaly:
    return Anomaly(oddity.reason, account_id, license_id, *oddity[1:])
