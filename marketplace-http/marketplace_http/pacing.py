"""Keep a distance between the starts of calls, across threads."""

from __future__ import annotations

import threading
import time


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
