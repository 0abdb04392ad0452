"""Every request that a test sends to a sandbox or a fake of this process fits the API descriptions, or the test fails.

A test that sends something else on purpose is marked `off_contract` with a reason. Where the descriptions are not
beside the checkout, nothing is checked. A sandbox that runs as a process of its own is not watched.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import pytest
from tests.contracts import openapi

from marketplace_sandbox.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Watch:
    """Keeps what was called since it was last asked, whatever becomes of the journals."""

    def __init__(self) -> None:
        self._calls: deque[openapi.Call] = deque()

    def see(self, call: openapi.Call) -> None:
        """Keep a call, as in the sandbox's journal."""
        self._calls.append(call)

    def take(self) -> list[openapi.Call]:
        """The calls that are kept; from now on they are not. Other threads may go on calling."""
        return [self._calls.popleft() for _ in range(len(self._calls))]

    def listening(self, enter: Callable[..., Any]) -> Callable[..., Any]:
        """`Journal.enter` that tells this watch, too."""

        def told(*args: Any, **kwargs: Any) -> Any:
            entry = enter(*args, **kwargs)
            self.see(entry)
            return entry

        return told


@pytest.fixture(scope="session", autouse=True)
def watch() -> Iterator[Watch]:
    """Watch every sandbox, from before the first one starts."""
    found = Watch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "enter", found.listening(Journal.enter))
        yield found


@pytest.fixture(autouse=True)
def requests_fit(request: pytest.FixtureRequest, watch: Watch) -> Iterator[None]:
    """Fail a test whose requests, or those of the fixtures that it was the first to need, do not fit."""
    yield
    calls = watch.take()
    exemption = request.node.get_closest_marker("off_contract")
    if exemption:
        assert exemption.kwargs["reason"]
    elif calls and openapi.present():
        openapi.assert_requests_fit(calls)
