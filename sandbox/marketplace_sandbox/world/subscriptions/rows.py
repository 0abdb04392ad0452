"""A life as the Marketplace reports it: the licence as it is today, and a transaction row for each line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.rows import ABSENT, money
from marketplace_sandbox.world.subscriptions.plan import cents
from marketplace_sandbox.world.subscriptions.truth import truth_of

if TYPE_CHECKING:
    from datetime import date

    from marketplace_sandbox.world.builder import Builder
    from marketplace_sandbox.world.rows import Company, Row
    from marketplace_sandbox.world.subscriptions.life import Life, Line
    from marketplace_sandbox.world.subscriptions.plan import Discount, Plan

_LARGEST_TIER = 500
_NAMELESS = dict.fromkeys(
    (
        "addonLicenseId",
        "licenseId",
        "appEntitlementId",
        "appEntitlementNumber",
        "hostEntitlementId",
        "hostEntitlementNumber",
        "cloudId",
    ),
    ABSENT,
)


@dataclass
class Holder:
    """Who has a subscription, and what a licence row says besides.

    Attributes:
        company: The customer.
        app: Key of the app.
        fields: Fields of the licence row that differ.
        numbered: Day on which a Data Center licence got its entitlement number; sales before have none.
    """

    company: Company
    app: str
    fields: Row = field(default_factory=dict)
    numbered: date | None = None


def report(b: Builder, life: Life, holder: Holder) -> Row:
    """Add the rows of a life to a world, and what is true about it; return its licence row."""
    row = license_row(b, life, holder)
    b.truth.add(truth_of(life, row))
    label = b.label("orders")
    orders: dict[int, str] = {}
    for line in life.lines:
        purchase = _purchase(line, orders)
        if holder.numbered and line.sold < holder.numbered:
            purchase["fields"] = {**purchase["fields"], "appEntitlementId": ABSENT, "appEntitlementNumber": ABSENT}
        sale = b.sale(row, line.sale_type, usd(line.gross), order=f"{label}/{line.order}", **purchase)
        orders[line.order] = sale["transactionId"]
        if not line.reported:
            b.transactions.remove(sale)
    return row


def license_row(b: Builder, life: Life, holder: Holder) -> Row:
    """The licence as its last term left it."""
    plan, start, end = _last_state(life)
    fields: dict[str, Any] = {"tier": tier(plan), "licenseType": plan.license_type}
    if life.cloud:
        fields |= {"appEdition": plan.edition or "Standard"}
        fields |= {"parentProductBillingCycle": "MONTHLY" if plan.period == 1 else "ANNUAL"}
        if life.old_billing:
            fields["newBillingSystem"] = "No"
        return b.cloud(holder.company, holder.app, start, end, **{**fields, **holder.fields})
    return b.data_center(holder.company, holder.app, start, end, **{**fields, **holder.fields})


def _last_state(life: Life) -> tuple[Plan, str, str]:
    if life.terms:
        term = life.terms[-1]
        return term.plan, term.start.isoformat(), term.end.isoformat()
    last = life.stretches[-1]
    return last.plan, last.first.isoformat(), last.until.isoformat()


def tier(plan: Plan) -> str:
    """Text of a plan's tier."""
    if plan.edition is None and plan.users > _LARGEST_TIER:
        return f"Per Unit Pricing ({plan.users} Users)"
    return f"{plan.users} User{'' if plan.users == 1 else 's'}"


def usd(amount: int) -> str:
    """Cents as a number text in USD."""
    return f"{amount / 100:.2f}"


def _purchase(line: Line, orders: dict[int, str]) -> dict[str, Any]:
    plan = line.plan
    purchase: dict[str, Any] = {
        "saleDate": line.sold.isoformat(),
        "maintenanceStartDate": line.start.isoformat(),
        "maintenanceEndDate": line.end.isoformat(),
        "billingPeriod": "Monthly" if plan.period == 1 else "Annual",
        "tier": tier(plan),
        "licenseType": plan.license_type,
        "vendorAmount": money(usd(line.net)),
    }
    if line.previous:
        purchase |= _changes(line.previous, plan)
    if plan.discounts and line.sale_type != "Refund":
        purchase["discounts"] = [_discount(each, line) for each in plan.discounts]
    if line.takes_back and line.named:
        taken = line.takes_back
        purchase["originalTransactionDetails"] = {
            "transactionId": orders[taken.order],
            "saleDate": taken.sold.isoformat(),
        }
    fields = {**line.fields, **_NAMELESS} if line.nameless else line.fields
    return {**purchase, **line.purchase, "fields": fields}


def _changes(old: Plan, new: Plan) -> Row:
    changes: Row = {"oldTier": tier(old)}
    if old.users != new.users:
        changes["changeInTier"] = "Increase" if new.users > old.users else "Decrease"
    if (old.period == 1) != (new.period == 1):
        changes |= {"changeInBillingPeriod": "Yes", "oldBillingPeriod": "Monthly" if old.period == 1 else "Annual"}
    return changes


def _discount(discount: Discount, line: Line) -> Row:
    plan = line.plan
    listed = line.gross / (100 * plan.rate) * plan.list_rate if plan.rate else plan.list_rate * plan.period
    entry: Row = {"type": discount.type, "amount": money(usd(cents(listed * discount.share)))}
    entry |= {key: value for key, value in (("code", discount.code), ("reason", discount.reason)) if value}
    return entry
