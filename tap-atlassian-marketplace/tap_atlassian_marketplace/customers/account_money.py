"""What an account pays, and has paid."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.fields import money, obj, objects, text
from tap_atlassian_marketplace.customers.price_list import share_of_price
from tap_atlassian_marketplace.customers.segments import Mrr, mrr_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_atlassian_marketplace.customers.money_tally import MoneyEntry
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
    last = next((sale for sale in reversed(case.sales) if sale.key not in case.halves), None)
    latest = case.coverage.forward
    gross = _collected(case, case.revenue.money)
    back = [amount for key, amount in gross if amount < 0 and key not in case.halves]
    return {
        "mrr": mrr.net,
        "mrr_gross": mrr.gross,
        "arr": _MONTHS * mrr.net,
        "mrr_source": source,
        "mrr_unconfirmed": _unconfirmed(case, mrr),
        "billing_period": case.coverage.billing_period,
        "renewal_amount_expected": case.coverage.expected,
        "payment_status_last": text(last.row.get("paymentStatus")) if last else None,
        "lifetime_revenue": _total(_collected(case, case.revenue.net_money)),
        "lifetime_gross": _total(gross),
        "last_transaction_at": last.sold.isoformat() if last and last.sold else None,
        "last_sale_type": text(obj(last.row, "purchaseDetails").get("saleType")) if last else None,
        "transactions_count": len(case.sales),
        "refunds_total": -sum(back, _NOTHING),
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
    if any(sale.is_covering and not sale.is_refund and not sale.is_trial for sale in case.sales):
        return found, TRANSACTIONS
    share = share_of_price(case.license_type, hosting)
    if share is None or case.status != "active" or case.is_stand_in or case.is_internal or _pays_elsewhere(case):
        return found, NONE
    cycle = text(case.row.get("parentProductBillingCycle"))
    price = case.survey.prices.price(text(case.row.get("addonKey")), hosting, cycle, users)
    if not price:
        return found, NONE
    gross, net = ((each * share).quantize(_CENT, ROUND_HALF_UP) for each in price)
    return Mrr(gross, net), ESTIMATED


def _unconfirmed(case: Situation, mrr: Mrr) -> Decimal:
    """Give what unpaid invoices bring after their refunds; refunds of other days may leave less of all together."""
    unpaid = [each for each in case.revenue.segments if each.is_open]
    return min(mrr_on(unpaid, case.today).net, mrr.net) if unpaid else _NOTHING


def _pays_elsewhere(case: Situation) -> bool:
    """Whether it is a site's part of a multi-instance licence, or a migration on trial that Data Center pays for."""
    migration = text(obj(case.row, "cmtDetails").get("status"))
    return bool(text(case.row.get("multiInstanceEntitlementNumber"))) or migration not in {None, "converted"}


def _collected(case: Situation, money: Sequence[MoneyEntry]) -> list[tuple[str, Decimal]]:
    """List the amounts that were paid or went back, with the keys of their transactions.

    An invoice that is not paid yet or was given up is neither, nor is what goes back of it.
    """
    given_up = {sale.key for sale in case.sales if sale.is_uncollectible}
    return [
        (each.transaction_key, each.amount - each.uncollectible - each.unpaid)
        for each in money
        if each.transaction_key not in given_up
    ]


def _total(collected: Sequence[tuple[str, Decimal]]) -> Decimal:
    return sum((amount for _, amount in collected), _NOTHING)


def _discount(sale: Sale) -> Decimal | None:
    """Give what was taken off the list price, in percent; None where no price is told."""
    if sale.gross is None:
        return None
    details = obj(sale.row, "purchaseDetails")
    off = [money(each.get("amount")) for each in objects(details, "discounts")]
    taken = (
        sum((amount for amount in off if amount), _NOTHING) or money(details.get("partnerDiscountAmount")) or _NOTHING
    )
    listed = sale.gross + taken
    return (_PERCENT * taken / listed).quantize(_CENT, ROUND_HALF_UP) if listed >= _CENT else None
