"""The exact requests that a call makes at a destination, without making them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from target_journy.transports import PayloadRejectedError, Receipt, Request, Transport
from target_journy.transports.journy_requests import CollectedRequests
from target_journy.transports.segment import BATCH_PATH, Segment

if TYPE_CHECKING:
    from target_journy.doors import Door

Write: TypeAlias = Callable[[Transport], Receipt]
"""Makes one call at any transport."""

Requests: TypeAlias = Callable[[Write], list[Request]]
"""Tells which requests a call makes; none where the transport cannot say it."""


def requests_at(door: Door) -> Requests:
    """What tells the requests of calls at a destination."""
    return partial(_messages, door) if isinstance(door, Segment) else _requests


def _requests(write: Write) -> list[Request]:
    collected = CollectedRequests()
    write(collected)
    return collected.requests


def _messages(door: Segment, write: Write) -> list[Request]:
    """Messages go in batches with those of other calls; each is told as if it went alone."""
    collected = door.collector()
    with suppress(PayloadRejectedError):
        write(collected)
    return [Request("POST", BATCH_PATH, msgspec.Raw(message)) for message in collected.messages]
