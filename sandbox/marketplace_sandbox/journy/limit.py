"""journy.io's rate limit: a sliding window in which refused calls cost nothing."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SlidingWindow:
    """At most `limit` calls in any `window` seconds.

    Args:
        limit: Calls that one window may hold.
        window: Seconds.
        clock: Seconds that only grow.

    Attributes:
        rival_accepted: Calls of another client that found room.
        rival_refused: Those that found none.
    """

    def __init__(self, limit: int, window: float, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._window = window
        self._clock = clock
        self._calls: deque[float] = deque()
        self._lock = threading.Lock()  # the rival may be set from another thread
        self._rival_every = 0.0
        self._rival_next = 0.0
        self.rival_accepted = 0
        self.rival_refused = 0

    def take(self) -> bool:
        """Count a call if there is room for it; False if there is none."""
        with self._lock:
            return self._take(self._let_rival_call())

    def remaining(self) -> int:
        """Calls that the window still has room for."""
        with self._lock:
            return self._room(self._let_rival_call())

    def headers(self) -> dict[str, str]:
        """Limit and remaining calls, as every answer tells them."""
        return {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(self.remaining())}

    def share(self, calls_per_minute: float) -> None:
        """Let another client of the same business use the window from now on, at an even pace; 0 ends that."""
        with self._lock:
            self._rival_next = self._let_rival_call()
            self._rival_every = 60 / calls_per_minute if calls_per_minute else 0.0

    def _let_rival_call(self) -> float:
        # Its calls are entered at the moments at which they were due, whenever somebody next looks at the window.
        now = self._clock()
        while self._rival_every and self._rival_next <= now:
            if self._take(self._rival_next):
                self.rival_accepted += 1
            else:
                self.rival_refused += 1
            self._rival_next += self._rival_every
        return now

    def _take(self, at: float) -> bool:
        if self._room(at) <= 0:
            return False
        self._calls.append(at)
        return True

    def _room(self, at: float) -> int:
        oldest = at - self._window
        while self._calls and self._calls[0] <= oldest:
            self._calls.popleft()
        return self.limit - len(self._calls)
