"""What customers said when they disabled, uninstalled or unsubscribed an app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.bookmarks import Window
from tap_atlassian_marketplace.customers.identity import identity
from tap_atlassian_marketplace.paged_list import ListRequest
from tap_atlassian_marketplace.row_kinds import FEEDBACK
from tap_atlassian_marketplace.streams.own_report import WithId

if TYPE_CHECKING:
    from tap_atlassian_marketplace.merging import Row
    from tap_atlassian_marketplace.reports import Reports


class ListedStream(WithId):
    """Rows of a report that has a list only, read page by page from the first day of the window on."""

    def request(self, reports: Reports) -> ListRequest:
        """Ask for the days of the window, or for all where customers are computed from them."""
        window = Window() if self._serves_customers else self.window
        return ListRequest(
            self.report,
            (
                *(("productId", product) for product in reports.product_ids),
                *([("startDate", window.since)] if window.since else []),
                *([("endDate", window.until)] if window.until else []),
            ),
            self.tells_gone,
        )


class Feedback(ListedStream):
    """Reasons and words given by customers who disabled, uninstalled or unsubscribed."""

    name = "feedback"
    report = FEEDBACK
    replication_key = "date"

    def added(self, row: Any) -> Row:
        """Give the id, and the ids of the licence; anonymous feedback has none."""
        _, account_id, aliases = identity(row)
        return {**super().added(row), "account_id": account_id, "aliases": aliases}
