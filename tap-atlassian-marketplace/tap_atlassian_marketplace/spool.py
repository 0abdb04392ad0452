"""The exports of a run: fetched together, kept in a private directory until the run ends."""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
import weakref
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.errors import SettingError
from tap_atlassian_marketplace.exports import Export

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_atlassian_marketplace.client import MarketplaceClient
    from tap_atlassian_marketplace.exports import ExportRequest
    from tap_atlassian_marketplace.settings import Settings


class Spool:
    """Fetches exports side by side and gives their files.

    The directory and its files are readable by this user alone and vanish with the spool, or when the
    process ends.

    Args:
        client: The API.
        settings: Where to keep the files, how long to wait, how many calls at a time.

    Raises:
        SettingError: The directory cannot be made.
    """

    def __init__(self, client: MarketplaceClient, settings: Settings) -> None:
        self._client = client
        self._timeout = settings.export_timeout
        self._workers = settings.max_parallel_requests
        self._stop = threading.Event()
        self._files: dict[ExportRequest, Future[Path]] = {}
        try:
            if settings.spool_dir:
                Path(settings.spool_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._directory = Path(tempfile.mkdtemp(prefix="tap-atlassian-marketplace-", dir=settings.spool_dir))
        except OSError as error:
            raise SettingError(
                f"`spool_dir`: no directory can be made there ({error.strerror}); name one that can be written to."
            ) from None
        self.close = weakref.finalize(self, _close, self._stop, self._directory)

    def start(self, requests: Iterable[ExportRequest]) -> None:
        """Begin to fetch exports; those that were begun before are not repeated."""
        waiting: queue.SimpleQueue[tuple[ExportRequest, Path, Future[Path]]] = queue.SimpleQueue()
        for request in requests:
            if request not in self._files:
                future: Future[Path] = Future()
                self._files[request] = future
                waiting.put((request, self._directory / f"{len(self._files)}.json", future))
        for _ in range(min(waiting.qsize(), self._workers)):
            threading.Thread(
                target=_work,
                args=(waiting, self._client, self._timeout, self._stop),
                name="export",
                daemon=True,
            ).start()

    def file(self, request: ExportRequest) -> Path:
        """Wait for an export that was started and give its file.

        Raises:
            MarketplaceError: The export could not be had.
        """
        try:
            return self._files[request].result()
        except BaseException:
            self._stop.set()
            raise


def _work(
    waiting: queue.SimpleQueue[tuple[ExportRequest, Path, Future[Path]]],
    client: MarketplaceClient,
    timeout: float,
    stop: threading.Event,
) -> None:
    while True:
        try:
            request, path, future = waiting.get_nowait()
        except queue.Empty:
            return
        if stop.is_set():
            future.cancel()
            continue
        try:
            Export(client, request, timeout=timeout, stop=stop).fetch(path)
        except BaseException as error:  # noqa: BLE001 - raised again where the file is asked for
            future.set_exception(error)
        else:
            future.set_result(path)


def _close(stop: threading.Event, directory: Path) -> None:
    stop.set()
    shutil.rmtree(directory, ignore_errors=True)
