"""What identifies the rows of each report, and which of two rows with one identity counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from tap_atlassian_marketplace.customers.fields import money
from tap_atlassian_marketplace.customers.identity import key_part, license_key, transaction_key
from tap_atlassian_marketplace.dates import is_date
from tap_atlassian_marketplace.row_ids import attribution_id, event_id, feedback_id, quote_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LICENSES = "licenses"
TRANSACTIONS = "sales/transactions"
CHURN = "sales/metrics/churn/details"
CONVERSION = "sales/metrics/conversion/details"
RENEWAL = "sales/metrics/renewal/details"
FEEDBACK = "feedback/details"
QUOTES = "quotes"
ATTRIBUTION = "marketing-attribution"
APPS = "apps"
VERSIONS = "app_versions"
REVIEWS = "reviews"
REVENUE = "recurring_revenue"

_INSIGHTS = 100_000_000


class _Insights(TypedDict, total=False):
    evaluationOpportunitySize: Any
    evaluationLicense: Any
    daysToConvertEval: Any
    evaluationStartDate: Any
    evaluationEndDate: Any
    evaluationSaleDate: Any
    parentProductBillingCycle: Any
    parentProductName: Any
    parentProductEdition: Any
    installedOnSandbox: Any


class _License(_Insights, total=False):
    addonLicenseId: Any
    licenseId: Any
    appEntitlementId: Any
    appEntitlementNumber: Any
    lastUpdated: Any


class _Transaction(TypedDict, total=False):
    transactionId: Any
    transactionLineItemId: Any
    lastUpdated: Any


INSIGHT_FIELDS = tuple(_Insights.__annotations__)


@dataclass(frozen=True)
class RowKind:
    """What identifies the rows of a report.

    Attributes:
        key: Gives a row's key; rows without one cannot be told apart.
        rank: Of the rows of one key, that of the highest rank counts.
        decoder: Reads an array of rows, of each of them only what `key` and `rank` look at.
        name: What the API calls the rows, in the pages of their list and around their export if anything is.
    """

    key: Callable[[Mapping[str, Any]], str | None]
    rank: Callable[[Mapping[str, Any]], int]
    decoder: msgspec.json.Decoder[Any]
    name: str


def newer(row: Mapping[str, Any]) -> int:
    """Rank a row by the day of its last update; a row without one ranks lowest."""
    updated = row.get("lastUpdated")
    return int(str(updated).replace("-", "")) if is_date(updated) else 0


def with_insights_then_newer(row: Mapping[str, Any]) -> int:
    """Rank a licence row: first whether it carries data insights, then the day of its last update."""
    has_insights = any(row.get(name) is not None for name in INSIGHT_FIELDS)
    return newer(row) + (_INSIGHTS if has_insights else 0)


def version_key(row: Mapping[str, Any]) -> str | None:
    """Give the key of a version as one text: its software, and its build, which is a number."""
    software, build = key_part(row.get("appSoftwareId")), money(row.get("buildNumber"))
    return None if software is None or build is None else f"{software}\n{build}"


def revenue_key(row: Mapping[str, Any]) -> str | None:
    """Give the key of a month's revenue as one text; the subscription may be empty, month and app may not."""
    month_and_app = _of_parts(row, "month", "productId")
    return month_and_app and f"{month_and_app}\n{row.get('subscription')}"


def equal(_: Mapping[str, Any]) -> int:
    """Rank all rows alike."""
    return 0


def _of_parts(row: Mapping[str, Any], *names: str) -> str | None:
    parts = [key_part(row.get(name)) for name in names]
    return None if None in parts else "\n".join(parts)  # type: ignore[arg-type] # none of them is None


def _key_of(*names: str) -> Callable[[Mapping[str, Any]], str | None]:
    return lambda row: _of_parts(row, *names)


_WHOLE: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[dict[str, Any]])

ROW_KINDS = {
    LICENSES: RowKind(license_key, with_insights_then_newer, msgspec.json.Decoder(list[_License]), "licenses"),
    TRANSACTIONS: RowKind(transaction_key, newer, msgspec.json.Decoder(list[_Transaction]), "transactions"),
    CHURN: RowKind(partial(event_id, "churn"), newer, _WHOLE, "events"),
    CONVERSION: RowKind(partial(event_id, "conversion"), newer, _WHOLE, "events"),
    RENEWAL: RowKind(partial(event_id, "renewal"), newer, _WHOLE, "events"),
    FEEDBACK: RowKind(feedback_id, equal, _WHOLE, "feedback"),
    QUOTES: RowKind(quote_id, equal, _WHOLE, "quotes"),
    ATTRIBUTION: RowKind(attribution_id, equal, _WHOLE, "marketingAttribution"),
    APPS: RowKind(_key_of("productId"), equal, _WHOLE, "items"),
    VERSIONS: RowKind(version_key, equal, _WHOLE, "versions"),
    REVIEWS: RowKind(_key_of("id"), equal, _WHOLE, "reviews"),
    REVENUE: RowKind(revenue_key, equal, _WHOLE, "records"),
}
