"""Refunds that are half of a change: the new billing takes the old plan back and bills the new one whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.sales import DOWNGRADE, NEW, UPGRADE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_atlassian_marketplace.customers.sales import Sale

_CHANGES = frozenset({UPGRADE, DOWNGRADE})


def rebills(sales: Sequence[Sale]) -> dict[str, list[Sale]]:
    """Find the refunds that belong to another sale of the same day.

    A refund belongs to the change that was sold on its day and covers some of its days; a renewal (as from annual to
    monthly bills) only when it is of the same order. No refund belongs to two.

    Returns:
        The refunds by the key of the sale that bills anew.
    """
    refunds = [sale for sale in sales if sale.is_refund and sale.is_covering]
    if not refunds:
        return {}
    found: dict[str, list[Sale]] = {}
    for refund in refunds:
        anew = [sale for sale in sales if _bills_anew(sale, refund)]
        if anew:
            mine = [sale for sale in anew if sale.order == refund.order] or anew
            best = min(mine, key=lambda sale: (sale.kind not in _CHANGES, sale.rank))
            found.setdefault(best.key, []).append(refund)
    return found


def _bills_anew(sale: Sale, refund: Sale) -> bool:
    if sale.is_refund or sale.is_true_up or sale.kind == NEW or sale.sold != refund.sold or not sale.gross:
        return False
    if not sale.start or not sale.end or not refund.start or not refund.end:
        return False
    if not (sale.start < refund.end and refund.start < sale.end):
        return False
    return sale.kind in _CHANGES or sale.order == refund.order
