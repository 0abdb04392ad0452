"""When to ask again, and how long to wait before that."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After`, given in seconds or as an HTTP date (RFC 9110, 10.2.3).

    A date is compared with the answer's own, where it has one: the clock of this machine may be wrong.

    Returns:
        Seconds from now, never negative; None when the header is missing or unreadable.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    moment = _timestamp(value)
    if moment is None:
        return None
    now = _timestamp(headers.get("Date", ""))
    return max(0.0, moment - (time.time() if now is None else now))


def _timestamp(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class RetryPolicy:
    """How often a call is repeated, and how long it waits in between.

    Attributes:
        tries: Calls in all, the first one included.
        base: Seconds before the second call; doubled for each one after.
        longest: The longest wait in seconds that is chosen here.
        patience: The longest wait in seconds that the server may ask for; if it asks for more, its refusal stands.
        statuses: HTTP statuses that another try may cure.
        sleep: Replaced by tests.
    """

    tries: int = 6
    base: float = 1.0
    longest: float = 60.0
    patience: float = 600.0
    statuses: frozenset[int] = TRANSIENT_STATUSES
    sleep: Callable[[float], None] = time.sleep

    def pause(self, failures: int, asked: float | None = None) -> None:
        """Wait before the next try.

        Args:
            failures: Tries that have failed so far, 1 or more.
            asked: Seconds that the server asked for. It is waited longer where that is little: the wait grows with the
                failures and is jittered, so that many clients do not come back together.
        """
        ceiling = min(self.longest, self.base * 2.0 ** (failures - 1))
        own = ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
        self.sleep(max(own, asked or 0.0))
