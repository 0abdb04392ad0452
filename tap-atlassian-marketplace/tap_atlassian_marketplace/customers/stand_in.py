"""What stands in for a licence that the Marketplace does not list: what its sales say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.fields import obj

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_atlassian_marketplace.customers.sales import Sale

_OF_ROW = (
    "addonLicenseId",
    "licenseId",
    "appEntitlementId",
    "appEntitlementNumber",
    "hostEntitlementNumber",
    "cloudId",
    "addonKey",
    "addonName",
    "productId",
    "appEdition",
    "licenseLevel",
    "partnerDetails",
    "lastUpdated",
)
_OF_PURCHASE = ("tier", "licenseType", "hosting", "parentProductName", "parentProductEdition")


def stand_in(sales: Sequence[Sale]) -> dict[str, Any]:
    """Give a licence row of what the latest sale says that says it; empty without sales.

    Its status is not known, and it has no trial.
    """
    row: dict[str, Any] = {}
    for sale in reversed(sales):
        details = obj(sale.row, "purchaseDetails")
        said = {name: sale.row.get(name) for name in _OF_ROW} | {name: details.get(name) for name in _OF_PURCHASE}
        said["contactDetails"] = sale.row.get("customerDetails")
        for name, value in said.items():
            if value is not None:
                row.setdefault(name, value)
    return row
