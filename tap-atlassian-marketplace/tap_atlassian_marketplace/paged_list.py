"""The list of a report, read page by page into a file: for what has no export, or when none can be had.

Rows come and go while the pages are read, and the others shift: some may come twice, others not at all.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.errors import CredentialsError, MarketplaceError, SpoolError, TroubleError
from tap_atlassian_marketplace.hash_index import count_distinct
from tap_atlassian_marketplace.pages import list_page
from tap_atlassian_marketplace.row_file import keys_of, row_file
from tap_atlassian_marketplace.spooled_rows import ExportStoppedError, SpooledRows

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_atlassian_marketplace.client import MarketplaceClient, Parameters
    from tap_atlassian_marketplace.pages import ListPage

_READINGS = 3
_MOST_ALIKE = 8  # pages that are like the one before, where no total tells how many there may be

_logger = logging.getLogger("tap-atlassian-marketplace")


@dataclass(frozen=True)
class ListRequest:
    """A report that has a list only.

    Attributes:
        report: Path of the report below the vendor's reports.
        parameters: Query parameters that choose the rows.
        tells_gone: Whether rows that are not in the list shall count as gone.
    """

    report: str
    parameters: tuple[tuple[str, str], ...]
    tells_gone: bool = False

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:  # noqa: ARG002
        """Write the rows to a new file."""

        def go_on() -> None:
            if stop.is_set():
                raise ExportStoppedError

        try:
            return read_list(client, self.report, list(self.parameters), path, go_on, tells_gone=self.tells_gone)
        except OSError as error:
            raise SpoolError.no_room(self.report, error) from None


def read_list(
    client: MarketplaceClient,
    report: str,
    filters: Parameters,
    path: Path,
    go_on: Callable[[], None],
    *,
    tells_gone: bool = False,
) -> SpooledRows:
    """Write all rows of a report's list to a new file, as a JSON array that only this user can read.

    A list that changes while it is read is seen by the total, which each page gives: it is not that of the different
    rows that came. The list is then read again, at most twice. What stays so is believed when a reading gave the same
    rows as one before, and as many as the total says: then some are alike. So is a list without a total. A single page
    holds all that there is.

    Where one row went and another came, the total tells nothing: of several pages, rows may be missing that no look at
    them shows. The next run brings them, but they must not count as gone.

    Args:
        client: The API.
        report: Path of the report.
        filters: Query parameters that choose the rows.
        path: The file.
        go_on: Raises when the run ends; called before each page.
        tells_gone: Whether rows that are not in the list shall count as gone: several pages are then read twice.

    Returns:
        The rows, with a doubt when no reading settled it.

    Raises:
        MarketplaceError: A page could not be had.
    """

    def pages() -> Iterator[ListPage]:
        return _pages(client, report, filters, go_on)

    before: list[_Reading] = []
    for _ in range(_READINGS):
        reading = _Reading()
        with row_file(path) as add:
            for page in pages():
                add(page.rows)
                reading.take_in(page)
        keys = keys_of(report, path)
        if reading.is_whole(count_distinct(keys)) or (reading.may_be_whole and reading in before):
            if not (reading.rows or reading.totals):
                _logger.info("The list of %s was empty twice, and tells no total.", report)
            is_certain = reading.pages == 1 or (tells_gone and (reading in before or _comes_again(reading, pages)))
            return SpooledRows(path, keys, gap=None if is_certain else _moving(report))
        doubt = reading.what_is_wrong(report)
        if reading.totals:
            _logger.log(logging.INFO if reading.may_be_whole else logging.WARNING, "%s", doubt)
        before.append(reading)
    doubt += f" This happened {_READINGS} times; rows may be missing, so the next run reads the same days again."
    return SpooledRows(path, keys, doubt)


@dataclass
class _Reading:
    """What one reading of the whole list gave; two are equal when they gave the same rows."""

    pages: int = 0
    rows: int = 0
    totals: set[int] = field(default_factory=set)
    sum_of_hashes: int = 0

    def is_whole(self, different: int) -> bool:
        """Say whether as many different rows came as the total says, or a single page held all.

        A page without rows or a total is no list that one could believe at first sight.
        """
        is_all = self.pages == 1 and self.may_be_whole and bool(self.rows or self.totals)
        return is_all or self.totals == {different}

    @property
    def may_be_whole(self) -> bool:
        """Whether as many rows came as the total says, if there is one; some of them may have come twice."""
        return not self.totals or self.totals == {self.rows}

    def take_in(self, page: ListPage) -> None:
        """Count a page."""
        self.pages += 1
        self.rows += len(page.rows)
        self.sum_of_hashes += sum(int.from_bytes(blake2b(row, digest_size=16).digest(), "big") for row in page.rows)
        if page.total is not None:
            self.totals.add(page.total)

    def what_is_wrong(self, report: str) -> str:
        """Say in a sentence why the reading is not believed."""
        if not self.totals:
            return f"The list of {report} tells no total, and gave other rows each time it was read."
        if self.may_be_whole:
            return f"Of the {self.rows} rows of the list of {report} some came twice."
        announced = " or ".join(str(total) for total in sorted(self.totals))
        return f"The list of {report} changed while it was read: it had {announced} rows, {self.rows} came."


def _moving(report: str) -> str:
    return f"the list of {report} was read in several pages, between which its rows may have moved"


def _comes_again(reading: _Reading, pages: Callable[[], Iterator[ListPage]]) -> bool:
    """Say whether another reading gives the same rows; one that fails does not."""
    again = _Reading()
    try:
        for page in pages():
            again.take_in(page)
    except CredentialsError:
        raise
    except MarketplaceError as error:
        _logger.info("%s", error)
    return again == reading


def _pages(
    client: MarketplaceClient, report: str, filters: Parameters, go_on: Callable[[], None]
) -> Iterator[ListPage]:
    """Read the pages until one names no next place.

    A server that does not understand the place gives one page for ever, or nothing, and always a next place. But rows
    may be alike, and pages of them, as long as there are no more than the total says.
    """
    place: Parameters | None = []
    seen: set[tuple[tuple[str, str], ...]] = set()
    came, alike, before = 0, 0, None
    while place is not None:
        go_on()
        page = list_page(client, report, filters, place)
        seen.add(tuple(place))
        came += len(page.rows)
        alike = alike + 1 if page.rows == before else 0
        is_too_much = alike and came > page.total if page.rows and page.total is not None else alike >= _MOST_ALIKE
        if page.following is not None and (is_too_much or tuple(page.following) in seen):
            raise TroubleError(f"The pages of the list of {report} go round in circles.")
        yield page
        place, before = page.following, page.rows
