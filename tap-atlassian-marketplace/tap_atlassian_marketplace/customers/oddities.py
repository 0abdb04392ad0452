"""Find what is odd about single sales, and about sales side by side."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tap_atlassian_marketplace.customers import anomalies as odd
from tap_atlassian_marketplace.customers.fields import day, obj, text
from tap_atlassian_marketplace.customers.recurring import NEGLIGIBLE
from tap_atlassian_marketplace.customers.sales import KINDS, NEW, OTHER, RENEWAL
from tap_atlassian_marketplace.customers.segments import steps
from tap_atlassian_marketplace.customers.tiers import is_unknown_tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_atlassian_marketplace.customers.recurring import Recurring
    from tap_atlassian_marketplace.customers.sales import Sale
    from tap_atlassian_marketplace.customers.segments import Segment

_TOLERATED = timedelta(days=1)


class Oddity(NamedTuple):
    """An anomaly of a licence that is yet to be named; the fields mean the same as there."""

    reason: str
    transaction_key: str = ""
    other_transaction_key: str = ""
    since: date | None = None
    until: date | None = None
    amount: Decimal | None = None


def odd_fields(sale: Sale) -> Iterator[Oddity]:
    """Give what a sale says in no known form, or does not say at all."""
    details = obj(sale.row, "purchaseDetails")
    kind = text(details.get("saleType"))
    found = (
        (odd.AMOUNT_MISSING, sale.gross is None or sale.net is None),
        (odd.SALE_DATE_MISSING, day(details.get("saleDate")) is None),
        (odd.UNKNOWN_SALE_TYPE, kind is not None and kind.lower() not in KINDS),
        (odd.UNKNOWN_TIER, is_unknown_tier(sale.tier)),
    )
    return (Oddity(reason, sale.key, since=sale.start, until=sale.end) for reason, is_so in found if is_so)


def overlaps(recurring: Sequence[Recurring]) -> Iterator[Oddity]:
    """Give the sales of a term of which an earlier one covers more than one day too, none of it refunded.

    They are new sales, renewals, and sales without a type: an invoice by hand may bill once more what has been paid.
    Each is told once, with the earlier one that reaches furthest.
    """
    terms = [each for each in recurring if each.sale.kind in {NEW, RENEWAL, OTHER}]
    running: list[Recurring] = []
    ends: list[date] = []  # of those, in their order
    for later in sorted(terms, key=lambda each: (each.since, each.sale.rank)):
        if later.until - later.since <= _TOLERATED:
            continue
        first_back = min((take.since for take in later.takes), default=date.max)
        for place in range(bisect_right(ends, first_back) - 1, -1, -1):
            if ends[place] - later.since <= _TOLERATED:
                break
            earlier = running[place]
            until = min(earlier.until, later.until)
            if not _is_refunded((earlier, later), later.since, until):
                rate = min(earlier.rate, later.rate)
                yield Oddity(odd.OVERLAP, earlier.sale.key, later.sale.key, later.since, until, rate)
                break
        end = _end_of_unrefunded(later)
        place = bisect_right(ends, end)
        running.insert(place, later)
        ends.insert(place, end)


def _is_refunded(pair: Iterable[Recurring], since: date, until: date) -> bool:
    return any(take.since < until and since < take.until for each in pair for take in each.takes)


def _end_of_unrefunded(recurring: Recurring) -> date:
    """Give the day from which all days of a sale are refunded in part or whole; the day after its last without any."""
    until = recurring.until
    return min((take.since for take in recurring.takes if take.until >= until), default=until)


def negative_sums(segments: Sequence[Segment]) -> Iterator[Oddity]:
    """Give the stretches of days on which the refunds are more than the sales."""
    first: date | None = None
    lowest = Decimal(0)
    for day_, total in steps(segments):
        least = min(total.gross, total.net)
        if least < -NEGLIGIBLE:
            first, lowest = first or day_, min(lowest, least)
        elif first:
            yield Oddity(odd.NEGATIVE_MRR, since=first, until=day_, amount=lowest)
            first, lowest = None, Decimal(0)
