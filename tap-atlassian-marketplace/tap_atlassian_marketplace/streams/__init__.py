"""The streams, each a declaration and at most two methods."""

from tap_atlassian_marketplace.streams.base import MarketplaceStream
from tap_atlassian_marketplace.streams.customers import (
    AccountEvents,
    Accounts,
    Anomalies,
    CustomerStream,
    MrrSegments,
    People,
)
from tap_atlassian_marketplace.streams.licenses import Contacts, Licenses
from tap_atlassian_marketplace.streams.transactions import Transactions

__all__ = [
    "AccountEvents",
    "Accounts",
    "Anomalies",
    "Contacts",
    "CustomerStream",
    "Licenses",
    "MarketplaceStream",
    "MrrSegments",
    "People",
    "Transactions",
]
