"""A life as the Marketplace reports it: the licence as it is today, and a transaction row for each line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.rows import ABSENT, money
from marketplace_sandbox.world.subscriptions.plan import cents

if TYPE_CHECKING:
    from marketplace_sandbox.world.builder import Builder
    from marketplace_sandbox.world.rows import Company, Row
    from marketplace_sandbox.world.subscriptions.life import Life, Line
    from marketplace_sandbox.world.subscriptions.plan import Discount, Plan

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
    """

    company: Company
    app: str
    fields: Row = field(default_factory=dict)


def report(b: Builder, life: Life, holder: Holder) -> Row:
    """Add the rows of a life to a world and return its licence row."""
    row = license_row(b, life, holder)
    number = b.label("orders")
    orders: dict[int, str] = {}
    for line in life.lines:
        sale = b.sale(row, line.sale_type, money_text(line.gross), **_purchase(line, f"{number}/{line.order}", orders))
        orders[line.order] = sale["transactionId"]
    return row


def license_row(b: Builder, life: Life, holder: Holder) -> Row:
    """The licence as its last term left it."""
    plan, start, end = _last_state(life)
    fields: dict[str, Any] = {"tier": tier(plan), "licenseType": plan.license_type}
    if life.cloud:
        fields |= {"appEdition": plan.edition or "Standard"}
        fields |= {"parentProductBillingCycle": "MONTHLY" if plan.period == 1 else "ANNUAL"}
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
    return f"{plan.users} Users"


def money_text(amount: int) -> str:
    """Cents as a number text in USD."""
    return f"{amount / 100:.2f}"


def _purchase(line: Line, order: str, orders: dict[int, str]) -> dict[str, Any]:
    plan = line.plan
    purchase: dict[str, Any] = {
        "order": order,
        "saleDate": line.sold.isoformat(),
        "maintenanceStartDate": line.start.isoformat(),
        "maintenanceEndDate": line.end.isoformat(),
        "billingPeriod": "Monthly" if plan.period == 1 else "Annual",
        "tier": tier(plan),
        "licenseType": plan.license_type,
        "vendorAmount": money(money_text(line.net)),
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
    if plan.rate:
        listed = line.gross / (100 * plan.rate) * plan.list_rate
    else:
        listed = plan.list_rate * plan.period
    entry: Row = {"type": discount.type, "amount": money(money_text(cents(listed * discount.share)))}
    entry |= {key: value for key, value in (("code", discount.code), ("reason", discount.reason)) if value}
    return entry
