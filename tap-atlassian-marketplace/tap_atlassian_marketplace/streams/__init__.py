"""The streams, each a declaration and at most two methods."""

from tap_atlassian_marketplace.streams.base import MarketplaceStream
from tap_atlassian_marketplace.streams.licenses import Contacts, Licenses
from tap_atlassian_marketplace.streams.transactions import Transactions

__all__ = ["Contacts", "Licenses", "MarketplaceStream", "Transactions"]
