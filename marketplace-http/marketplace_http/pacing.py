"""Keep a distance between the starts of calls, across threads, and wait so that the program can end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from marketplace_http.errors import WaitInterruptedError

if TYPE_CHECKING:
    from collections.abc import Callable


class EndsWaiting(Protocol):
    """Says when waiting has to end, as a `threading.Event` does."""

    def wait(self, timeout: float, /) -> bool:
        """Wait so many seconds, or until the program is to end; whether it is."""


def interruptible_sleep(stop: EndsWaiting) -> Callable[[float], None]:
    """A replacement for `time.sleep` that raises `WaitInterruptedError` as soon as the program is to end."""

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise WaitInterruptedError

    return sleep


class Pacer:
    """Let calls start no closer together than `interval` seconds; safe to share between threads."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._lock = threading.Lock()
        self._next_start = 0.0

    def wait(self) -> None:
        """Return when the next call may start; each caller gets a start of its own."""
        if not self._interval:
            return
        with self._lock:
            start = max(time.monotonic(), self._next_start)
            self._next_start = start + self._interval
        delay = start - time.monotonic()
        if delay > 0:
            time.sleep(delay)
