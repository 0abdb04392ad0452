"""journy.io's rate limit: a sliding window in which refused calls cost nothing."""

from __future__ import annotations

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
    """

    def __init__(self, limit: int, window: float, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._window = window
        self._clock = clock
        self._calls: deque[float] = deque()

    def take(self) -> bool:
        """Count a call if there is room for it; False if there is none."""
        if self.remaining() == 0:
            return False
        self._calls.append(self._clock())
        return True

    def remaining(self) -> int:
        """Calls that the window still has room for."""
        oldest = self._clock() - self._window
        while self._calls and self._calls[0] <= oldest:
            self._calls.popleft()
        return self.limit - len(self._calls)
