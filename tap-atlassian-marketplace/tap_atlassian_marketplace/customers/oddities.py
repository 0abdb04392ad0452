"""Find what is odd about single sales, and about sales side by side."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tap_atlassian_marketplace.customers import anomalies as odd
from tap_atlassian_marketplace.customers.fields import day, obj, text
from tap_atlassian_marketplace.customers.matching import NEGLIGIBLE
from tap_atlassian_marketplace.customers.sales import KINDS, NEW, RENEWAL
from tap_atlassian_marketplace.customers.segments import steps
from tap_atlassian_marketplace.customers.tiers import is_unknown_tier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.matching import Recurring
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
    """Give the pairs of new sales and renewals that cover more than one day twice, none of it refunded."""
    terms = [each for each in recurring if each.sale.kind in {NEW, RENEWAL}]
    running: list[Recurring] = []
    for later in sorted(terms, key=lambda each: (each.since, each.sale.rank)):
        running = [each for each in running if each.until - later.since > _TOLERATED]
        for earlier in running:
            until = min(earlier.until, later.until)
            refunded = any(
                take.since < until and later.since < take.until for each in (earlier, later) for take in each.takes
            )
            if until - later.since > _TOLERATED and not refunded:
                rate = min(earlier.rate, later.rate)
                yield Oddity(odd.OVERLAP, earlier.sale.key, later.sale.key, later.since, until, rate)
        running.append(later)


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
