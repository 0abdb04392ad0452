"""Points at which a call can be held until it is told to go on, for tests that kill the client there."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.faults.pauses import pause
from marketplace_sandbox.faults.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from marketplace_sandbox.calls import Call

WHENS = ("before-store", "after-store", "mid-answer")
"""Before the call takes effect; after that, before anything is answered; when half of the body has been sent."""

MAX_SECONDS = 30.0
"""A call that nobody releases goes on by itself after this time."""


@dataclass(kw_only=True)
class Hold(Scope):
    """Where which calls are to be held.

    Raises:
        ValueError: There is no such point.
    """

    when: str

    def __post_init__(self) -> None:
        if self.when not in WHENS:
            raise ValueError(f"when: {self.when!r} is none of {', '.join(WHENS)}")
        super().__post_init__()


@dataclass(eq=False)
class Held:
    """A call that waits, and its fate once there is one."""

    call: Call
    when: str
    goes_on: bool | None = None


class Gates:
    """All holds and the calls that wait there.

    Args:
        stopped: Tells whether the sandbox ends; then no call waits any longer, and none goes on.
    """

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped = stopped
        self._holds: list[Hold] = []
        self._held: list[Held] = []
        self._changed = threading.Condition()

    @property
    def armed(self) -> bool:
        """Whether there is a hold that could still catch a call."""
        return any(not hold.spent for hold in self._holds)

    def hold(self, when: str = "before-store", *, times: int | None = 1, **scope: Any) -> None:
        """Hold calls from now on.

        Args:
            when: One of `WHENS`.
            times: How many calls are held; None for all.
            scope: `side`, `kind`, `path`, `query`, `after`: see `Scope`.

        Raises:
            ValueError: Point or scope are wrong.
        """
        try:
            self._holds.append(Hold(when=when, times=times, **scope))
        except TypeError:
            raise ValueError("A hold has when, side, kind, path, query, times and after") from None

    def held(self) -> list[dict[str, Any]]:
        """The calls that wait, as plain data: `when` and what `Call` has."""
        with self._changed:
            return [{"when": held.when, **vars(held.call)} for held in self._held]

    def wait(self, seconds: float = 10.0, *, calls: int = 1) -> list[dict[str, Any]]:
        """Block until so many calls are held, and return them.

        Raises:
            TimeoutError: Fewer calls came.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._held) >= calls, seconds):
                raise TimeoutError(f"{len(self._held)} of {calls} calls were held within {seconds} seconds")
        return self.held()

    def release(self, *, drop: bool = False) -> int:
        """Let the calls that wait go on; with `drop` they get no further, and their connections are closed.

        Returns:
            How many calls waited.
        """
        with self._changed:
            for held in self._held:
                held.goes_on = not drop
            count, self._held = len(self._held), []
        return count

    def clear(self) -> None:
        """Hold no further calls, and let those that wait go on."""
        self._holds = []
        self.release()

    def catches(self, when: str, call: Call) -> bool:
        """Whether a call is to be held here; it is counted."""
        due = [hold for hold in self._holds if hold.when == when and hold.is_due(call)]
        if due:
            due[0].hits += 1
        return bool(due)

    async def keep(self, when: str, call: Call) -> bool:
        """Hold a call until it is released, or for `MAX_SECONDS`; whether it goes on."""
        held = Held(call, when)
        with self._changed:
            self._held.append(held)
            self._changed.notify_all()
        deadline = monotonic() + MAX_SECONDS
        await pause(lambda: held.goes_on is not None or self._stopped() or monotonic() > deadline)
        with self._changed:
            if held in self._held:
                self._held.remove(held)
        return not self._stopped() if held.goes_on is None else held.goes_on
