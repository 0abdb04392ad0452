"""Churn, conversions and renewals: what happened to licences, by details export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.identity import identity
from tap_atlassian_marketplace.exports import ExportRequest
from tap_atlassian_marketplace.row_ids import event_license, with_license_details
from tap_atlassian_marketplace.row_kinds import CHURN, CONVERSION, RENEWAL
from tap_atlassian_marketplace.streams.own_report import WithId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_atlassian_marketplace.merging import Row
    from tap_atlassian_marketplace.reports import Reports


class MetricEvents(WithId):
    """Events of one metric, from the export of its details, which answers at once."""

    def request(self, reports: Reports) -> ExportRequest:
        """Ask for what was updated since the window began."""
        since = self.window.since
        products = [("productId", product) for product in reports.product_ids]
        parameters = (*products, *([("lastUpdated", since)] if since else []))
        return ExportRequest(self.report, parameters, at_once=True)

    def rows(self, reports: Reports, read: Callable[[bytes], Any]) -> Iterable[Any]:
        """Give the events, each in the one shape that the schema describes."""
        return map(with_license_details, super().rows(reports, read))

    def added(self, row: Any) -> Row:
        """Give the id, and the ids of the licence."""
        _, account_id, aliases = identity(event_license(row))
        return {**super().added(row), "account_id": account_id, "aliases": aliases}


class ChurnEvents(MetricEvents):
    """Paid licences that were cancelled or ran out."""

    name = "churn_events"
    report = CHURN


class ConversionEvents(MetricEvents):
    """Trials that became paid licences."""

    name = "conversion_events"
    report = CONVERSION


class RenewalEvents(MetricEvents):
    """Licences that were renewed."""

    name = "renewal_events"
    report = RENEWAL
