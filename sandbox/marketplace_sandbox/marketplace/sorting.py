"""The order of a report's rows. No field says when a row was last updated: rows come in no such order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sandbox.marketplace.parameters import choice, choices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.datastructures import QueryParams

    from marketplace_sandbox.world.rows import Row

    Order = Callable[[Iterable[Row]], Iterable[Row]]

_LICENSE_FIELDS = {
    "addonName": "addonName",
    "company": "contactDetails.company",
    "country": "contactDetails.country",
    "endDate": "maintenanceEndDate",
    "hosting": "hosting",
    "licenseId": "licenseId",
    "licenseType": "licenseType",
    "partner": "partnerDetails.partnerName",
    "region": "contactDetails.region",
    "startDate": "maintenanceStartDate",
    "tier": "tier",
}
_SALE_FIELDS = {
    "addonName": "addonName",
    "company": "customerDetails.company",
    "country": "customerDetails.country",
    "date": "purchaseDetails.saleDate",
    "hosting": "purchaseDetails.hosting",
    "licenseId": "licenseId",
    "licenseType": "purchaseDetails.licenseType",
    "partner": "partnerDetails.partnerName",
    "partnerType": "partnerDetails.partnerType",
    "purchasePrice": "purchaseDetails.purchasePrice",
    "region": "customerDetails.region",
    "saleType": "purchaseDetails.saleType",
    "tier": "purchaseDetails.tier",
    "transactionId": "transactionId",
    "vendorAmount": "purchaseDetails.vendorAmount",
    "paymentStatus": "paymentStatus",
}


def license_order(params: QueryParams) -> Order:
    """The order of licence rows by `sortBy`, always ascending: `order` is read and ignored."""
    choice(params, "order", ("asc", "desc"), "asc")
    return _order(choices(params, "sortBy", _LICENSE_FIELDS), _LICENSE_FIELDS, descending=False)


def transaction_order(params: QueryParams) -> Order:
    """The order of transaction rows by `sortBy`, in the direction of `order`."""
    descending = choice(params, "order", ("asc", "desc"), "asc") == "desc"
    return _order(choices(params, "sortBy", _SALE_FIELDS), _SALE_FIELDS, descending=descending)


def _order(names: list[str], fields: dict[str, str], *, descending: bool) -> Order:
    outer, _, inner = fields[names[-1]].partition(".") if names else ("", "", "")

    def key(row: Row) -> tuple[bool, float, str]:
        value = row.get(outer)
        value = (value or {}).get(inner) if inner else value
        number = value if isinstance(value, (int, float)) else 0
        return value is not None, number, value if isinstance(value, str) else ""

    def ordered(rows: Iterable[Row]) -> Iterable[Row]:
        ascending = sorted(rows, key=key) if names else rows
        return list(ascending)[::-1] if descending else ascending

    return ordered
