"""One asynchronous export: start it, wait for it, keep its content on disk; read its list where that fails."""

from __future__ import annotations

import logging
import random
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.client import NotReadyError
from tap_atlassian_marketplace.errors import MarketplaceError, SpoolError, TroubleError
from tap_atlassian_marketplace.paged_list import read_list
from tap_atlassian_marketplace.pages import list_page
from tap_atlassian_marketplace.row_file import keys_of, private_file
from tap_atlassian_marketplace.spooled_rows import ExportStoppedError, SpooledRows

if TYPE_CHECKING:
    import threading
    from array import array
    from collections.abc import Callable, Generator
    from pathlib import Path

    from tap_atlassian_marketplace.client import MarketplaceClient

_STARTS = 3
_FIRST_WAIT = 0.25
_WAIT_GROWTH = 1.5
_LONGEST_WAIT = 15.0
_NOT_READY_TRIES = 6
_FIRST_RESTART_WAIT = 1.0

_logger = logging.getLogger("tap-atlassian-marketplace")


@dataclass(frozen=True)
class ExportRequest:
    """What to export.

    Attributes:
        report: Path of the report below the vendor's reports, such as `licenses` or `sales/transactions`.
        parameters: Query parameters that choose the rows, in their order; a name may be repeated.
        at_once: Whether the export answers with its rows, and is neither started nor asked for its status.
        in_list: Query parameters that choose the same rows in the report's list, where they differ.
        has_list: Whether there is a list, to count the rows by and to read where no export can be had.
    """

    report: str
    parameters: tuple[tuple[str, str], ...]
    at_once: bool = False
    in_list: tuple[tuple[str, str], ...] | None = None
    has_list: bool = True

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:
        """Write the rows to a new file."""
        return Export(client, self, timeout=timeout, stop=stop).fetch(path)


class Export:
    """One export on its way to a file.

    Args:
        client: The API.
        request: What to export.
        timeout: Seconds until the Marketplace must have delivered it, all starts together.
        stop: Set when the run ends early; waiting ends then.
        clock: Replaced by tests.
    """

    def __init__(
        self,
        client: MarketplaceClient,
        request: ExportRequest,
        *,
        timeout: float,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._request = request
        self._report = request.report
        self._parameters = list(request.parameters)
        self._in_list = list(request.parameters if request.in_list is None else request.in_list)
        self._timeout = timeout
        self._stop = stop
        self._clock = clock
        self._deadline = clock() + timeout

    def fetch(self, path: Path) -> SpooledRows:
        """Write the export to a new file that only this user can read.

        An export that fails, breaks off, vanishes or is incomplete is started again twice; then its rows are read
        page by page. One that is empty is believed where its list is, too, or else the second time.

        Raises:
            MarketplaceError: The rows could not be had in either way, or the export was not ready in time.
            SpoolError: The file cannot be written.
            ExportStoppedError: The run ended first.
        """
        try:
            return self._export_or_list(path)
        except OSError as error:
            raise SpoolError.no_room(self._report, error) from None

    def _export_or_list(self, path: Path) -> SpooledRows:
        try:
            return self._export(path)
        except TroubleError as trouble:
            if not self._request.has_list:
                raise MarketplaceError(str(trouble)) from None
            _logger.warning("%s The list is read page by page instead.", trouble)
            try:
                doubt = read_list(self._client, self._report, self._in_list, path, self._go_on)
            except TroubleError as error:
                raise MarketplaceError(f"{trouble} Reading its list page by page failed too: {error}") from None
            return SpooledRows(path, keys_of(self._report, path), doubt)

    def _export(self, path: Path) -> SpooledRows:
        for failures in range(_STARTS):
            if failures:
                self._pause(_FIRST_RESTART_WAIT * 2.0 ** (failures - 1) * random.uniform(0.5, 1.0))  # noqa: S311
            # A start that fails was repeated by the session; trying again would not help, the list might.
            export_id = None if self._request.at_once else self._client.start_export(self._report, self._parameters)
            try:
                if export_id is None:
                    self._write(self._client.export_at_once(self._report, self._parameters), path)
                else:
                    self._wait_until_ready(export_id)
                    self._download(export_id, path)
                keys = self._check(path, is_first=not failures)
            except TroubleError as error:
                trouble = error
                _logger.info("%s", error)
            else:
                return SpooledRows(path, keys)
        raise TroubleError(f"{trouble} It was started {_STARTS} times.")

    def _wait_until_ready(self, export_id: str) -> None:
        wait, unknown = _FIRST_WAIT, 0
        while True:
            try:
                status = self._client.export_status(self._report, export_id)
                unknown = 0
            except NotReadyError:
                unknown += 1
                if unknown >= _NOT_READY_TRIES:
                    raise TroubleError(
                        f"The Marketplace does not know the {self._report} export that it started."
                    ) from None
                status = ""
            if status == "COMPLETED":
                return
            if status == "FAILED":
                raise TroubleError(f"The Marketplace could not prepare the {self._report} export: it answered FAILED.")
            left = self._deadline - self._clock()
            if left <= 0:
                raise self._too_late(f"was not ready after {self._timeout:g} seconds (last status: {status or '?'})")
            self._pause(min(wait, left))
            wait = min(wait * _WAIT_GROWTH, _LONGEST_WAIT)

    def _download(self, export_id: str, path: Path) -> None:
        """Fetch a completed export, which may be unknown for a moment after it was completed."""
        for failures in range(1, _NOT_READY_TRIES + 1):
            try:
                self._write(self._client.download(self._report, export_id), path)
            except NotReadyError:
                if failures == _NOT_READY_TRIES:
                    raise TroubleError(
                        f"The {self._report} export is ready, but its content cannot be found."
                    ) from None
            else:
                return
            self._pause(_FIRST_WAIT * 2.0 ** (failures - 1))

    def _write(self, pieces: Generator[bytes, None, None], path: Path) -> None:
        with closing(pieces), private_file(path) as file:
            for piece in pieces:
                self._go_on()
                if self._clock() > self._deadline:
                    raise self._too_late(f"was not downloaded within {self._timeout:g} seconds")
                file.write(piece)

    def _check(self, path: Path, *, is_first: bool) -> array[int]:
        """See that the file is a whole array of rows, and that it has as many as the list says; give their keys."""
        keys = keys_of(self._report, path)
        if not self._request.has_list:
            if is_first and not keys:
                raise TroubleError(f"The {self._report} export is empty, and there is no list that says so.")
            return keys
        try:
            page = list_page(self._client, self._report, self._in_list, [], limit=1)
        except TroubleError as error:
            if not keys:
                raise
            _logger.warning("How many rows the %s export must have could not be asked. %s", self._report, error)
            return keys
        listed = max(page.total or 0, len(page.rows))
        if listed > len(keys):
            raise TroubleError(f"The {self._report} export has {len(keys)} rows, although its list has {listed}.")
        return keys

    def _too_late(self, what: str) -> MarketplaceError:
        return MarketplaceError(f"The {self._report} export {what}: raise `export_timeout` or run again later.")

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise ExportStoppedError

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise ExportStoppedError
