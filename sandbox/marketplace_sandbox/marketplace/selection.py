"""Which rows a report holds: filters, and the defaults that hide rows without saying so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.marketplace.parameters import choice, choices, date_of, flag
from marketplace_sandbox.marketplace.sorting import license_order, transaction_order
from marketplace_sandbox.world.rows import INSIGHT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from starlette.datastructures import QueryParams

    from marketplace_sandbox.world import World
    from marketplace_sandbox.world.rows import Row

HOSTINGS = ("cloud", "datacenter", "server")
_PARTNER_TYPES = ("direct", "expert", "reseller", "upgrade")
_BOUNDARIES = ("commercial", "fedramp_moderate", "isolated_cloud")
_LEVELS = ("single-instance", "multi-instance")
EDITIONS = ("free", "standard", "advanced", "Standard", "Advanced")
_LICENSE_TYPES = (
    "academic",
    "commercial",
    "community",
    "demonstration",
    "evaluation",
    "net_new_evaluation",
    "upgrade_evaluation",
    "open_source",
    "starter",
    "free",
    "classroom",
    "legacy_free",
)
_SALE_TYPES = ("new", "refund", "renewal", "upgrade", "downgrade")
_PAYMENTS = ("paid", "open", "uncollectible", "refunded")

INSIGHTS_SINCE = "2018-07-01"
"""Data insights exist from this day on; a report that starts earlier, or nowhere, has none."""


class Selection:
    """The rows of a report, looked for each time they are read; nothing is kept of them.

    Args:
        rows: All rows.
        wanted: Whether a row belongs to the report.
        shown: What the report shows of a row.
        order: Puts the rows in the order that was asked for; None if none was.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        wanted: Callable[[Row], bool],
        shown: Callable[[Row], Row],
        order: Callable[[Iterable[Row]], Iterable[Row]],
    ) -> None:
        self._rows = rows
        self._wanted = wanted
        self._shown = shown
        self._order = order

    def __iter__(self) -> Iterator[Row]:
        return map(self._shown, self._order(filter(self._wanted, self._rows)))


def licenses(world: World, params: QueryParams) -> Selection:
    """The licence rows of a report, without the fields that it did not ask for.

    Raises:
        BadParameterError: A parameter has a value that the API refuses.
    """
    start, end, since = (date_of(params, name) for name in ("startDate", "endDate", "lastUpdated"))
    date_type = choice(params, "dateType", ("start", "end"), "start")
    types = choices(params, "licenseType", _LICENSE_TYPES)
    statuses = choices(params, "status", ("active", "inactive", "cancelled"))
    with_atlassian, only_free = (
        flag(params, "includeAtlassianLicenses"),
        flag(params, "showLifeTimeFreeLicenses"),
    )
    with_insights = flag(params, "withDataInsights") and start is not None and start >= INSIGHTS_SINCE
    flag(params, "withAttribution")
    common = _common(params)
    free_products = {app.product_id for app in world.apps.values() if app.always_free}

    def wanted(row: Row) -> bool:
        return (
            (with_atlassian or row.get("licenseSourceType") != "Atlassian")
            and (row.get("productId") in free_products) == only_free
            and (not types or any(_is_type(row, kind) for kind in types))
            and (not statuses or row.get("status") in statuses)
            and (since is None or (row.get("lastUpdated") or "") >= since)
            and (row.get("addonLicenseId") in world.repeated or _in_window(row, start, end, date_type))
            and all(test(row) for test in common)
        )

    return Selection(
        world.licenses, wanted, (lambda row: row) if with_insights else _without_insights, license_order(params)
    )


