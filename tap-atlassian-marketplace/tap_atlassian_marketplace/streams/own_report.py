"""What streams share that have a report of their own, which serves no other stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.reports import ALSO_OF_CUSTOMERS
from tap_atlassian_marketplace.row_kinds import ROW_KINDS
from tap_atlassian_marketplace.streams.base import MarketplaceStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_atlassian_marketplace.customers.identity import HasFields
    from tap_atlassian_marketplace.merging import Row
    from tap_atlassian_marketplace.reports import Reports
    from tap_atlassian_marketplace.settings import Settings
    from tap_atlassian_marketplace.spooled_rows import RowsRequest


class OwnReportStream(MarketplaceStream):
    """Rows as the Marketplace sends them; one that comes without an id is given one.

    Not selected by default. A stream says by `request` what it asks for, and the class of that request knows the way in
    which the API gives such rows: `ExportRequest` exports, `ListRequest` pages by offset, those of `catalogue` pages by
    cursor, `RevenueRequest` some months at a time.
    """

    selected_by_default = False

    @property
    def is_needed(self) -> bool:
        """Whether its rows are asked for: to be emitted, or since customers are computed from them too."""
        return self.selected or self._serves_customers

    @property
    def _serves_customers(self) -> bool:
        return self.report in ALSO_OF_CUSTOMERS and self.tap.computes_customers

    @property
    def _settings(self) -> Settings:
        return self.tap.settings

    @property
    def tells_gone(self) -> bool:
        """Whether rows that the report does not have shall count as gone, or what customers are because of them."""
        if not self.emit_activate_version_messages or self.tap.reports.selection.narrowed_by:
            return False
        return (self.selected and self._reads_all_days) or self.tap.makes_customers_of(self.report)

    def request(self, reports: Reports) -> RowsRequest:
        """Say what to ask the Marketplace for."""
        raise NotImplementedError

    def rows(self, reports: Reports, read: Callable[[bytes], Any]) -> Iterable[Any]:
        """Give the rows of the chosen apps and licences."""
        return reports.others(self.report, read)

    def added(self, row: HasFields) -> Row:  # noqa: ARG002 - as declared
        """Give nothing: the row has its key."""
        return {}


class WithId(OwnReportStream):
    """Rows whose id is made of some of their fields, see `row_ids`."""

    primary_keys = ("id",)

    def added(self, row: Any) -> Row:
        """Give the id."""
        return {"id": ROW_KINDS[self.report].key(row)}
