"""A transaction row as revenue sees it: what was sold, for how much, and which days it covers."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.fields import day, known, money, obj, objects, text
from tap_atlassian_marketplace.customers.identity import transaction_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

NEW, RENEWAL, UPGRADE, DOWNGRADE, REFUND = "new", "renewal", "upgrade", "downgrade", "refund"
OTHER = "other"
"""A sale without a type, as on invoices written by hand, or with one that is not known."""

FREE_TYPES = frozenset({"FREE", "LEGACY_FREE", "FOUNDATION_FREE", "STARTER_FREE"})
"""Types of a licence that nobody pays for."""

EVALUATIONS = frozenset({"EVALUATION", "NET_NEW_EVALUATION"})
"""Types of a licence on trial. The trial of a higher edition is none: its customer pays."""

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
        of_a_customer: Whether an earlier sale brought money, as far as `read_sales` saw.
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
    of_a_customer: bool = False

    @property
    def is_refund(self) -> bool:
        """Whether money goes back: by the type of the row, or by its sign."""
        return self.kind == REFUND or (self.gross or _NOTHING) < 0 or (self.net or _NOTHING) < 0

    @property
    def price(self) -> Decimal | None:
        """What was paid as far as the row tells: the purchase price, else the vendor's share of it."""
        return self.net if self.gross is None else self.gross

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing because the licence is of a free type."""
        return self._costs_nothing and not self.is_discounted and self._license_type in FREE_TYPES

    @property
    def is_trial(self) -> bool:
        """Whether it costs nothing because it only begins a trial, or goes on with one."""
        return self._costs_nothing and self._license_type in EVALUATIONS

    @property
    def is_given_away(self) -> bool:
        """Whether it costs nothing where others pay: at a discount of all, or a customer who has paid before.

        Where nobody ever paid, 0 without a discount is only what the licence costs, as one of open source.
        """
        if not self._costs_nothing or self.is_trial:
            return False
        return self.is_discounted or (self.of_a_customer and self._license_type not in FREE_TYPES)

    @property
    def is_discounted(self) -> bool:
        """Whether anything was taken off its list price."""
        details = obj(self.row, "purchaseDetails")
        return bool(objects(details, "discounts") or money(details.get("partnerDiscountAmount")))

    @property
    def _costs_nothing(self) -> bool:
        return self.gross == 0 and self.kind != REFUND and not self.is_true_up and not self.is_uncollectible

    @property
    def _license_type(self) -> str:
        return (text(obj(self.row, "purchaseDetails").get("licenseType")) or "").upper()

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


def order_number(order: str) -> str:
    """Give the number of an order by which it can be compared: old ones are written with `AT-` and without."""
    return order.removeprefix("AT-")


def named_order(row: Mapping[str, Any]) -> str | None:
    """Give the number of the order that a refund says it takes back; None where it says nothing."""
    named = known(obj(obj(row, "purchaseDetails"), "originalTransactionDetails").get("transactionId"))
    return order_number(named) if named else None


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
    found = sorted(sales.values(), key=lambda sale: sale.rank)
    paid = False
    for sale in found:
        sale.of_a_customer = paid
        paid = paid or ((sale.price or _NOTHING) > 0 and not sale.is_uncollectible)
    return found


def _newness(sale: Sale) -> tuple[str, str]:
    return (str(sale.row.get("lastUpdated") or ""), repr(sorted(sale.row.items())))
