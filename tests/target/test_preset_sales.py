"""The preset marketplace-raw: exactly what sales become."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.preset_raw import account, operations
from tests.target.rows import license_messages, sale

from target_journy.loader import Loader
from target_journy.transports import Receipt
from target_journy.values import to_json

if TYPE_CHECKING:
    from tests.target.runs import World

NAMES = {
    "New": ("subscription_started", 1),
    "Renewal": ("subscription_renewed", 4),
    "Upgrade": ("subscription_upgraded", 3),
    "Downgrade": ("subscription_downgraded", 2),
    "Refund": ("subscription_refunded", 0),
    "Something else": ("transaction", 5),
    None: ("transaction", 5),
    7: ("transaction", 5),
}


@pytest.mark.parametrize("kind", NAMES)
def test_the_name_and_time_of_a_sale(kind: Any) -> None:
    _, record = sale(1, kind, "2026-03-01")
    (event,) = operations("transactions", record).events
    name, second = NAMES[kind]
    assert (event.name, event.triggered_at) == (name, f"2026-03-01T12:00:0{second}Z")
    assert event.event_id == "tx:AT-1|1"
    assert event.account.names == ("SEN-1", "1")


def test_a_sale_with_everything() -> None:
    _, record = sale(
        1,
        "Upgrade",
        vendorAmount=Decimal("1234567.89"),
        purchasePrice=Decimal("1500000.10"),
        partnerDiscountAmount=Decimal("0.30"),
        discounts=[{"amount": Decimal("0.1"), "type": "LOYALTY"}, {"amount": Decimal("0.2"), "type": "ACADEMIC"}],
        tier="Per Unit Pricing (593 Users)",
        oldTier="Per Unit Pricing (500 Users)",
        changeInTier="Upgrade",
        billingPeriod="Annual",
        oldBillingPeriod="Monthly",
        maintenanceStartDate="2026-01-01",
        maintenanceEndDate="2027-01-01",
        licenseType="COMMERCIAL",
        hosting="Cloud",
        parentProductName="Jira",
        parentProductEdition="Pending",
        paymentTerms="Net 30",
        refundReason="r",
        creditNoteReason="c",
        originalTransactionDetails={"transactionId": "AT-0"},
    )
    record.update(
        addonName="Diagrams",
        appEdition="Advanced",
        paymentStatus="Paid",
        isInvoiceManual=False,
        partnerDetails={"partnerName": "Resell", "partnerType": "EXPERT"},
    )
    (event,) = operations("transactions", record).events
    assert event.metadata == {
        "event_id": "tx:AT-1|1",
        "transaction_id": "AT-1",
        "transaction_line_item_id": "1",
        "sale_type": "Upgrade",
        "sale_date": "2026-03-01T00:00:00Z",
        "vendor_amount": Decimal("1234567.89"),
        "purchase_price": Decimal("1500000.1"),
        "partner_discount_amount": Decimal("0.3"),
        "discount_amount": Decimal("0.3"),
        "discount_types": "ACADEMIC, LOYALTY",
        "tier": "Per Unit Pricing (593 Users)",
        "tier_users": 593,
        "old_tier": "Per Unit Pricing (500 Users)",
        "change_in_tier": "Upgrade",
        "billing_period": "Annual",
        "old_billing_period": "Monthly",
        "maintenance_start_date": "2026-01-01T00:00:00Z",
        "maintenance_end_date": "2027-01-01T00:00:00Z",
        "license_type": "COMMERCIAL",
        "hosting": "Cloud",
        "app_key": "com.example.diagrams",
        "app_name": "Diagrams",
        "app_edition": "Advanced",
        "parent_product": "Jira",
        "payment_status": "Paid",
        "payment_terms": "Net 30",
        "is_invoice_manual": False,
        "refund_reason": "r",
        "credit_note_reason": "c",
        "original_transaction_id": "AT-0",
        "partner_name": "Resell",
        "partner_type": "EXPERT",
    }


def test_a_sale_with_nothing_but_ids_and_a_date() -> None:
    (event,) = operations(
        "transactions",
        {
            "transactionId": "AT-1",
            "transactionLineItemId": "2",
            "account_id": "E-1",
            "aliases": ["E-1"],
            "purchaseDetails": {"saleDate": "2026-03-01"},
        },
    ).events
    assert event.metadata == {
        "event_id": "tx:AT-1|2",
        "transaction_id": "AT-1",
        "transaction_line_item_id": "2",
        "sale_date": "2026-03-01T00:00:00Z",
    }


@pytest.mark.parametrize("placeholder", ["NA", "Pending", "null"])
def test_a_placeholder_instead_of_a_date_holds_no_sale_back(placeholder: str) -> None:
    _, record = sale(1, maintenanceStartDate=placeholder, maintenanceEndDate=placeholder)
    (event,) = operations("transactions", record).events
    assert "maintenance_end_date" not in event.metadata
    assert account(appEntitlementNumber="E-1", maintenanceEndDate=placeholder).get("renewal_date") is None


def test_money_is_exact_on_its_way_through_the_ledger(fake: World) -> None:
    sent = []

    def track(event_id: str, name: str, account: str, triggered_at: str, metadata: Any, user: None) -> Receipt:
        sent.append(json.loads(to_json(metadata), parse_float=Decimal))
        return Receipt()

    fake.door.track = track
    amount = Decimal("98765432109876543.21")
    loader = Loader(fake.config())
    for stream, record in [sale(1, vendorAmount=amount), *license_messages({"addonLicenseId": "1"})]:
        loader.load(stream, record)
        loader.flush()
    loader.finish()
    loader.close()
    assert [metadata["vendor_amount"] for metadata in sent] == [amount]
