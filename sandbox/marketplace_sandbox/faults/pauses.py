"""Waiting inside a call that another thread, or the end of the sandbox, can cut short."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SLICE = 0.02


async def pause(over: Callable[[], bool]) -> None:
    """Wait until `over` holds; it is asked many times a second, and may be told from any thread."""
    while not over():  # noqa: ASYNC110 - an event of asyncio cannot be set from the thread of a test
        await asyncio.sleep(_SLICE)


async def sleep(seconds: float, stopped: Callable[[], bool]) -> None:
    """Wait so many seconds, or until `stopped` holds."""
    deadline = monotonic() + seconds
    while (left := deadline - monotonic()) > 0 and not stopped():  # noqa: ASYNC110 - as above
        await asyncio.sleep(min(left, _SLICE * 5))
