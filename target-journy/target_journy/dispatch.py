"""Make many calls at once, none about what another one is about, and stop cleanly when told to."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING

from target_journy.transports import DeliveryError, HeldBackError, PayloadRejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from target_journy.calls import Call
    from target_journy.transports import Receipt, Transport

_STOPPED = "Stopped before everything was delivered; what is left is kept and sent by the next run"
_LOOK_AHEAD = 200  # calls that are looked through for one that may start


class StoppedError(Exception):
    """The run was told to stop; what was not delivered is kept."""


class Stop:
    """Says when to start no more calls.

    Attributes:
        signalled: Set when the run is told to stop.
    """

    def __init__(self) -> None:
        self.signalled = threading.Event()
        self._is_held = False
        self._is_over = False
        self._deadline: float | None = None

    def after(self, seconds: float) -> None:
        """Let the time be up so many seconds from now."""
        self._deadline = time.monotonic() + seconds

    def disregard(self) -> None:
        """Obey no signal from now on: what is left to do is short, and half of it would be untrue.

        Raises:
            StoppedError: There was one before.
        """
        self._is_over = True
        if self.signalled.is_set():
            raise StoppedError(_STOPPED)

    def signal(self) -> None:
        """Tell the run to stop, from a signal handler.

        Raises:
            StoppedError: At once between two batches; otherwise when what is under way has an outcome.
        """
        if self._is_over:
            return
        self.signalled.set()
        if not self._is_held:
            raise StoppedError(_STOPPED)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a signal break off nothing inside; it is obeyed by whoever asks, and at the end.

        Raises:
            StoppedError: The run was told to stop meanwhile.
        """
        outer, self._is_held = self._is_held, True
        try:
            yield
        finally:
            self._is_held = outer
        if self.signalled.is_set():
            raise StoppedError(_STOPPED)

    @property
    def time_is_up(self) -> bool:
        """Whether the run has used the time that it was given."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until no more calls are to be started; whether that is so."""
        if self._deadline is not None:
            seconds = min(seconds, self._deadline - time.monotonic())
        return self.signalled.wait(max(0.0, seconds)) or self.time_is_up


class Dispatcher:
    """Makes calls, several at a time.

    Args:
        transport: Carries them.
        parallel: How many may be under way at once.
        stop: Ends the run early.
    """

    def __init__(self, transport: Transport, *, parallel: int, stop: Stop) -> None:
        self._transport = transport
        self._parallel = parallel
        self._stop = stop
        self._is_proven = False  # the first call goes alone, so that a wrong key is told once and not eight times
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="delivery")

    def run(self, calls: Iterable[Call]) -> None:
        """Make all calls; those about the same account or user one after the other, in their order.

        When one gets no usable answer, or its answer cannot be noted, or the run is to stop, no more are started, and
        those under way are waited for.

        Raises:
            DeliveryError: A call got no usable answer.
            LedgerError: An answer could not be noted.
            SettingsError: A refusal could not be kept.
            StoppedError: The run was told to stop.
        """
        with self._stop.held():
            failure = self._make(deque(calls))
        if failure:
            raise failure

    def close(self) -> None:
        """Wait for the threads to end."""
        self._threads.shutdown()

    def _make(self, waiting: deque[Call]) -> Exception | None:
        under_way: dict[Future[Receipt], Call] = {}
        failure: Exception | None = None
        while waiting or under_way:
            if failure is None and not self._stop.signalled.is_set() and not self._stop.time_is_up:
                failure = self._start(waiting, under_way)
            elif not under_way:
                break
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                error = self._settle(under_way.pop(future), future, waiting)
                failure = failure or error
        return failure

    def _settle(self, call: Call, future: Future[Receipt], waiting: deque[Call]) -> Exception | None:
        """Note an answer; whatever fails by that, the others that are under way deserve to be noted too."""
        try:
            try:
                answer = _answer(future)
            except DeliveryError as error:
                call.abort(error)
                return None if isinstance(error, HeldBackError) else error
            waiting.extendleft(reversed(list(call.settle(answer))))
            self._is_proven = True
        except Exception as error:  # noqa: BLE001 - it is raised when the others are noted
            return error
        return None

    def _start(self, waiting: deque[Call], under_way: dict[Future[Receipt], Call]) -> Exception | None:
        taken = {name for call in under_way.values() for name in call.touches}
        passed: list[Call] = []
        parallel = self._parallel if self._is_proven else 1
        while waiting and len(under_way) < parallel and len(passed) < _LOOK_AHEAD:
            call = waiting.popleft()
            if call.touches & taken:
                passed.append(call)  # and nothing about the same may overtake it
            else:
                try:
                    call.begin()
                except Exception as error:  # noqa: BLE001 - as above
                    return error
                under_way[self._threads.submit(call.send, self._transport)] = call
            taken |= call.touches
        waiting.extendleft(reversed(passed))
        return None


class Rehearsal:
    """Makes calls that reach nobody, one by one and at once: there is nothing to wait for and nothing to stop.

    Args:
        transport: Accepts them all.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def run(self, calls: Iterable[Call]) -> None:
        """Make all calls, in their order."""
        waiting = deque(calls)
        while waiting:
            call = waiting.popleft()
            call.begin()
            waiting.extendleft(reversed(list(call.settle(call.send(self._transport)))))

    def close(self) -> None:
        """Nothing is left open."""


def _answer(future: Future[Receipt]) -> Receipt | PayloadRejectedError:
    try:
        return future.result()
    except PayloadRejectedError as refusal:
        return refusal
