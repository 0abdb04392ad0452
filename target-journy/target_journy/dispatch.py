"""Make many calls at once, none about what another one is about, and stop cleanly when told to."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from target_journy.transports import DeliveryError, PayloadRejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from target_journy.calls import Call
    from target_journy.transports import Receipt, Transport

_STOPPED = "Stopped before everything was delivered; what is left is kept and sent by the next run"
_LOOK_AHEAD = 200  # calls that are looked through for one that may start


class StoppedError(Exception):
    """The run was told to stop; what was not delivered is kept."""


class Stop:
    """Says when to start no more calls.

    Args:
        seconds: Seconds from now after which the time is up; None for never.

    Attributes:
        signalled: Set when the run is told to stop.
        is_dispatching: Calls are under way, which have to be waited for.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.signalled = threading.Event()
        self.is_dispatching = False
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def signal(self) -> None:
        """Tell the run to stop, from a signal handler.

        Raises:
            StoppedError: At once when no calls are under way; otherwise the dispatcher raises it when they are done.
        """
        self.signalled.set()
        if not self.is_dispatching:
            raise StoppedError(_STOPPED)

    @property
    def time_is_up(self) -> bool:
        """Whether the run has used the time that it was given."""
        return self._deadline is not None and time.monotonic() >= self._deadline


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

        When one gets no usable answer, or the run is to stop, no more are started, and those under way are waited for.

        Raises:
            DeliveryError: A call got no usable answer.
            StoppedError: The run was told to stop.
        """
        self._stop.is_dispatching = True
        try:
            failure = self._make(deque(calls))
        finally:
            self._stop.is_dispatching = False
        if self._stop.signalled.is_set():
            raise StoppedError(_STOPPED)
        if failure:
            raise failure

    def close(self) -> None:
        """Wait for the threads to end."""
        self._threads.shutdown()

    def _make(self, waiting: deque[Call]) -> DeliveryError | None:
        under_way: dict[Future[Receipt], Call] = {}
        failure: DeliveryError | None = None
        while waiting or under_way:
            if failure is None and not self._stop.signalled.is_set() and not self._stop.time_is_up:
                self._start(waiting, under_way)
            elif not under_way:
                break
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                call = under_way.pop(future)
                try:
                    waiting.extendleft(reversed(list(call.settle(_answer(future)))))
                    self._is_proven = True
                except DeliveryError as error:
                    call.abort(error)
                    failure = failure or error
        return failure

    def _start(self, waiting: deque[Call], under_way: dict[Future[Receipt], Call]) -> None:
        taken = {name for call in under_way.values() for name in call.touches}
        passed: list[Call] = []
        parallel = self._parallel if self._is_proven else 1
        while waiting and len(under_way) < parallel and len(passed) < _LOOK_AHEAD:
            call = waiting.popleft()
            if call.touches & taken:
                passed.append(call)  # and nothing about the same may overtake it
            else:
                call.begin()
                under_way[self._threads.submit(call.send, self._transport)] = call
            taken |= call.touches
        waiting.extendleft(reversed(passed))


def _answer(future: Future[Receipt]) -> Receipt | PayloadRejectedError:
    try:
        return future.result()
    except PayloadRejectedError as refusal:
        return refusal
