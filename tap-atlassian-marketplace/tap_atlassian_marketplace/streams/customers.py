"""The customer streams: what licences, transactions, feedback and quotes mean."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

from tap_atlassian_marketplace import customer_rows, examining
from tap_atlassian_marketplace.json_array import whole_row
from tap_atlassian_marketplace.reports import ALSO_OF_CUSTOMERS
from tap_atlassian_marketplace.row_kinds import LICENSES, TRANSACTIONS
from tap_atlassian_marketplace.sdk import BookmarkedStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_atlassian_marketplace.tap import TapAtlassianMarketplace


class CustomerStream(BookmarkedStream):
    """Rows that are computed from all that the Marketplace tells of customers.

    Each run emits all of them, whatever the state says, and thus retires those that it no longer computes.
    """

    selected_by_default = False
    made_of: ClassVar[tuple[str, ...]] = (LICENSES, TRANSACTIONS)
    """The reports without which rows would be missing; what others tell only changes them."""

    tap: TapAtlassianMarketplace

    def __init__(self, tap: TapAtlassianMarketplace) -> None:
        schema = files("tap_atlassian_marketplace.schemas").joinpath(f"{self.name}.json").read_text("utf-8")
        super().__init__(tap, json.loads(schema))

    def get_records(self, context: object) -> Iterator[Any]:  # noqa: ARG002 - there are no partitions
        """Give all rows, as JSON where nothing about them changes."""
        reports = self.tap.open_reports()
        is_of_today = not self.config.get("as_of")
        self.choose_version(new=is_of_today and not reports.selection.narrowed_by)
        rows = self.tap.customers.encoded(self.name)
        yield from rows if self.writes_records_as_they_are else map(whole_row, rows)
        for report in reports.everything:
            reports.vouch_for(report)
        if not reports.selection.is_trial:
            self.note_vendor()
        gap = next(filter(None, map(self._gap, self.made_of)), None)
        self.retire_older_rows(unless=gap if is_of_today else "`as_of` is another day")

    def _gap(self, report: str) -> str | None:
        """Say why rows that are made of a report may be missing; None if none can."""
        reports = self.tap.reports
        if report not in reports.everything:
            return f"{report} may not be read"
        # Many vendors have no feedback and no quotes at all.
        return reports.gap(report, believes_empty=report in ALSO_OF_CUSTOMERS)


class Accounts(CustomerStream):
    """What one looks for when one looks at a customer: one row an entitlement."""

    name = examining.ACCOUNTS
    primary_keys = ("account_id",)

    def get_records(self, context: object) -> Iterator[Any]:
        """Give all rows, and name the licences of a trial that were not found."""
        yield from super().get_records(context)
        self.tap.reports.find_numbers(LICENSES, TRANSACTIONS)


class People(CustomerStream):
    """The people behind all licences, one row an e-mail."""

    name = customer_rows.PEOPLE
    primary_keys = ("email",)


class AccountEvents(CustomerStream):
    """What happened to an account: sales, trials, churn."""

    name = examining.EVENTS
    made_of = (LICENSES, TRANSACTIONS, *ALSO_OF_CUSTOMERS)
    primary_keys = ("event_id",)


class MrrSegments(CustomerStream):
    """What each transaction adds to monthly recurring revenue, or takes from it, on which days."""

    name = examining.SEGMENTS
    primary_keys = ("account_id", "transaction_key", "target_transaction_key", "valid_from")


class Anomalies(CustomerStream):
    """What is odd about sales, and what to do about it."""

    name = examining.ANOMALIES
    primary_keys = ("id",)
