"""What an account pays, and has paid."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.fields import money, obj, objects, text
from tap_atlassian_marketplace.customers.price_list import share_of_price
from tap_atlassian_marketplace.customers.segments import Mrr, mrr_on

if TYPE_CHECKING:
    from tap_atlassian_marketplace.customers.sales import Sale
    from tap_atlassian_marketplace.customers.situation import Situation

TRANSACTIONS, ESTIMATED, NONE = "transactions", "estimated", "none"

_NOTHING = Decimal(0)
_CENT = Decimal("0.01")
_PERCENT = Decimal(100)
_MONTHS = 12


def money_fields(case: Situation, hosting: str | None, users: int | None) -> dict[str, Any]:
    """Give the money of an account: USD as `Decimal`; what no sale tells is None."""
    mrr, source = _mrr(case, hosting, users)
    last = case.sales[-1] if case.sales else None
    latest = case.coverage.forward
    unpaid = [each for each in case.revenue.segments if each.is_open]
    return {
        "mrr": mrr.net,
        "mrr_gross": mrr.gross,
        "arr": _MONTHS * mrr.net,
        "mrr_source": source,
        "mrr_unconfirmed": mrr_on(unpaid, case.today).net if unpaid else _NOTHING,
        "billing_period": case.coverage.billing_period,
        "renewal_amount_expected": case.coverage.expected,
        "payment_status_last": text(last.row.get("paymentStatus")) if last else None,
        "lifetime_revenue": sum((_collected(sale, sale.net) for sale in case.sales), _NOTHING),
        "lifetime_gross": sum((_collected(sale, sale.gross) for sale in case.sales), _NOTHING),
        "last_transaction_at": last.sold.isoformat() if last and last.sold else None,
        "last_sale_type": text(obj(last.row, "purchaseDetails").get("saleType")) if last else None,
        "transactions_count": len(case.sales),
        "refunds_total": -sum((min(sale.gross or _NOTHING, _NOTHING) for sale in case.sales), _NOTHING),
        "discount_pct_last": _discount(latest) if latest else None,
    }


def _mrr(case: Situation, hosting: str | None, users: int | None) -> tuple[Mrr, str]:
    """Today's MRR, and where it comes from.

    A trial pays nothing; what it may be worth is its opportunity. Only a running licence of which no sale says what
    it costs is estimated.
    """
    found = case.timeline.on(case.today)
    if found.gross or found.net:
        return found, TRANSACTIONS
    if any(sale.is_covering and not sale.is_refund for sale in case.sales):
        return found, TRANSACTIONS
    share = share_of_price(case.license_type, hosting)
    if share is None or case.status != "active" or case.is_stand_in or case.is_internal or _pays_elsewhere(case):
        return found, NONE
    cycle = text(case.row.get("parentProductBillingCycle"))
    price = case.survey.prices.price(text(case.row.get("addonKey")), hosting, cycle, users)
    if not price:
        return found, NONE
    gross = (price * share).quantize(_CENT, ROUND_HALF_UP)
    return Mrr(gross, gross), ESTIMATED


def _pays_elsewhere(case: Situation) -> bool:
    """Whether it is a site's part of a multi-instance licence, or a migration on trial that Data Center pays for."""
    migration = text(obj(case.row, "cmtDetails").get("status"))
    return bool(text(case.row.get("multiInstanceEntitlementNumber"))) or migration not in {None, "converted"}


def _collected(sale: Sale, amount: Decimal | None) -> Decimal:
    return _NOTHING if sale.is_uncollectible else amount or _NOTHING


def _discount(sale: Sale) -> Decimal | None:
    """Give what was taken off the list price, in percent."""
    details = obj(sale.row, "purchaseDetails")
    off = [money(each.get("amount")) for each in objects(details, "discounts")]
    taken = (
        sum((amount for amount in off if amount), _NOTHING) or money(details.get("partnerDiscountAmount")) or _NOTHING
    )
    listed = (sale.gross or _NOTHING) + taken
    return (_PERCENT * taken / listed).quantize(_CENT, ROUND_HALF_UP) if listed > 0 else None
