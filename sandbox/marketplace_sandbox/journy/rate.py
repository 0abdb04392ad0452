"""How fast journy.io was called: measured from the answers, apart from the limiter that gives them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class RateMeter:
    """Counts the calls that were let in, and those that were 429.

    Args:
        window: Seconds of the window in which the most calls are looked for.
        clock: Seconds that only grow.

    Attributes:
        peak: Most calls that were let in within any window.
        accepted: Calls that were let in, whatever became of them.
        refused_at: When each 429 was given, in seconds from the first call.
    """

    def __init__(self, window: float, clock: Callable[[], float]) -> None:
        self._window = window
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Start anew."""
        self.peak = 0
        self.accepted = 0
        self.refused_at: list[float] = []
        self._recent: deque[float] = deque()
        self._first: float | None = None
        self._last = 0.0

    def let_in(self) -> None:
        """Count a call that the limiter let in, now."""
        now = self._clock()
        self._first = now if self._first is None else self._first
        self._last = now
        self.accepted += 1
        self._recent.append(now)
        while self._recent[0] <= now - self._window:
            self._recent.popleft()
        self.peak = max(self.peak, len(self._recent))

    def refuse(self) -> None:
        """Count a 429, now."""
        now = self._clock()
        self._first = now if self._first is None else self._first
        self.refused_at.append(round(now - self._first, 3))

    def snapshot(self) -> dict[str, Any]:
        """The figures as plain data; `seconds` lie between the first call and the last that was let in."""
        return {
            "window": self._window,
            "peak": self.peak,
            "accepted": self.accepted,
            "seconds": round(max(0.0, self._last - (self._first or 0.0)), 3),
            "refused": len(self.refused_at),
            "refused_at": self.refused_at,
        }
