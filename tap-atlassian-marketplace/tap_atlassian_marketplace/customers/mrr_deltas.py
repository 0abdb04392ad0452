"""By how much each sale changed MRR, also where several count from one day."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.sales import DOWNGRADE, UPGRADE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.sales import Sale
    from tap_atlassian_marketplace.customers.segments import Segment
    from tap_atlassian_marketplace.customers.timeline import Timeline

_NOTHING = Decimal(0)
_CENT = Decimal("0.01")


def counts_from(sale: Sale) -> date | None:
    """Give the first day on which a sale or refund counts in MRR; None for what never does."""
    if sale.since is None or sale.start is None or sale.sold is None or sale.is_true_up:
        return None
    return max(sale.start, sale.sold) if sale.is_refund else sale.since


def mrr_deltas(
    sales: Sequence[Sale],
    segments: Sequence[Segment],
    timeline: Timeline,
    taken_back: Mapping[str, Sequence[Sale]],
) -> dict[str, Decimal]:
    """Give what each sale changed, in USD a month, net.

    Of one day they come to the change of that day. Each has its own rates and those of the refunds that belong to it;
    what ended on the day makes way for the sales that go on with it.

    Args:
        sales: The sales and refunds in the order of sale, without the refunds that belong to another sale.
        segments: Their rates.
        timeline: The MRR that they come to.
        taken_back: The refunds that belong to a sale, by its key.
    """
    of_day: dict[date, list[Sale]] = {}
    for sale in sales:
        if day := counts_from(sale):
            of_day.setdefault(day, []).append(sale)
    edges: dict[date, list[Segment]] = {}
    for segment in segments:
        for day in (segment.since, segment.until):
            edges.setdefault(day, []).append(segment)
    deltas: dict[str, Decimal] = {}
    for day, together in of_day.items():
        total = timeline.on(day).net - timeline.before(day).net
        if len(together) > 1:
            for sale, change in _apart(day, together, edges.get(day, ()), taken_back):
                deltas[sale.key] = change.quantize(_CENT, ROUND_HALF_UP)
                total -= deltas[sale.key]
        # The last has what is left of all, so that roundings add up.
        last = together[-1].key
        deltas[last] = deltas.get(last, _NOTHING) + total
    return deltas


def _apart(
    day: date, together: Sequence[Sale], segments: Sequence[Segment], taken_back: Mapping[str, Sequence[Sale]]
) -> list[tuple[Sale, Decimal]]:
    ended = sum((each.net for each in segments if each.until == day), _NOTHING)
    begun: dict[str, Decimal] = {}
    for each in segments:
        if each.since == day:
            begun[each.transaction_key] = begun.get(each.transaction_key, _NOTHING) + each.net
    sold = [sale for sale in together if not sale.is_refund]
    going_on = [sale for sale in sold if sale.kind not in {UPGRADE, DOWNGRADE}] or sold
    found = []
    for sale in together:
        keys = (sale.key, *(each.key for each in taken_back.get(sale.key, ())))
        change = sum((begun.get(key, _NOTHING) for key in keys), _NOTHING)
        if sale in going_on:
            makes_way = ended if sale is going_on[-1] else min(ended, max(change, _NOTHING))
            ended -= makes_way
            change -= makes_way
        found.append((sale, change))
    return found
