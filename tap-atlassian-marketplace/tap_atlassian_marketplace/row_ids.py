"""Ids for rows that the API gives none: the SHA-256 of a fixed set of fields, never of the whole row.

A set leaves out what may change or be erased later (people, prices, states) and what Atlassian may add. Changing one
changes every id of its stream.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.identity import license_key, shared_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_atlassian_marketplace.customers.identity import HasFields

Row = dict[str, Any]

# What an export of events may have on the top level, and the list has below `licenseDetails`.
_LICENSE_DETAILS = (
    "licenseId",
    "appEntitlementId",
    "appEntitlementNumber",
    "cloudId",
    "maintenanceStartDate",
    "maintenanceEndDate",
    "monthsValid",
    "multiInstanceEntitlementId",
    "multiInstanceEntitlementNumber",
)
_FEEDBACK = ("addonKey", "date", "feedbackType", "reasonKey", "message", "addonVersion", "applicationKey", "cloudId")
_ATTRIBUTION = (
    "addonKey",
    "eventTimestamp",
    "userId",
    "channel",
    "referrerDomain",
    "marketplaceURL",
    "campaignSource",
    "campaignMedium",
    "campaignName",
    "campaignContent",
)
_QUOTE = (
    "quoteId",
    "quoteNumber",
    "entitlementEid",
    "entitlementNumber",
    "commerceProductId",
    "productId",
    "appEdition",
    "userTier",
    "startDate",
    "endDate",
)


def with_license_details(row: Mapping[str, Any]) -> Row:
    """Give an event in the one shape that is described: what belongs to its licence below `licenseDetails`.

    The list has it there; an export may have it on the top level, and null or an object without any id there.
    """
    details = row.get("licenseDetails")
    if event_license(row) is details:
        return dict(row)
    moved = {name: row[name] for name in _LICENSE_DETAILS if name in row}
    rest = {name: value for name, value in row.items() if name not in moved}
    if isinstance(details, dict):
        moved |= {name: value for name, value in details.items() if moved.get(name) is None}
    return {**rest, "licenseDetails": moved} if moved else rest


def event_license(row: HasFields) -> HasFields:
    """Give the fields that name the licence of an event, in whichever shape it comes."""
    details = row.get("licenseDetails")
    if not isinstance(details, dict):
        return row
    named = (fields for names in (license_key, shared_number) for fields in (details, row) if names(fields))
    return next(named, details)


def with_license_ids(quote: Mapping[str, Any]) -> Row:
    """Give a quote with the ids of its licence by the names that they have elsewhere."""
    return {
        **quote,
        "appEntitlementNumber": quote.get("entitlementNumber"),
        "appEntitlementId": quote.get("entitlementEid"),
    }


def event_id(metric: str, row: Mapping[str, Any]) -> str | None:
    """Give the id of a churn, conversion or renewal: of metric, app, licence, day and transaction.

    Where neither licence nor transaction is named, of the multi-instance entitlement, too.
    """
    licence, day, sale = event_license(row), row.get("eventDate"), row.get("transactionId")
    key = license_key(licence)
    # Only there: what told events apart without it must not get another id because of it.
    number = shared_number(licence) if key is None and sale in (None, "") else None
    return _id(metric, row.get("addonKey"), key, day, sale, *([number] if number else ()), needed=day)


def feedback_id(row: Mapping[str, Any]) -> str | None:
    """Give the id of a piece of feedback: of its licence, app, day and words."""
    return _id(license_key(row), *(row.get(name) for name in _FEEDBACK), needed=row.get("feedbackType"))


def attribution_id(row: Mapping[str, Any]) -> str | None:
    """Give the id of a visit: of its licence, time and way."""
    return _id(license_key(row), *(row.get(name) for name in _ATTRIBUTION), needed=row.get("eventTimestamp"))


def quote_id(row: Mapping[str, Any]) -> str | None:
    """Give the id of a row of a quote, which has one for each entitlement, line and schedule."""
    return _id(*(row.get(name) for name in _QUOTE), needed=row.get("quoteId") or row.get("quoteNumber"))


def _id(*parts: Any, needed: Any) -> str | None:
    if needed in (None, ""):
        return None
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
