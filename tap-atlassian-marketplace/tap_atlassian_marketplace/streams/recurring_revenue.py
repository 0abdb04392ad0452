"""Monthly recurring revenue, in Atlassian's own reckoning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_atlassian_marketplace.partner_metrics import RevenueRequest
from tap_atlassian_marketplace.row_kinds import REVENUE
from tap_atlassian_marketplace.streams.own_report import OwnReportStream

if TYPE_CHECKING:
    from tap_atlassian_marketplace.reports import Reports


class RecurringRevenue(OwnReportStream):
    """Opening, new, expanded, contracted, reactivated, expired and closing MRR of the last 24 months."""

    name = "recurring_revenue"
    primary_keys = ("month", "productId", "subscription")
    report = REVENUE
    replication_key = None
    never_gone = True  # a month leaves by its age alone, and is no less true for it

    def request(self, reports: Reports) -> RevenueRequest:  # noqa: ARG002 - the metrics are not chosen by app
        """Ask for the last 24 months."""
        return RevenueRequest.until_today()
