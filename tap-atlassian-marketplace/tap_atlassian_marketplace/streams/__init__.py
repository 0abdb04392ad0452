"""The streams, each a declaration and at most two methods."""

from tap_atlassian_marketplace.streams.base import MarketplaceStream
from tap_atlassian_marketplace.streams.catalogue import Apps, AppVersions, Reviews
from tap_atlassian_marketplace.streams.customers import (
    AccountEvents,
    Accounts,
    Anomalies,
    CustomerStream,
    MrrSegments,
    People,
)
from tap_atlassian_marketplace.streams.exported import MarketingAttribution, Quotes
from tap_atlassian_marketplace.streams.feedback import Feedback
from tap_atlassian_marketplace.streams.licenses import Contacts, Licenses
from tap_atlassian_marketplace.streams.metric_events import ChurnEvents, ConversionEvents, RenewalEvents
from tap_atlassian_marketplace.streams.own_report import OwnReportStream
from tap_atlassian_marketplace.streams.recurring_revenue import RecurringRevenue
from tap_atlassian_marketplace.streams.transactions import Transactions

STREAMS: tuple[type[MarketplaceStream | CustomerStream], ...] = (
    Licenses,
    Contacts,
    Transactions,
    Accounts,
    People,
    AccountEvents,
    MrrSegments,
    Anomalies,
    ChurnEvents,
    ConversionEvents,
    RenewalEvents,
    Feedback,
    Quotes,
    MarketingAttribution,
    RecurringRevenue,
    Apps,
    AppVersions,
    Reviews,
)
"""All streams, in the order of emission."""

NAMES = tuple(stream.name for stream in STREAMS)  # type: ignore[misc] # each of these classes has its own
BY_DEFAULT = tuple(name for name, stream in zip(NAMES, STREAMS, strict=True) if stream.selected_by_default)
"""Names of the streams that are selected by default."""

__all__ = [
    "BY_DEFAULT",
    "NAMES",
    "STREAMS",
    "AccountEvents",
    "Accounts",
    "Anomalies",
    "Contacts",
    "CustomerStream",
    "Licenses",
    "MarketplaceStream",
    "MrrSegments",
    "OwnReportStream",
    "People",
    "Transactions",
]
