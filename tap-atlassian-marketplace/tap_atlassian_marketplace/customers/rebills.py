"""Refunds that are half of a change: the new billing takes the old plan back and bills the new one whole."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.recurring import NEGLIGIBLE
from tap_atlassian_marketplace.customers.sales import DOWNGRADE, NEW, UPGRADE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.sales import Sale
    from tap_atlassian_marketplace.customers.segments import Segment

_CHANGES = frozenset({UPGRADE, DOWNGRADE})


def rebills(sales: Sequence[Sale], segments: Sequence[Segment]) -> dict[str, list[Sale]]:
    """Find the refunds that belong to another sale of the same day.

    A refund belongs to the change that was sold on its day and covers some of its days; a renewal (as from annual to
    monthly bills) only when it is of the same order, and a change of another order only when the refund leaves nothing
    of what it takes from: goodwill may fall on the day of an upgrade. No refund belongs to two.

    Args:
        sales: The sales and refunds of a licence.
        segments: What they come to.

    Returns:
        The refunds by the key of the sale that bills anew.
    """
    refunds = [sale for sale in sales if sale.is_refund and sale.is_covering]
    if not refunds:
        return {}
    days = {refund.sold for refund in refunds}
    of_day: dict[date | None, list[Sale]] = {}
    for sale in sales:
        if sale.sold in days:
            of_day.setdefault(sale.sold, []).append(sale)
    ends = _ending(segments)
    found: dict[str, list[Sale]] = {}
    for refund in refunds:
        anew = [sale for sale in of_day[refund.sold] if _bills_anew(sale, refund)]
        mine = [sale for sale in anew if sale.order == refund.order] or (anew if refund.key in ends else [])
        if mine:
            best = min(mine, key=lambda sale: (sale.kind not in _CHANGES, sale.rank))
            found.setdefault(best.key, []).append(refund)
    return found


def _ending(segments: Sequence[Segment]) -> set[str]:
    """Give the keys of the refunds that leave nothing of a sale from their first day on."""
    refunds = [each for each in segments if each.target_transaction_key]
    about: dict[str, list[Segment]] = {each.target_transaction_key: [] for each in refunds}
    for each in segments:
        target = each.target_transaction_key or each.transaction_key
        if target in about:
            about[target].append(each)
    return {
        each.transaction_key for each in refunds if _left(about[each.target_transaction_key], each.since) <= NEGLIGIBLE
    }


def _left(segments: Sequence[Segment], day: date) -> Decimal:
    """Give the rate that is left of a sale on a day: of its price, or of the net amount where no price is told."""
    active = [each for each in segments if each.since <= day < each.until]
    if any(each.gross for each in active):
        return sum((each.gross for each in active), Decimal(0))
    return sum((each.net for each in active), Decimal(0))


def _bills_anew(sale: Sale, refund: Sale) -> bool:
    """Say whether a sale of the day of a refund bills anew what that takes back."""
    if sale.is_refund or sale.is_true_up or sale.kind == NEW or not sale.price:
        return False
    if not sale.start or not sale.end or not refund.start or not refund.end:
        return False
    if not (sale.start < refund.end and refund.start < sale.end):
        return False
    return sale.kind in _CHANGES or sale.order == refund.order