def transactions(world: World, params: QueryParams) -> Selection:
    """The transaction rows of a report.

    Raises:
        BadParameterError: A parameter has a value that the API refuses.
    """
    start, end, since = (date_of(params, name) for name in ("startDate", "endDate", "lastUpdated"))
    sale_types = choices(params, "saleType", _SALE_TYPES)
    payments = choices(params, "paymentStatus", _PAYMENTS)
    periods = choices(params, "billingPeriod", ("monthly", "annual"))
    with_manual, without_zero = flag(params, "includeManualInvoice"), flag(params, "excludeZeroTransactions")
    common = _common(params)

    def wanted(row: Row) -> bool:
        purchase = row.get("purchaseDetails") or {}
        sold = purchase.get("saleDate") or ""
        return (
            (with_manual or not row.get("isInvoiceManual"))
            and not (without_zero and purchase.get("purchasePrice") == 0)
            and (not sale_types or _lower(purchase.get("saleType")) in sale_types)
            and (not payments or _lower(row.get("paymentStatus")) in payments)
            and (not periods or _lower(purchase.get("billingPeriod")) in periods)
            and (since is None or (row.get("lastUpdated") or "") >= since)
            and (start is None or sold >= start)
            and (end is None or sold <= end)
            and all(test(row) for test in common)
        )

    return Selection(world.transactions, wanted, lambda row: row, transaction_order(params))


def _without_insights(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in INSIGHT_FIELDS}


def _common(params: QueryParams) -> list[Callable[[Row], bool]]:
    products = set(params.getlist("productId"))
    tiers = set(params.getlist("tier"))
    text = (params.get("text") or "").lower()
    hostings = choices(params, "hosting", HOSTINGS)
    partners = choices(params, "partnerType", _PARTNER_TYPES)
    boundaries = choices(params, "cloudComplianceBoundaries", _BOUNDARIES) or ["commercial"]
    editions = [edition.lower() for edition in choices(params, "appEdition", EDITIONS)]
    levels = choices(params, "licenseLevel", _LEVELS)

    def within_boundary(row: Row) -> bool:
        of_row = row.get("cloudComplianceBoundaries") or ["commercial"]
        return _hosting(row) != "cloud" or any(boundary in boundaries for boundary in of_row)

    tests: list[Callable[[Row], bool]] = [within_boundary]
    if products:
        tests.append(lambda row: row.get("productId") in products)
    if tiers:
        tests.append(lambda row: _tier(row) in tiers | {"Evaluation"})
    if text:
        tests.append(lambda row: any(text in value.lower() for value in _searchable(row)))
    if hostings:
        tests.append(lambda row: _hosting(row) in hostings)
    if partners:
        tests.append(lambda row: _partner(row) in partners)
    if editions:
        tests.append(lambda row: _lower(row.get("appEdition")) in editions)
    if levels:
        tests.append(lambda row: row.get("licenseLevel") in levels)
    return tests


def _in_window(row: Row, start: str | None, end: str | None, date_type: str) -> bool:
    begins, ends = row.get("maintenanceStartDate") or "", row.get("maintenanceEndDate") or "9999-12-31"
    from_day = begins if date_type == "start" else ends
    return (start is None or from_day >= start) and (end is None or begins <= end)


def _is_type(row: Row, kind: str) -> bool:
    own = _lower(row.get("licenseType"))
    if kind in ("net_new_evaluation", "upgrade_evaluation") and own == "evaluation":
        return ("upgradeEvaluationStartDate" in row) == (kind == "upgrade_evaluation")
    return own == kind


def _lower(value: Any) -> str:
    return value.lower() if isinstance(value, str) else ""


def _hosting(row: Row) -> str:
    purchase = row.get("purchaseDetails") or {}
    return _lower(row.get("hosting") or purchase.get("hosting")).replace(" ", "")


def _tier(row: Row) -> str:
    tier = row.get("tier") or (row.get("purchaseDetails") or {}).get("tier") or ""
    users = re.search(r"-?\d+(?= user)", tier, re.IGNORECASE)
    return users.group() if users else tier


def _partner(row: Row) -> str:
    partner = row.get("partnerDetails")
    return _lower(partner.get("partnerType")).replace("corporate_", "") if partner else "direct"


def _searchable(row: Row) -> list[str]:
    contacts = row.get("contactDetails") or row.get("customerDetails") or {}
    people = (contacts.get("technicalContact"), contacts.get("billingContact"))
    values = [
        row.get("licenseId"),
        row.get("addonLicenseId"),
        row.get("appEntitlementNumber"),
        row.get("appEntitlementId"),
        row.get("cloudId"),
        row.get("cloudSiteHostname"),
        contacts.get("company"),
        *(person.get("email") for person in people if person),
    ]
    return [value for value in values if value]
