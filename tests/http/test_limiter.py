"""The limiter against a server with a true sliding window, in simulated time."""

from __future__ import annotations

import math
from bisect import bisect_right

import pytest

from marketplace_http import RateLimiter


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


class Server:
    """Allows `limit` calls in any window, also those of a rival who calls evenly; refused calls use nothing of it."""

    def __init__(self, clock: Clock, limit: int, *, rival_per_window: int = 0, window: float = 60.0) -> None:
        self.clock = clock
        self.limit = limit
        self.window = window
        self.accepted: list[float] = []
        self.refused: list[float] = []
        self.rival_accepted: list[float] = []
        self.rival_refused: list[float] = []
        self._rival_interval = window / rival_per_window if rival_per_window else math.inf
        self._rival_next = clock.now

    def call(self) -> tuple[bool, dict[str, str]]:
        now = self.clock.now
        while self._rival_next <= now:
            fits = self._used(self._rival_next) < self.limit
            (self.rival_accepted if fits else self.rival_refused).append(self._rival_next)
            self._rival_next += self._rival_interval
        used = self._used(now)
        if used >= self.limit:
            self.refused.append(now)
            return False, {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": "0"}
        self.accepted.append(now)
        return True, {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(self.limit - used - 1)}

    def _used(self, now: float) -> int:
        since = now - self.window
        return sum(len(calls) - bisect_right(calls, since) for calls in (self.accepted, self.rival_accepted))

    def busiest(self) -> int:
        return max(i - bisect_right(self.accepted, t - self.window) + 1 for i, t in enumerate(self.accepted))


def drive(limiter: RateLimiter, server: Server, clock: Clock, *, until: float) -> None:
    while clock.now < until:
        started = limiter.wait()
        accepted, headers = server.call()
        limiter.answered(started, headers)
        if not accepted:
            limiter.refused()


def limited(clock: Clock, limit: int = 1800) -> RateLimiter:
    return RateLimiter(limit, clock=clock, sleep=clock.sleep)


def test_uses_the_window_and_never_more() -> None:
    clock = Clock()
    server = Server(clock, 1800)
    drive(limited(clock), server, clock, until=1000 + 300)
    assert server.refused == []
    assert server.busiest() <= 1800
    assert len(server.accepted) >= 0.95 * 1800 * 5


def test_makes_up_for_late_starts_and_pauses() -> None:
    clock = Clock()
    server = Server(clock, 1800, rival_per_window=360)
    limiter = RateLimiter(1800, clock=clock, sleep=lambda seconds: clock.sleep(seconds + 0.004))
    for minute in range(1, 11):
        drive(limiter, server, clock, until=1000 + 60 * minute - 3)
        clock.sleep(3)
    assert len(server.refused) <= 1
    late = [t for t in server.accepted if t > 1000 + 300]
    assert len(late) >= 0.95 * (1800 - 360) * 5


def test_makes_up_for_nothing_after_a_refusal() -> None:
    clock = Clock()
    limiter = limited(clock, 600)
    for _ in range(100):
        limiter.wait()
    clock.sleep(5)
    limiter.refused()
    starts = [limiter.wait() for _ in range(20)]
    assert starts[0] == 1007.0
    assert starts[-1] - starts[0] > 3.0  # 300 a minute, and a little more once it recovers


@pytest.mark.parametrize("rival", [180, 360, 900])
def test_leaves_others_their_share(rival: int) -> None:
    clock = Clock()
    server = Server(clock, 1800, rival_per_window=rival)
    drive(limited(clock), server, clock, until=1000 + 600)
    assert server.refused == []
    assert server.rival_refused == []
    for minute in range(10):
        calls = [t for t in server.accepted if 60 * minute <= t - 1000 < 60 * minute + 60]
        assert len(calls) >= 0.95 * (1800 - rival)


def test_a_small_job_is_not_slowed_down() -> None:
    clock = Clock()
    limiter = limited(clock)
    for _ in range(400):
        limiter.wait()
    assert clock.now == 1000.0


def test_a_refusal_halves_the_pace_and_it_recovers() -> None:
    clock = Clock()
    limiter = limited(clock)
    server = Server(clock, 900)
    server_says = {"X-RateLimit-Limit": "1800"}  # says nothing about what is left
    for _ in range(3000):
        limiter.answered(limiter.wait(), server_says)
        if not server.call()[0]:
            limiter.refused()
    assert 0 < len(server.refused) < 60  # without halving, every second call would be refused
    rate = len([t for t in server.accepted if t > clock.now - 60])
    assert rate > 450


def test_refusals_of_calls_under_way_together_count_once() -> None:
    clock = Clock()
    limiter = limited(clock, 60)
    for _ in range(8):
        limiter.refused()
    start = clock.now
    for _ in range(10):
        limiter.wait()
    assert 2.0 <= clock.now - start < 15.0


def test_waits_as_long_as_the_server_asks() -> None:
    clock = Clock()
    limiter = limited(clock)
    limiter.refused(17.0)
    limiter.wait()
    assert clock.now == 1017.0


def test_tells_how_long_it_holds_calls_back() -> None:
    clock = Clock()
    limiter = limited(clock, 60)
    limiter.wait()
    assert limiter.pause() == 0.0
    limiter.refused(17.0)
    clock.sleep(5.0)
    assert limiter.pause() == pytest.approx(12.0)
    clock.sleep(12.0)
    assert limiter.pause() == 0.0


def test_does_not_hang_when_nothing_remains_without_a_refusal() -> None:
    clock = Clock()
    limiter = limited(clock)
    start = clock.now
    for _ in range(600):
        limiter.answered(limiter.wait(), {"X-RateLimit-Limit": "1800", "X-RateLimit-Remaining": "0"})
    assert clock.now - start < 60 * 30


def test_a_lower_limit_of_the_server_counts() -> None:
    clock = Clock()
    server = Server(clock, 300)
    drive(limited(clock), server, clock, until=1000 + 300)
    assert server.refused == []
    assert len(server.accepted) >= 0.9 * 300 * 5


@pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Limit": "many", "X-RateLimit-Remaining": "-"}])
def test_headers_that_say_nothing_are_passed_over(headers: dict[str, str]) -> None:
    clock = Clock()
    limiter = limited(clock)
    limiter.answered(limiter.wait(), headers)
    limiter.wait()
    assert clock.now == 1000.0
