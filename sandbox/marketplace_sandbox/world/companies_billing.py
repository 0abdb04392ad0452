"""Fixture companies whose sales are the point: each function is one way in which money moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sandbox.world.apps import DIAGRAMS, FORMS, TIMESHEETS
from marketplace_sandbox.world.calendar import shift

if TYPE_CHECKING:
    from marketplace_sandbox.world.builder import Builder


def simple_annual(b: Builder) -> None:
    """One annual subscription, renewed tomorrow."""
    start = shift(b.today, months=-12, days=1)
    row = b.cloud(b.company("Alder Instruments"), DIAGRAMS, start, shift(start, months=12), tier="100 Users")
    b.sale(row, "New", "1234.56")


def monthly_max_quantity(b: Builder) -> None:
    """Monthly subscription with users added in mid-term: the extra row is prorated and no renewal."""
    start = b.ago(days=12)
    row = b.cloud(b.company("Birch Foods"), TIMESHEETS, start, shift(start, months=1), tier="23 Users")
    before = shift(start, months=-1)
    b.sale(row, "New", 100, maintenanceStartDate=before, maintenanceEndDate=start, tier="20 Users")
    middle = shift(before, days=15)
    added = [{"addedUsers": 3, "date": middle}]
    b.sale(
        row,
        "Upgrade",
        "7.50",
        saleDate=start,
        maintenanceStartDate=middle,
        maintenanceEndDate=start,
        tier="3 User",
        proratedDetails=added,
    )
    b.sale(row, "Renewal", 115)


def delta_upgrade(b: Builder) -> None:
    """Old billing: the upgrade row is the price difference for the remaining term."""
    start = b.ago(months=9)
    row = b.data_center(b.company("Cedar Logistics"), TIMESHEETS, start, shift(start, months=12), tier="1000 Users")
    b.sale(row, "New", 1200, tier="500 Users")
    half = shift(start, months=6)
    b.sale(row, "Upgrade", 300, maintenanceStartDate=half, oldTier="500 Users", changeInTier="Increase")


def rebill_remaining_dates(b: Builder) -> None:
    """New billing: an upgrade is a refund of the rest and a new bill of the rest."""
    start = b.ago(months=9)
    row = b.cloud(b.company("Dogwood Travel"), DIAGRAMS, start, shift(start, months=12), tier="150 Users")
    b.sale(row, "New", 1200, tier="100 Users")
    half, order = shift(start, months=6), "dogwood-upgrade"
    b.sale(row, "Refund", -600, maintenanceStartDate=half, tier="100 Users", order=order, rate=0.85)
    upgraded = {"oldTier": "100 Users", "changeInTier": "Increase"}
    upgraded |= {"changeInParentProductEdition": "Yes", "oldParentProductEdition": "Free"}
    b.sale(row, "Upgrade", 900, maintenanceStartDate=half, order=order, rate=0.8, **upgraded)


def rebill_original_dates(b: Builder) -> None:
    """New billing: both legs of an upgrade carry the dates of the whole term."""
    start = b.ago(months=8)
    row = b.cloud(b.company("Elm Robotics"), FORMS, start, shift(start, months=12), tier="150 Users")
    b.sale(row, "New", 1200, tier="100 Users")
    half, order = shift(start, months=6), "elm-upgrade"
    b.sale(row, "Refund", -1200, saleDate=half, tier="100 Users", order=order)
    b.sale(row, "Upgrade", 1800, saleDate=half, oldTier="100 Users", changeInTier="Increase", order=order)


def one_order_refund_upgrade_renewal(b: Builder) -> None:
    """Monthly to annual in one order: refund, upgrade and a renewal that starts next year."""
    sold = b.ago(months=2)
    company = b.company("Fir Analytics", "United States")
    row = b.cloud(company, TIMESHEETS, shift(sold, months=12), shift(sold, months=24), tier="50 Users")
    row["lastUpdated"] = sold
    month = shift(sold, days=-17)
    b.sale(row, "New", 100, maintenanceStartDate=month, maintenanceEndDate=shift(month, months=1))
    order = "fir-annual"
    refunded = {"maintenanceStartDate": sold, "maintenanceEndDate": shift(month, months=1)}
    b.sale(row, "Refund", "-46.67", order=order, **refunded)
    year = {"maintenanceStartDate": sold, "maintenanceEndDate": shift(sold, months=12)}
    b.sale(row, "Upgrade", 1000, order=order, changeInBillingPeriod="Yes", oldBillingPeriod="Monthly", **year)
    b.sale(row, "Renewal", 1000, order=order, saleDate=sold)


def late_renewal(b: Builder) -> None:
    """The renewal was sold 19 days after the term that it covers began."""
    start = b.ago(months=2)
    row = b.cloud(b.company("Ginkgo Health"), FORMS, start, shift(start, months=12), tier="60 Users")
    b.sale(row, "New", 720, maintenanceStartDate=shift(start, months=-12), maintenanceEndDate=start)
    b.sale(row, "Renewal", 720, saleDate=shift(start, days=19))


def refund_within_30_days(b: Builder) -> None:
    """Everything paid came back after 19 days, and the licence ended."""
    start = b.ago(months=3)
    ended = shift(start, days=19)
    row = b.cloud(b.company("Hazel Media"), DIAGRAMS, start, ended, status="inactive")
    term = {"maintenanceEndDate": shift(start, months=12)}
    first = b.sale(row, "New", 1200, **term)
    b.sale(
        row,
        "Refund",
        -1200,
        saleDate=ended,
        refundReason="REFUND_CANCELLED_PURCHASE",
        creditNoteReason="30 DAY REFUND REQUEST",
        originalTransactionDetails={"transactionId": first["transactionId"], "saleDate": start},
        **term,
    )


def goodwill_refund(b: Builder) -> None:
    """A small refund over the whole term, as an apology."""
    start = b.ago(months=7)
    row = b.cloud(b.company("Ivy Insurance"), TIMESHEETS, start, shift(start, months=12), tier="100 Users")
    promotion = {"type": "MARKETPLACE_PROMOTION", "amount": 133.33, "code": "SANDBOX10"}
    b.sale(row, "New", 1200, discounts=[promotion])
    b.sale(row, "Refund", -60, saleDate=shift(start, months=6))


def co_termed(b: Builder) -> None:
    """A first term shortened to end with the parent product's; partly refunded tomorrow."""
    start = b.ago(months=4)
    row = b.cloud(b.company("Juniper Bank", "France"), FORMS, start, shift(start, months=9, days=22))
    b.sale(row, "New", 972)


