"""The exports of a run: fetched together, kept in a private directory until the run ends."""

from __future__ import annotations

import logging
import queue
import threading
import weakref
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from marketplace_singer import HowFar, told
from tap_atlassian_marketplace.errors import CredentialsError, MarketplaceError, NotPermittedError
from tap_atlassian_marketplace.spool_directory import SpoolDirectory
from tap_atlassian_marketplace.spooled_rows import ExportStoppedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tap_atlassian_marketplace.client import MarketplaceClient
    from tap_atlassian_marketplace.settings import Settings
    from tap_atlassian_marketplace.spooled_rows import RowsRequest, SpooledRows

_MEGABYTE = 1_000_000

_logger = logging.getLogger("tap-atlassian-marketplace")


class Spool:
    """Fetches exports side by side and gives their rows.

    The files are readable by this user alone and vanish with the spool, or when the process ends.

    Args:
        client: The API.
        settings: Where to keep the files, how long to wait, how many calls at a time.

    Attributes:
        directory: Where the files are; for whatever else a run keeps until its end, too.

    Raises:
        SpoolError: The directory cannot be made.
    """

    def __init__(self, client: MarketplaceClient, settings: Settings) -> None:
        self._workers = settings.max_parallel_requests
        self._rows: dict[RowsRequest, Future[SpooledRows]] = {}
        directory = SpoolDirectory(settings.spool_dir)
        self.directory = directory.path
        self._work = _Work(client, settings.export_timeout)
        self.close = weakref.finalize(self, _close, self._work.stop, directory)

    def start(self, requests: Iterable[RowsRequest]) -> None:
        """Begin to fetch exports; those that were begun before are not repeated."""
        waiting: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        for request in requests:
            if request not in self._rows:
                self._rows[request] = Future()
                waiting.put(_Task(request, self.directory / f"{len(self._rows)}.json", self._rows[request]))
        for _ in range(min(waiting.qsize(), self._workers)):
            threading.Thread(target=self._work.do_all, args=(waiting,), name="export", daemon=True).start()

    def rows(self, request: RowsRequest) -> SpooledRows:
        """Wait for an export that was started and give its rows.

        Raises:
            CredentialsError: Any export was refused for that, while this one was not yet there.
            TapError: They could not be had; those of other exports still may.
        """
        rows, refused = self._rows[request], self._work.refused
        either: tuple[Future[Any], ...] = (rows, refused)
        if not rows.done():
            with told(self._how_far, _logger) as (seconds, tell):
                while not wait(either, seconds, FIRST_COMPLETED).done:
                    tell()
        return rows.result() if rows.done() else refused.result()

    def _how_far(self) -> HowFar:
        done, total = sum(rows.done() for rows in self._rows.values()), len(self._rows)
        size = sum(path.stat().st_size for path in self.directory.glob("*.json"))
        return HowFar(f"{done} of {total} exports are here, {size / _MEGABYTE:.1f} MB so far", done, total)


@dataclass(frozen=True)
class _Task:
    request: RowsRequest
    path: Path
    rows: Future[SpooledRows]


class _Work:
    """What the threads do; it must not know the spool, which they would keep alive."""

    def __init__(self, client: MarketplaceClient, timeout: float) -> None:
        self.stop = threading.Event()
        self.refused: Future[NoReturn] = Future()  # ends, if ever, when the credentials are refused
        self._client = client
        self._timeout = timeout

    def do_all(self, waiting: queue.SimpleQueue[_Task]) -> None:
        """Fetch one export after the other."""
        while not self.stop.is_set():
            try:
                task = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                rows = self._fetch(task)
            except ExportStoppedError:
                return
            except BaseException as failure:  # noqa: BLE001 - raised again where the rows are asked for
                error = failure
                if isinstance(error, CredentialsError):
                    # What refuses one export refuses them all: nobody need wait for the others.
                    with suppress(InvalidStateError):
                        self.refused.set_exception(error)
                    self.stop.set()
                task.rows.set_exception(error)
            else:
                task.rows.set_result(rows)

    def _fetch(self, task: _Task) -> SpooledRows:
        try:
            return task.request.fetch(self._client, task.path, timeout=self._timeout, stop=self.stop)
        except NotPermittedError:
            # The permissions for the reports differ: others may be given, unless their index is refused, too.
            try:
                self._client.check()
            except CredentialsError:
                raise
            except MarketplaceError:
                pass  # which is no answer to that
            raise


def _close(stop: threading.Event, directory: SpoolDirectory) -> None:
    stop.set()
    directory.remove()
