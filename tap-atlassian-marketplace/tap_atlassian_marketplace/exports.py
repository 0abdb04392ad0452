"""One asynchronous export: start it, wait for it, keep its content on disk; read its list where that fails."""

from __future__ import annotations

import logging
import random
import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.client import NotReadyError
from tap_atlassian_marketplace.completeness import Completeness
from tap_atlassian_marketplace.errors import MarketplaceError, RejectedError, SpoolError, TroubleError
from tap_atlassian_marketplace.free_bounds import STARTS
from tap_atlassian_marketplace.paged_list import read_list
from tap_atlassian_marketplace.row_file import keys_of, private_file
from tap_atlassian_marketplace.spooled_rows import ExportStoppedError, SpooledRows

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator
    from pathlib import Path

    from tap_atlassian_marketplace.client import MarketplaceClient, Parameters
    from tap_atlassian_marketplace.free_bounds import FreeBound

_UNDER_WAY = ("QUEUED", "IN_PROGRESS", "")
_STATUS = 40  # characters of one that nobody knows
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
        free: The parameter that makes each start a question of its own; for the list it stays as `parameters` have
            it, if they do. None where nothing is started.
    """

    report: str
    parameters: tuple[tuple[str, str], ...]
    at_once: bool = False
    in_list: tuple[tuple[str, str], ...] | None = None
    has_list: bool = True
    free: FreeBound | None = None

    def question(self, attempt: int, now: float) -> Parameters:
        """Give the parameters of a start; see `FreeBound`."""
        return self.free.moved(list(self.parameters), attempt, now) if self.free else list(self.parameters)

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
        wall_clock: Likewise; gives seconds since 1970.
    """

    def __init__(
        self,
        client: MarketplaceClient,
        request: ExportRequest,
        *,
        timeout: float,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._request = request
        self._report = request.report
        self._in_list = list(request.parameters if request.in_list is None else request.in_list)
        self._timeout = timeout
        self._stop = stop
        self._clock = clock
        self._wall_clock = wall_clock
        self._deadline = clock() + timeout
        self._completeness = Completeness(client, self._report, self._in_list if request.has_list else None)

    def fetch(self, path: Path) -> SpooledRows:
        """Write the export to a new file that only this user can read.

        An export that fails, breaks off, vanishes or is incomplete is started again twice; then its rows are read
        page by page. One that is empty is believed where its list is, too, or else the second time, as is one in which
        rows come twice.

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
                rows = read_list(self._client, self._report, self._in_list, path, self._go_on)
            except TroubleError as error:
                raise MarketplaceError(f"{trouble} Reading its list page by page failed too: {error}") from None
            # Not even a single page: no second source says that it holds all.
            return replace(rows, gap=rows.gap or f"the list of {self._report} stands in for its export")

    def _export(self, path: Path) -> SpooledRows:
        for failures in range(STARTS):
            if failures:
                if self._clock() > self._deadline:
                    raise self._too_late(f"did not come within {self._timeout:g} seconds")
                self._pause(_FIRST_RESTART_WAIT * 2.0 ** (failures - 1) * random.uniform(0.5, 1.0))  # noqa: S311
            question = self._request.question(failures, self._wall_clock())
            # A start that fails was repeated by the session; trying again would not help, the list might.
            export_id = None if self._request.at_once else self._start(question)
            try:
                if export_id is None:
                    self._write(self._client.export_at_once(self._report, question), path)
                else:
                    self._wait_until_ready(export_id)
                    self._download(export_id, path)
                keys = keys_of(self._report, path)
                gap = self._completeness.gap(keys)
            except TroubleError as error:
                trouble = error
                _logger.info("%s", error)
            else:
                return SpooledRows(path, keys, gap=gap)
        raise TroubleError(f"{trouble} It was started {STARTS} times.")

    def _start(self, question: Parameters) -> str:
        try:
            return self._client.start_export(self._report, question)
        except RejectedError as error:
            if not self._request.free:
                raise
            _logger.warning("%s It is asked once more without the day that makes each question a new one.", error)
            return self._client.start_export(self._report, list(self._request.parameters))

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
            if status not in _UNDER_WAY:
                raise TroubleError(
                    f"The Marketplace could not prepare the {self._report} export: it answered {status[:_STATUS]}."
                )
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

    def _too_late(self, what: str) -> MarketplaceError:
        return MarketplaceError(f"The {self._report} export {what}: raise `export_timeout` or run again later.")

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise ExportStoppedError

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise ExportStoppedError