def two_year_data_center(b: Builder) -> None:
    """Two years paid at once; its technical contact leaves tomorrow."""
    start = b.ago(months=10)
    tier = "Per Unit Pricing (593 Users)"
    row = b.data_center(b.company("Katsura Motors", "Japan"), TIMESHEETS, start, shift(start, months=24), tier=tier)
    b.sale(row, "New", 4320, rate=0.75, tier=tier.replace("Users", "users"))


def zero_price_sandbox(b: Builder) -> None:
    """A site for tests: sold for nothing, its discount the whole price."""
    start = b.ago(months=5)
    row = b.cloud(b.company("Larch Energy"), DIAGRAMS, start, shift(start, months=12), installedOnSandbox="Yes")
    b.sale(row, "New", 0, discounts=[{"type": "MANUAL", "amount": 310.25, "reason": "DUAL_LICENSING"}])


def open_and_uncollectible(b: Builder) -> None:
    """One invoice not paid yet, an earlier one given up after payment attempts."""
    start = b.ago(months=1)
    row = b.cloud(
        b.company("Maple Retail"),
        TIMESHEETS,
        start,
        shift(start, months=12),
        invoiceDunningReason="PAYMENT METHOD IS NOT SET",
        inGracePeriod="No",
    )
    before = {"maintenanceStartDate": shift(start, months=-12), "maintenanceEndDate": start}
    tried = shift(start, months=-11)
    again = {"nextPaymentAttemptDate": shift(tried, days=5)}
    attempts = [{"attemptCount": 1, "errorCode": "card_declined", "paymentAttemptDate": tried, **again}]
    b.sale(row, "New", 480, fields={"paymentStatus": "Uncollectible", "dunningStatus": attempts}, **before)
    b.sale(row, "Renewal", 480, paymentTerms="Net30", fields={"paymentStatus": "Open"})


def manual_invoice(b: Builder) -> None:
    """An invoice written by hand: no sale type, no licence type, hidden unless asked for."""
    start = b.ago(months=6)
    row = b.cloud(b.company("Nutmeg Shipping"), FORMS, start, shift(start, months=12), tier="200 Users")
    b.sale(row, None, "2500.01", licenseType=None, fields={"isInvoiceManual": True})


def altered_amount(b: Builder) -> None:
    """A sale whose amounts are corrected on the second day."""
    start = b.ago(months=3)
    row = b.cloud(b.company("Oak Publishing"), DIAGRAMS, start, shift(start, months=12), tier="75 Users")
    b.sale(row, "New", "899.99")


def late_transaction(b: Builder) -> None:
    """A licence whose sale is reported 45 days late, on the second day."""
    start = b.ago(days=43)
    b.cloud(b.company("Pine Academy"), FORMS, start, shift(start, months=12), tier="40 Users")


IDEAS = (
    simple_annual,
    monthly_max_quantity,
    delta_upgrade,
    rebill_remaining_dates,
    rebill_original_dates,
    one_order_refund_upgrade_renewal,
    late_renewal,
    refund_within_30_days,
    goodwill_refund,
    co_termed,
    two_year_data_center,
    zero_price_sandbox,
    open_and_uncollectible,
    manual_invoice,
    altered_amount,
    late_transaction,
)
