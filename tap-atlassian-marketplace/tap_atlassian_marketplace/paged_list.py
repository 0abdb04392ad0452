"""The list of a report, read page by page into a file: for what has no export, or when none can be had."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.errors import SpoolError, TroubleError
from tap_atlassian_marketplace.pages import list_page
from tap_atlassian_marketplace.row_file import keys_of, row_file
from tap_atlassian_marketplace.spooled_rows import ExportStoppedError, SpooledRows

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from tap_atlassian_marketplace.client import MarketplaceClient, Parameters
    from tap_atlassian_marketplace.pages import ListPage

_READINGS = 2

_logger = logging.getLogger("tap-atlassian-marketplace")


@dataclass(frozen=True)
class ListRequest:
    """A report that has a list only.

    Attributes:
        report: Path of the report below the vendor's reports.
        parameters: Query parameters that choose the rows.
    """

    report: str
    parameters: tuple[tuple[str, str], ...]

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:  # noqa: ARG002
        """Write the rows to a new file."""

        def go_on() -> None:
            if stop.is_set():
                raise ExportStoppedError

        try:
            doubt = read_list(client, self.report, list(self.parameters), path, go_on)
        except OSError as error:
            raise SpoolError.no_room(self.report, error) from None
        return SpooledRows(path, keys_of(self.report, path), doubt)


def read_list(
    client: MarketplaceClient, report: str, filters: Parameters, path: Path, go_on: Callable[[], None]
) -> str | None:
    """Write all rows of a report's list to a new file, as a JSON array that only this user can read.

    Rows come and go while the pages are read, and the others shift: some may come twice, others not at all. That is
    seen by the total, which each page gives. The list is then read once more. A list without a total is read twice,
    too, unless a single page holds rows: it is believed when the same rows came both times, or none.

    Args:
        client: The API.
        report: Path of the report.
        filters: Query parameters that choose the rows.
        path: The file.
        go_on: Raises when the run ends; called before each page.

    Returns:
        None, or why rows may be missing, when the second reading did not settle it either.

    Raises:
        MarketplaceError: A page could not be had.
    """
    before: _Reading | None = None
    for _ in range(_READINGS):
        reading = _read_once(client, report, filters, path, go_on)
        if reading.is_whole or (not reading.totals and reading == before):
            if not (reading.rows or reading.totals):
                _logger.info("The list of %s is empty and tells no total, each of %d times.", report, _READINGS)
            return None
        if reading.totals:
            announced = " or ".join(str(total) for total in sorted(reading.totals))
            doubt = f"The list of {report} changed while it was read: it had {announced} rows, {reading.rows} came."
            _logger.warning("%s", doubt)
        else:
            doubt = f"The list of {report} tells no total, and gave other rows each time it was read."
        before = reading
    return f"{doubt} This happened {_READINGS} times; rows may be missing, so the next run reads the same days again."


@dataclass
class _Reading:
    """What one reading of the whole list gave; two without a total are equal when they gave the same rows."""

    pages: int = 0
    rows: int = 0
    totals: set[int] = field(default_factory=set)
    sum_of_hashes: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether no row can have slipped through: the total fits, or a single page held all.

        A page without rows or a total is no list that one could believe at first sight.
        """
        return self.totals == {self.rows} or (not self.totals and self.pages == 1 and self.rows > 0)

    def take_in(self, page: ListPage) -> None:
        """Count a page."""
        self.pages += 1
        self.rows += len(page.rows)
        self.sum_of_hashes += sum(int.from_bytes(blake2b(row, digest_size=16).digest(), "big") for row in page.rows)
        if page.total is not None:
            self.totals.add(page.total)


def _read_once(
    client: MarketplaceClient, report: str, filters: Parameters, path: Path, go_on: Callable[[], None]
) -> _Reading:
    place: Parameters | None = []
    seen: list[Parameters] = []
    reading, before = _Reading(), None
    with row_file(path) as add:
        while place is not None:
            go_on()
            page = list_page(client, report, filters, place)
            seen.append(place)
            # A server that does not understand the place gives one page for ever, or nothing, and always a next place.
            if page.following in seen or (page.following and page.rows == before):
                raise TroubleError(f"The pages of the list of {report} go round in circles.")
            add(page.rows)
            reading.take_in(page)
            place, before = page.following, page.rows
    return reading
