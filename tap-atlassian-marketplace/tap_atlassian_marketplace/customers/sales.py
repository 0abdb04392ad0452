"""A transaction row as revenue sees it: what was sold, for how much, and which days it covers."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.fields import day, money, obj, objects, text
from tap_atlassian_marketplace.customers.identity import transaction_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

NEW, RENEWAL, UPGRADE, DOWNGRADE, REFUND = "new", "renewal", "upgrade", "downgrade", "refund"
OTHER = "other"
"""A sale without a type, as on invoices written by hand, or with one that is not known."""

KINDS = frozenset({NEW, RENEWAL, UPGRADE, DOWNGRADE, REFUND})
_NOTHING = Decimal(0)


@dataclass(eq=False)
class Sale:
    """One row of a transaction.

    Attributes:
        key: `transactionId|transactionLineItemId`.
        order: Number of the order or invoice; one can hold several rows.
        line: Line of it.
        kind: `new`, `renewal`, `upgrade`, `downgrade`, `refund` or `other`. Whatever carries a reason for a credit
            note is a refund.
        sold: Day of the sale; without one, the first day covered.
        start: First day covered.
        end: Day after the last one covered.
        gross: Purchase price in USD, after discounts; negative on refunds. None where the row has none.
        net: The vendor's share of it in USD, likewise.
        tier: Text of the tier.
        billing_period: `Monthly` or `Annual`, as the row says.
        original: Number of the order that a refund names.
        is_true_up: Users added in mid-term, billed after the fact (maximum-quantity billing): neither a renewal nor a
            new tier.
        is_uncollectible: Never paid, and given up.
        is_open: Not yet paid.
        row: The row as the API sent it.
    """

    key: str
    order: str
    line: str
    kind: str
    sold: date | None
    start: date | None
    end: date | None
    gross: Decimal | None
    net: Decimal | None
    tier: str | None
    billing_period: str | None
    original: str | None
    is_true_up: bool
    is_uncollectible: bool
    is_open: bool
    row: Mapping[str, Any] = field(repr=False)

    @property
    def is_refund(self) -> bool:
        """Whether money goes back: by the type of the row, or by its sign."""
        return self.kind == REFUND or (self.gross or _NOTHING) < 0 or (self.net or _NOTHING) < 0

    @property
    def is_covering(self) -> bool:
        """Whether it covers at least a day."""
        return self.start is not None and self.end is not None and self.start < self.end

    @property
    def since(self) -> date | None:
        """First day on which it counts: a change from its sale on, while a renewal posted late must leave no hole."""
        is_change = self.kind in {UPGRADE, DOWNGRADE}
        return max(self.start, self.sold) if is_change and self.start and self.sold else self.start

    @property
    def rank(self) -> tuple[int, str, str]:
        """Order of rows that does not depend on how they arrived: day of sale, order, line."""
        return (self.sold.toordinal() if self.sold else 0, self.order, self.line)


def read_sale(row: Mapping[str, Any]) -> Sale | None:
    """Read a transaction row; None when it lacks its key."""
    key = transaction_key(row)
    if key is None:
        return None
    details = obj(row, "purchaseDetails")
    kind = (text(details.get("saleType")) or "").lower()
    start = day(details.get("maintenanceStartDate"))
    status = (text(row.get("paymentStatus")) or "").lower()
    return Sale(
        key=key,
        order=str(row["transactionId"]),
        line=str(row["transactionLineItemId"]),
        kind=REFUND if text(details.get("creditNoteReason")) else kind if kind in KINDS else OTHER,
        sold=day(details.get("saleDate")) or start,
        start=start,
        end=day(details.get("maintenanceEndDate")),
        gross=money(details.get("purchasePrice")),
        net=money(details.get("vendorAmount")),
        tier=text(details.get("tier")),
        billing_period=text(details.get("billingPeriod")),
        original=text(obj(details, "originalTransactionDetails").get("transactionId")),
        is_true_up=bool(objects(details, "proratedDetails") or objects(row, "proratedDetails")),
        is_uncollectible=status == "uncollectible",
        is_open=status == "open",
        row=row,
    )


def read_sales(rows: Iterable[Mapping[str, Any]]) -> list[Sale]:
    """Read transaction rows, in the order in which they were sold.

    Of rows with one key the one that was updated last counts; rows without a key are left out, they are no rows of
    the stream either.
    """
    sales: dict[str, Sale] = {}
    for row in rows:
        if sale := read_sale(row):
            other = sales.get(sale.key)
            sales[sale.key] = sale if other is None else max(sale, other, key=_newness)
    return sorted(sales.values(), key=lambda sale: sale.rank)


def _newness(sale: Sale) -> tuple[str, str]:
    return (str(sale.row.get("lastUpdated") or ""), repr(sorted(sale.row.items())))
