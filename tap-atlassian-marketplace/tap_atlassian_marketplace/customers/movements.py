"""How the MRR of a licence moved: more, less, gone, back."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.bill_edges import BillEdges

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.sales import Sale
    from tap_atlassian_marketplace.customers.timeline import Timeline

NEW, EXPANSION, CONTRACTION, BILLING_CHANGE = "new", "expansion", "contraction", "billing_change"
CHURN, REACTIVATION = "churn", "reactivation"
_NOTHING = Decimal(0)


@dataclass(frozen=True)
class Movement:
    """A change of MRR on a day, in gross USD a month: when Atlassian's share changes, no customer has moved.

    A bill of more in a longer month is an expansion, though its rate may be less.
    """

    day: date
    kind: str
    before: Decimal
    after: Decimal


@dataclass(frozen=True)
class PeriodChange:
    """A sale that is billed by another period than the one before; days of the sale and of its effect."""

    sold: date
    day: date
    before: str
    after: str


def movements(timeline: Timeline, sales: Sequence[Sale], terms: Sequence[tuple[Sale, str]]) -> list[Movement]:
    """List the changes, by day.

    The months of a bill that begins on a day 29 to 31 are not of one length, and its rate goes up and down with them;
    a bill of a few days is rounded to cents, which are more in a month. Nobody has moved by that.

    Args:
        timeline: MRR of a licence.
        sales: Its sales.
        terms: Those that bill a term, see `billed_terms`.
    """
    changed = {change.day for change in period_changes(terms)}
    bills = BillEdges(sales, terms)
    found: list[Movement] = []
    before = None
    for day, total in timeline.steps():
        after = total.gross
        if before and after:
            if change := bills.change(day, before, after):
                more = EXPANSION if change > 0 else CONTRACTION
                found.append(Movement(day, BILLING_CHANGE if day in changed else more, before, after))
        elif before:
            found.append(Movement(day, CHURN, before, after))
        elif after:
            found.append(Movement(day, NEW if before is None else REACTIVATION, _NOTHING, after))
        if after or before is not None:
            before = after
    return found


def period_changes(terms: Sequence[tuple[Sale, str]]) -> list[PeriodChange]:
    """List the changes between monthly and annual bills, in the order in which they count; see `billed_terms`."""
    return [
        PeriodChange(sale.sold or sale.since, sale.since, before, after)
        for (_, before), (sale, after) in pairwise(terms)
        if sale.since and before != after
    ]
