"""The order of a report's rows. No field says when a row was last updated: rows come in no such order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sandbox.marketplace.parameters import choice, choices

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

    from marketplace_sandbox.world.rows import Row

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


def sorted_licenses(rows: list[Row], params: QueryParams) -> list[Row]:
    """Licence rows by `sortBy`, always ascending: `order` is read and ignored."""
    choice(params, "order", ("asc", "desc"), "asc")
    return _sorted(rows, choices(params, "sortBy", _LICENSE_FIELDS), _LICENSE_FIELDS)


def sorted_transactions(rows: list[Row], params: QueryParams) -> list[Row]:
    """Transaction rows by `sortBy`, in the direction of `order`."""
    descending = choice(params, "order", ("asc", "desc"), "asc") == "desc"
    ascending = _sorted(rows, choices(params, "sortBy", _SALE_FIELDS), _SALE_FIELDS)
    return ascending[::-1] if descending else ascending


def _sorted(rows: list[Row], names: list[str], fields: dict[str, str]) -> list[Row]:
    if not names:
        return rows
    outer, _, inner = fields[names[-1]].partition(".")

    def key(row: Row) -> tuple[bool, float, str]:
        value = row.get(outer)
        value = (value or {}).get(inner) if inner else value
        number = value if isinstance(value, (int, float)) else 0
        return value is not None, number, value if isinstance(value, str) else ""

    return sorted(rows, key=key)
