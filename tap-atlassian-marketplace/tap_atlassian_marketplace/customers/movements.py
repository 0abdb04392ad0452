"""How the MRR of a licence moved: more, less, gone, back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.coverage import billing_period

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tap_atlassian_marketplace.customers.sales import Sale
    from tap_atlassian_marketplace.customers.timeline import Timeline

NEW, EXPANSION, CONTRACTION, BILLING_CHANGE = "new", "expansion", "contraction", "billing_change"
CHURN, REACTIVATION = "churn", "reactivation"


@dataclass(frozen=True)
class Movement:
    """A change of MRR on a day, in gross USD a month: when Atlassian's share changes, no customer has moved."""

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


def movements(timeline: Timeline, sales: Sequence[Sale]) -> list[Movement]:
    """List the changes of a cent or more, by day."""
    changed = {change.day for change in period_changes(sales)}
    found: list[Movement] = []
    before = None
    for day, total in timeline.steps():
        if total.gross != (before or 0):
            kind = _kind(before, total.gross, is_period=day in changed)
            found.append(Movement(day, kind, before or total.gross * 0, total.gross))
            before = total.gross
    return found


def period_changes(sales: Sequence[Sale]) -> list[PeriodChange]:
    """List the changes between monthly and annual bills, in the order in which they count."""
    terms = [
        (sale.since, sale.rank, sale)
        for sale in sales
        if sale.since and not sale.is_refund and not sale.is_true_up and sale.is_covering
    ]
    return [
        PeriodChange(later.sold or since, since, billing_period(earlier), billing_period(later))
        for (_, _, earlier), (since, _, later) in pairwise(sorted(terms, key=itemgetter(0, 1)))
        if billing_period(earlier) != billing_period(later)
    ]


def _kind(before: Decimal | None, after: Decimal, *, is_period: bool) -> str:
    if not after:
        return CHURN
    if not before:
        return NEW if before is None else REACTIVATION
    if is_period:
        return BILLING_CHANGE
    return EXPANSION if after > before else CONTRACTION
