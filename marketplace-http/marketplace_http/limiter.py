"""Stay below a limit of calls in a sliding window that other clients use too."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HEADROOM = 0.02
_BURST = 0.25  # of the limit, before calls are spaced evenly
_CATCH_UP = 1 / 6  # of the window: delay that evenly spaced calls may make up for
_SLOWEST = 1 / 60  # of the limit: the least that is still tried, to find out whether room has come
_RECOVERY = 1.1  # growth of the share per step
_RECOVERY_STEP = 2.0  # seconds
_TREND = 1 / 12  # of the window: over less, what others use is no trend
_AFTER_REFUSAL = 2.0  # seconds to wait when the server does not say how long


class RateLimiter:
    """Lets calls of all threads start so that any window of `window` seconds holds at most `limit` of them.

    What other clients use is measured: the limit less our own calls in the window less what the server says is left.
    Where they began with us, they will use more when a window has passed than they do now; that is left to them.
    A refusal (429) halves the share that is used; it grows back while no other comes.

    Args:
        limit: Calls that all clients together may make; where the server names less, that counts.
        window: Length of its window in seconds.
        clock: Replaced by tests.
        sleep: Replaced by tests.
    """

    def __init__(
        self,
        limit: int,
        *,
        window: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._wanted = limit
        self._limit: float = limit
        self._window = window
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._starts: deque[float] = deque()
        self._due = -math.inf  # when the next evenly spaced call may start
        self._others = 0.0
        self._first_seen: tuple[float, float] | None = None  # when others' use was first measured, and what it was
        self._share = 1.0
        self._grown_at = 0.0
        self._not_before = 0.0

    def wait(self) -> float:
        """Return when the next call may start.

        Returns:
            The call's start, to be handed to `answered`.
        """
        while True:
            with self._lock:
                now = self._clock()
                start = self._earliest(now)
                if start <= now:
                    self._enter(now)
                    return now
            self._sleep(start - now)

    def pause(self) -> float:
        """Seconds until another call may start; 0.0 if one may now."""
        with self._lock:
            now = self._clock()
            return max(0.0, self._earliest(now) - now)

    def answered(self, started: float, headers: Mapping[str, str]) -> None:
        """Learn from an answer how much of the window others use.

        Args:
            started: When the call started.
            headers: `X-RateLimit-Limit` and `X-RateLimit-Remaining`, if the server sends them.
        """
        limit, remaining = _number(headers.get("X-RateLimit-Limit")), _number(headers.get("X-RateLimit-Remaining"))
        if limit is None or remaining is None:
            return
        with self._lock:
            own = sum(1 for start in self._starts if start <= started)
            self._limit = min(self._wanted, limit)
            others = max(0.0, limit - own - remaining)
            self._others += (others + self._growth(started, others) - self._others) * 0.2

    def refused(self, retry_after: float | None = None) -> None:
        """Slow down after a 429.

        Args:
            retry_after: Seconds that the server asked to wait, if it did.
        """
        with self._lock:
            now = self._clock()
            if now >= self._not_before:  # refusals of calls that were under way together count once
                self._share = max(_SLOWEST, self._share / 2)
            self._grown_at = now
            self._not_before = max(self._not_before, now + (_AFTER_REFUSAL if retry_after is None else retry_after))
            self._due = max(self._due, self._not_before)

    def _growth(self, now: float, others: float) -> float:
        """How much more others will use when the window is over in which they were first seen."""
        began, first = self._first_seen = self._first_seen or (now, others)
        left = self._window - (now - began)
        return max(0.0, others - first) / max(now - began, self._window * _TREND) * max(0.0, left)

    def _earliest(self, now: float) -> float:
        while self._starts and self._starts[0] <= now - self._window:
            self._starts.popleft()
        self._recover(now)
        allowed = self._allowed()
        start = self._not_before
        if len(self._starts) >= allowed:
            start = max(start, self._starts[len(self._starts) - allowed] + self._window)
        elif len(self._starts) >= allowed * _BURST:
            start = max(start, self._due)
        return start

    def _enter(self, now: float) -> None:
        allowed = self._allowed()
        # Counted from when the call was due, not from when it started: else every delay would cost calls for good.
        is_spaced = len(self._starts) >= allowed * _BURST
        due = max(min(self._due, now), now - self._window * _CATCH_UP) if is_spaced else now
        self._due = due + self._window / allowed
        self._starts.append(now)

    def _allowed(self) -> int:
        room = self._limit * (1 - _HEADROOM) - self._others
        return max(1, int(max(room, self._limit * _SLOWEST) * self._share))

    def _recover(self, now: float) -> None:
        steps = int((now - self._grown_at) / _RECOVERY_STEP)
        if self._share < 1.0 and steps > 0:
            self._share = min(1.0, self._share * _RECOVERY**steps)
            self._grown_at = now


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
