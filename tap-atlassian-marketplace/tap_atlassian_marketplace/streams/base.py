"""What all streams share: which rows are new, which values are usable, and when the bookmark moves."""

from __future__ import annotations

import json
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

from tap_atlassian_marketplace.bookmarks import REPLICATION_KEY, Bookmark, Days, Window, fingerprint, latest_bookmark
from tap_atlassian_marketplace.dates import is_date
from tap_atlassian_marketplace.fitting import Fitting
from tap_atlassian_marketplace.json_array import whole_row
from tap_atlassian_marketplace.plain_rows import PlainRow, PlainRowReader
from tap_atlassian_marketplace.sdk import BookmarkedStream
from tap_atlassian_marketplace.unknown_fields import UnknownFields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_atlassian_marketplace.customers.identity import HasFields
    from tap_atlassian_marketplace.merging import Row
    from tap_atlassian_marketplace.reports import Reports
    from tap_atlassian_marketplace.tap import TapAtlassianMarketplace


class MarketplaceStream(BookmarkedStream):
    """A stream made of the rows of one report.

    A stream declares its name, keys and report, and gives the records of a row.
    """

    report: ClassVar[str]
    """The report that the rows come from."""

    added_fields: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that are put before those of a row, where the stream gives rows as they are."""

    never_gone: ClassVar[bool] = False
    """Whether a row that the report lacks tells nothing: it leaves by its age alone, or nothing counts the rows."""

    days_late: ClassVar[int] = 0
    """Days by which a row may be older than others and yet be told of only after them; every run looks back as far."""

    replication_key: str | None = REPLICATION_KEY

    tap: TapAtlassianMarketplace

    def __init__(self, tap: TapAtlassianMarketplace) -> None:
        schema = files("tap_atlassian_marketplace.schemas").joinpath(f"{self.name}.json").read_text("utf-8")
        super().__init__(tap, json.loads(schema))
        self._fitting = Fitting(self.schema)
        self._unknown_fields = UnknownFields(self.schema)

    def rows(self, reports: Reports, read: Callable[[bytes], Any]) -> Iterable[Any]:
        """Give the rows of the report that the filters let through, each made of its JSON."""
        raise NotImplementedError

    def added(self, row: HasFields) -> Row:
        """Give the fields that are put before those of a row."""
        raise NotImplementedError

    def day(self, row: HasFields) -> str | None:
        """Give the day of a row that decides whether it is new; None if it has none."""
        day = row.get(self.replication_key) if self.replication_key else None
        return day if is_date(day) else None

    def records(self, row: Row) -> Iterable[Row]:
        """Make the records of a row."""
        added = self.added(row)
        return [{**added, **row, **added}]

    def get_records(self, context: object) -> Iterator[Any]:  # noqa: ARG002 - there are no partitions
        """Give the records that are new since the bookmark, as dictionaries or as JSON, then move it."""
        reports = self.tap.open_reports()
        self.choose_version(new=self._reads_all_days and not reports.selection.narrowed_by)
        days = Days(self._bookmark.latest)
        for row in self.rows(reports, self._read):
            updated = self.day(row)
            if not self.window.admits(updated):
                continue
            days.see(updated)
            if isinstance(row, PlainRow):
                yield row.after(self.added(row))
                continue
            for record in self.records(row):
                self._fitting.fit(record)
                self._unknown_fields.look_at(record)
                yield record
        # Reached only when every record was taken, so an interrupted stream keeps its old bookmark.
        self.report_oddities(reports)
        reports.vouch_for(self.report)
        if not reports.selection.is_trial:
            self.note_vendor()
        if self._reads_all_days:
            self.retire_older_rows(unless=reports.gap(self.report))
        if self._keeps_bookmark:
            self._bookmark.write(self.bookmark_state, days.newest)
            if days.ahead:
                self.logger.warning(
                    "%s of %d rows lies in the future; the bookmark stops at %s.",
                    self._bookmark.key,
                    days.ahead,
                    self.bookmark_state.get("replication_key_value") or "nothing",
                )

    @cached_property
    def _read(self) -> Callable[[bytes], Any]:
        if self.added_fields and self.writes_records_as_they_are:
            return PlainRowReader(self.schema, self.added_fields).read
        return whole_row

    @cached_property
    def window(self) -> Window:
        """The days whose rows the stream emits in this run."""
        settings = self.tap.settings
        return self._bookmark.window(
            lookback_days=settings.lookback_days + self.days_late,
            start_date=settings.start_date,
            end_date=settings.end_date,
        )

    @property
    def _reads_all_days(self) -> bool:
        return not self.never_gone and self.window == Window()

    @cached_property
    def _keeps_bookmark(self) -> bool:
        return self.is_incremental and not self.tap.reports.selection.is_trial

    @cached_property
    def _bookmark(self) -> Bookmark:
        valid_for = fingerprint(self.tap.reports.scope)
        if not self._keeps_bookmark:
            return Bookmark(None, valid_for, latest_bookmark())
        key = self.replication_key or REPLICATION_KEY
        bookmark = Bookmark.from_state(self.bookmark_state, valid_for, latest_bookmark(), key)
        if bookmark.discarded:
            self.log("The bookmark belongs to another vendor, start date or filter: reading from the start.")
        return bookmark

    def report_oddities(self, reports: Reports) -> None:
        """Log, without values, what was wrong with the rows."""
        for field, what, count in self._fitting.misfits():
            self.logger.warning("%s held no %s in %d rows; emitted as null.", field, what, count)
        if count := reports.left_out(self.report):
            self.logger.warning("%d rows without an id were left out.", count)
        if names := self._unknown_fields.names():
            self.logger.warning("Fields that the schema does not know, passed on as they are: %s.", ", ".join(names))
