"""One asynchronous export: start it, wait for it, keep its content on disk."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.client import NotReadyError
from tap_atlassian_marketplace.errors import MarketplaceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from tap_atlassian_marketplace.client import MarketplaceClient

_STARTS = 3
_FIRST_WAIT = 0.25
_WAIT_GROWTH = 1.5
_LONGEST_WAIT = 15.0
_NOT_READY_TRIES = 6


@dataclass(frozen=True)
class ExportRequest:
    """What to export.

    Attributes:
        report: Path of the report below the vendor's reports: `licenses` or `sales/transactions`.
        parameters: Query parameters in their order; a name may be repeated.
    """

    report: str
    parameters: tuple[tuple[str, str], ...]


class ExportStoppedError(Exception):
    """The run ended while the export was under way."""


class Export:
    """One export on its way to a file.

    Args:
        client: The API.
        request: What to export.
        timeout: Seconds until the Marketplace must have it ready, all starts together.
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
        self._timeout = timeout
        self._stop = stop
        self._clock = clock
        self._deadline = clock() + timeout

    def fetch(self, path: Path) -> None:
        """Write the export to a new file that only this user can read.

        Raises:
            MarketplaceError: The export failed, was never ready, or could not be downloaded.
            ExportStoppedError: The run ended first.
        """
        for _ in range(_STARTS):
            export_id = self._client.start_export(self._request.report, list(self._request.parameters))
            if self._is_completed(export_id):
                self._download(export_id, path)
                return
        raise MarketplaceError(
            f"The Marketplace could not prepare the {self._request.report} export: it answered FAILED "
            f"{_STARTS} times. Run again later; if it stays so, ask Atlassian's Marketplace support."
        )

    def _is_completed(self, export_id: str) -> bool:
        """Wait until the export is ready (True) or FAILED (False)."""
        wait, unknown = _FIRST_WAIT, 0
        while True:
            try:
                status = self._client.export_status(self._request.report, export_id)
                unknown = 0
            except NotReadyError:
                unknown += 1
                if unknown >= _NOT_READY_TRIES:
                    raise MarketplaceError(
                        f"The Marketplace does not know the {self._request.report} export that it started."
                    ) from None
                status = ""
            if status in {"COMPLETED", "FAILED"}:
                return status == "COMPLETED"
            left = self._deadline - self._clock()
            if left <= 0:
                raise MarketplaceError(
                    f"The {self._request.report} export was not ready after {self._timeout:g} seconds (its "
                    f"last status: {status or 'unknown'}): raise `export_timeout` or run again later."
                )
            self._pause(min(wait, left))
            wait = min(wait * _WAIT_GROWTH, _LONGEST_WAIT)

    def _download(self, export_id: str, path: Path) -> None:
        """Fetch a completed export, which may be unknown for a moment after it was completed."""
        for attempt in range(1, _NOT_READY_TRIES + 1):
            descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                try:
                    self._client.download(self._request.report, export_id, file)
                except NotReadyError:
                    if attempt == _NOT_READY_TRIES:
                        raise MarketplaceError(
                            f"The {self._request.report} export is ready, but its content cannot be found: run again."
                        ) from None
                else:
                    return
            self._pause(_FIRST_WAIT * 2 ** (attempt - 1))

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise ExportStoppedError
