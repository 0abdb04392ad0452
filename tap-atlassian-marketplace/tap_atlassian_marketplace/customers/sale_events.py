"""The events of sales: bought, renewed, upgraded, refunded."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers import event_rows as named
from tap_atlassian_marketplace.customers.fields import day, known, money, obj, objects, text, yes
from tap_atlassian_marketplace.customers.movements import period_changes
from tap_atlassian_marketplace.customers.mrr_deltas import counts_from, mrr_deltas
from tap_atlassian_marketplace.customers.sales import DOWNGRADE, NEW, OTHER, REFUND, RENEWAL, UPGRADE
from tap_atlassian_marketplace.customers.tiers import tier_users

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_atlassian_marketplace.customers.sales import Sale
    from tap_atlassian_marketplace.customers.situation import Situation

_NAMES = {
    NEW: named.STARTED,
    RENEWAL: named.RENEWED,
    UPGRADE: named.UPGRADED,
    DOWNGRADE: named.DOWNGRADED,
    REFUND: named.REFUNDED,
    OTHER: named.TRANSACTION,
}
_NOTHING = Decimal(0)


def sale_events(case: Situation) -> Iterator[dict[str, Any]]:
    """Give an event for each sale and refund, but one for a refund and the new bill that belong together.

    Sales without any day are left out; an anomaly tells of them.
    """
    whole = [sale for sale in case.sales if sale.key not in case.halves]
    targets: dict[str, str] = {}  # of refunds, the first sale that each takes from
    for segment in case.revenue.segments:
        if segment.target_transaction_key:
            targets.setdefault(segment.transaction_key, segment.target_transaction_key)
    deltas = mrr_deltas(whole, case.revenue.segments, case.timeline, case.taken_back)
    for sale in whole:
        if sale.sold and sale.sold <= case.today:
            others = case.taken_back.get(sale.key, ())
            metadata = _metadata(sale, others) | _effect(case, sale, deltas.get(sale.key), targets.get(sale.key))
            updated = max(text(each.row.get("lastUpdated")) or "" for each in (sale, *others)) or None
            yield named.event_row(case, f"tx:{sale.key}", _name(sale), sale.sold, metadata, updated=updated)
    for change in period_changes(case.coverage.terms):
        if change.sold <= case.today:
            event_id = f"bp:{case.license_key}:{change.sold}"
            metadata = {"from": change.before, "to": change.after}
            yield named.event_row(case, event_id, "billing_period_changed", change.sold, metadata)
    yield from _failed_payments(case)


def _name(sale: Sale) -> str:
    if sale.is_true_up:
        return named.USERS_ADDED
    if sale.is_trial:
        return named.TRANSACTION  # nobody has subscribed to anything yet
    return named.REFUNDED if sale.is_refund else _NAMES[sale.kind]


def _metadata(sale: Sale, taken_back: Sequence[Sale]) -> dict[str, Any]:
    row, details = sale.row, obj(sale.row, "purchaseDetails")
    partner = obj(row, "partnerDetails")
    discounts = objects(details, "discounts")
    return {
        "transaction_id": sale.order,
        "transaction_line_item_id": sale.line,
        "sale_type": text(details.get("saleType")),
        "sale_date": sale.sold and sale.sold.isoformat(),
        "vendor_amount": _total((sale.net, *(each.net for each in taken_back))),
        "purchase_price": _total((sale.gross, *(each.gross for each in taken_back))),
        "partner_discount_amount": money(details.get("partnerDiscountAmount")),
        "discount_amount": _total([money(each.get("amount")) for each in discounts]),
        "discount_types": [kind for each in discounts if (kind := text(each.get("type")))],
        "tier": sale.tier,
        "tier_users": tier_users(sale.tier),
        "old_tier": text(details.get("oldTier")),
        "change_in_tier": known(details.get("changeInTier")),
        "billing_period": sale.billing_period,
        "old_billing_period": text(details.get("oldBillingPeriod")),
        "maintenance_start_date": sale.start and sale.start.isoformat(),
        "maintenance_end_date": sale.end and sale.end.isoformat(),
        "license_type": text(details.get("licenseType")),
        "hosting": text(details.get("hosting")),
        "app_key": text(row.get("addonKey")),
        "app_name": text(row.get("addonName")),
        "app_edition": text(row.get("appEdition")),
        "parent_product": known(details.get("parentProductName")),
        "parent_edition": known(details.get("parentProductEdition")),
        "payment_status": text(row.get("paymentStatus")),
        "payment_terms": text(details.get("paymentTerms")),
        "is_invoice_manual": yes(row.get("isInvoiceManual")),
        "refund_reason": text(details.get("refundReason")),
        "credit_note_reason": text(details.get("creditNoteReason")),
        "original_transaction_id": sale.original,
        "partner_name": text(partner.get("partnerName")),
        "partner_type": text(partner.get("partnerType")),
        **({"is_rebill_pair": True, "refunded_transactions": [each.key for each in taken_back]} if taken_back else {}),
    }


def _effect(case: Situation, sale: Sale, delta: Decimal | None, refunded: str | None) -> dict[str, Any]:
    """What a sale did: to MRR on the first day on which it counts, to users, and whether it came in time."""
    details = obj(sale.row, "purchaseDetails")
    effect: dict[str, Any] = {}
    if since := counts_from(sale):
        effect |= {"mrr_after": case.timeline.on(since).net, "mrr_delta": delta}
        if sale.kind == RENEWAL and not sale.is_refund and sale.start and sale.sold:
            effect["on_time_days"] = (sale.start - sale.sold).days
    if sale.is_true_up:
        added = objects(details, "proratedDetails") or objects(sale.row, "proratedDetails")
        numbers = [each["addedUsers"] for each in added if isinstance(each.get("addedUsers"), int)]
        days = {text(each.get("date")) for each in added}
        effect |= {"added_users": sum(numbers), "added_on": sorted(each for each in days if each)}
    before, now = tier_users(text(details.get("oldTier"))), tier_users(sale.tier)
    if before is not None and now is not None and sale.kind in {UPGRADE, DOWNGRADE, RENEWAL}:
        effect["users_delta"] = now - before
    if sale.is_refund:
        effect["refunded_tx"] = refunded
    return effect


def _failed_payments(case: Situation) -> Iterator[dict[str, Any]]:
    for sale in case.sales:
        for attempt in objects(sale.row, "dunningStatus"):
            on = day(attempt.get("paymentAttemptDate"))
            if on and on <= case.today:
                metadata = {
                    "reason": text(attempt.get("errorCode")),
                    "attempt": attempt.get("attemptCount"),
                    "next_attempt": text(attempt.get("nextPaymentAttemptDate")),
                    "transaction_id": sale.order,
                }
                yield named.event_row(case, f"dun:{sale.key}:{on}", "payment_failed", on, metadata)


def _total(amounts: Sequence[Decimal | None]) -> Decimal | None:
    told = [amount for amount in amounts if amount is not None]
    return sum(told, _NOTHING) if told else None
