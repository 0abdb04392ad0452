"""Transactions: sales, renewals, changes and refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.identity import identity
from tap_atlassian_marketplace.row_kinds import TRANSACTIONS
from tap_atlassian_marketplace.streams.base import MarketplaceStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_atlassian_marketplace.customers.identity import HasFields
    from tap_atlassian_marketplace.merging import Row
    from tap_atlassian_marketplace.reports import Reports


class Transactions(MarketplaceStream):
    """Sales of the vendor's apps as the Marketplace sends them, with the ids of their licence."""

    name = "transactions"
    primary_keys = ("transactionId", "transactionLineItemId")
    report = TRANSACTIONS
    added_fields = ("account_id", "aliases")

    def rows(self, reports: Reports, read: Callable[[bytes], Any]) -> Iterable[Any]:
        """Give the transactions that the filters let through."""
        return reports.transactions(read)

    def added(self, row: HasFields) -> Row:
        """Give the ids of the transaction's licence; a sale without any has no account."""
        _, account_id, aliases = identity(row)
        return {"account_id": account_id, "aliases": aliases}
