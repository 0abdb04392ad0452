"""Quotes that customers accepted: each led to a yearly sale, and was written some weeks before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sandbox.credentials import VENDOR_ID
from marketplace_sandbox.world.calendar import days_between, shift
from marketplace_sandbox.world.derived import dice
from marketplace_sandbox.world.rows import ABSENT, money, present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sandbox.world.rows import Row
    from marketplace_sandbox.world.world import World

_SHARE = 0.4
_YEAR = 366


def quotes(world: World) -> Iterator[Row]:
    """One row for each line and schedule of a quote: a term of two years has two."""
    for sale in world.transactions:
        paid = sale.get("purchaseDetails") or {}
        if (
            sale.get("appEntitlementNumber")
            and paid.get("saleType") in ("New", "Renewal")
            and paid.get("billingPeriod") == "Annual"
            and dice("quoted", sale["transactionId"]).random() < _SHARE
        ):
            yield from _lines(sale, paid)


def _lines(sale: Row, paid: Row) -> Iterator[Row]:
    chance = dice("quote", sale["transactionId"])
    number = chance.randint(100_000, 999_999)
    sold, start, end = paid["saleDate"], paid["maintenanceStartDate"], paid["maintenanceEndDate"]
    customer = sale.get("customerDetails") or {}
    terms = [(start, end)] if days_between(start, end) <= _YEAR else [(start, shift(start, months=12))]
    while terms[-1][1] < end:
        terms.append((terms[-1][1], min(end, shift(terms[-1][1], months=12))))
    for begins, ends in terms:
        yield present(
            {
                "quoteId": f"Q-{number}",
                "quoteNumber": f"QT-{number}",
                "quoteStatus": chance.choice(("ACCEPTED", "ACCEPTED", "PARTIALLY_ACCEPTED")),
                "quoteCreatedDate": shift(sold, days=-20),
                "acceptedDate": shift(sold, days=-5),
                "quoteExpiryDate": shift(sold, days=10),
                "entitlementEid": sale.get("appEntitlementId", ABSENT),
                "entitlementNumber": sale["appEntitlementNumber"],
                "commerceProductId": sale.get("productId", ABSENT),
                "productId": sale.get("productId", ABSENT),
                "productName": sale.get("addonName", ABSENT),
                "appEdition": sale.get("appEdition"),
                "technicalContactCompany": customer.get("company"),
                "technicalEmail": (customer.get("technicalContact") or {}).get("email"),
                "startDate": begins,
                "endDate": ends,
                "userTier": _users(paid.get("tier")),
                "listPrice": money(float(paid.get("purchasePrice") or 0) / len(terms)),
                "discounts": [
                    {"promotionId": None, "amount": 12.5, "percent": 5, "reasonCode": "LOYALTY", "type": "EXPERT"}
                    | {"promoCode": f"SAVE{number % 100}"}
                ]
                if number % 3 == 0
                else None,
                "createdBy": "quotes@blueprint-solutions-sbx.com" if number % 2 else None,
                "vendorId": str(VENDOR_ID),
                "productPlatform": "cloud",
                "commerceSystem": chance.choice(("CART", "CCP")),
                # Not in the API's description.
                "currency": "USD",
            }
        )


def _users(tier: object) -> int | None:
    digits = "".join(letter for letter in str(tier) if letter.isdigit())
    return int(digits) if digits else None
