"""Quotes and marketing attribution, each by an export that is started, polled and downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.bookmarks import latest_bookmark
from tap_atlassian_marketplace.customers.identity import identity
from tap_atlassian_marketplace.dates import is_date
from tap_atlassian_marketplace.exports import ExportRequest
from tap_atlassian_marketplace.free_bounds import FreeBound
from tap_atlassian_marketplace.row_kinds import ATTRIBUTION, QUOTES
from tap_atlassian_marketplace.streams.own_report import WithId

if TYPE_CHECKING:
    from tap_atlassian_marketplace.customers.identity import HasFields
    from tap_atlassian_marketplace.merging import Row
    from tap_atlassian_marketplace.reports import Reports

_FIRST_DAY = "2010-01-01"


class Quotes(WithId):
    """Quotes that customers accepted, a row for each entitlement, line and schedule."""

    name = "quotes"
    report = QUOTES
    replication_key = None

    def request(self, reports: Reports) -> ExportRequest:  # noqa: ARG002 - the export is not chosen by app
        """Ask for all quotes ever made; the list names the same days otherwise."""
        return ExportRequest(
            self.report,
            (("createdStartDate", _FIRST_DAY),),
            in_list=(("startDate", _FIRST_DAY), ("endDate", latest_bookmark())),
            free=FreeBound("createdEndDate"),
        )


class MarketingAttribution(WithId):
    """Visits by which those who tried an app had come to it, in the 30 days before the trial."""

    name = "marketing_attribution"
    report = ATTRIBUTION
    replication_key = "eventTimestamp"
    # A visit is told of only when the trial begins to which it led.
    days_late = 30
    # There is no list that would tell an export from one that lacks rows.
    never_gone = True

    def request(self, reports: Reports) -> ExportRequest:
        """Ask for the days since the window began; visits after its end are left out when they are here."""
        products = (("productId", product) for product in reports.product_ids)
        since = ("startDate", self.window.since or _FIRST_DAY)
        return ExportRequest(self.report, (*products, since), has_list=False, free=FreeBound("endDate"))

    def day(self, row: HasFields) -> str | None:
        """Give the day of the visit."""
        day = str(row.get("eventTimestamp") or "")[:10]
        return day if is_date(day) else None

    def added(self, row: Any) -> Row:
        """Give the id, and the ids of the licence."""
        _, account_id, aliases = identity(row)
        return {**super().added(row), "account_id": account_id, "aliases": aliases}
