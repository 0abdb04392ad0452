"""Write transaction rows in a line each, for the tests of what they mean."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.revenue import compute_revenue
from tap_atlassian_marketplace.customers.sales import read_sales
from tap_atlassian_marketplace.customers.segments import mrr_on

if TYPE_CHECKING:
    from tap_atlassian_marketplace.customers.revenue import Revenue

Row = dict[str, Any]


def row(
    kind: str | None,
    amount: float | Decimal,
    start: str | None,
    end: str | None,
    *,
    sold: str | None = None,
    order: str = "",
    line: str = "1",
    net: float | Decimal | None = None,
    tier: str | None = "10 Users",
    status: str = "Paid",
    original: str | None = None,
    **details: Any,
) -> Row:
    """Give a transaction as the API sends it; without `sold`, it is sold on its first day."""
    purchase: Row = {
        "saleType": kind,
        "saleDate": sold or start,
        "maintenanceStartDate": start,
        "maintenanceEndDate": end,
        "purchasePrice": amount,
        "vendorAmount": amount if net is None else net,
        "tier": tier,
        "billingPeriod": "Annual",
        **details,
    }
    if original:
        purchase["originalTransactionDetails"] = {"transactionId": original}
    return {
        "transactionId": order or f"{kind}-{sold or start}-{amount}",
        "transactionLineItemId": line,
        "addonLicenseId": "1",
        "appEntitlementNumber": "E-1",
        "paymentStatus": status,
        "purchaseDetails": purchase,
    }


def revenue(*rows: Row, goodwill: str | None = None) -> Revenue:
    """Compute the revenue of one licence."""
    share = Decimal(goodwill) if goodwill else None
    return compute_revenue("E-1", "1", read_sales(rows), ignore_goodwill_below=share)


def gross_on(found: Revenue, day: str) -> Decimal:
    """Give the gross MRR of a day, in cents."""
    return mrr_on(found.segments, date.fromisoformat(day)).gross


def net_on(found: Revenue, day: str) -> Decimal:
    """Give the net MRR of a day, in cents."""
    return mrr_on(found.segments, date.fromisoformat(day)).net


def reasons(found: Revenue) -> list[str]:
    """Give the reasons of all anomalies."""
    return sorted(anomaly.reason for anomaly in found.anomalies)
