"""How far a stream has come, and which rows it emits because of that.

A bookmark is the newest day (`lastUpdated`, in some streams another date) that a stream has emitted. The API dates
changes by day and reports some late, so every run looks back some days; the bookmark itself never goes back. Days in
the future are passed over: a single wrong one would lead it past all that is still to come.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.dates import days_before, is_date

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

REPLICATION_KEY = "lastUpdated"
VENDOR, SEVERAL = "vendor", "several"
"""Where a stream's part of the state notes whose rows are in the table, as a hash; and that they are of several."""
_KEPT = ("version", VENDOR)


def fingerprint(scope: Mapping[str, Any]) -> str:
    """Hash what a bookmark is valid for: another vendor or other filters need another bookmark.

    Args:
        scope: Everything that decides which rows a stream emits, apart from their age; lists in any order.
    """
    ordered = {name: sorted(value) if isinstance(value, (list, tuple)) else value for name, value in scope.items()}
    return hashlib.sha256(json.dumps(ordered, sort_keys=True).encode()).hexdigest()


def latest_bookmark() -> str:
    """Give the last day that a bookmark may name: tomorrow in UTC, since the API may count days in another zone."""
    return (datetime.now(timezone.utc) + timedelta(days=1)).date().isoformat()


@dataclass(frozen=True)
class Window:
    """The days whose rows a stream emits, both included; None leaves a side open."""

    since: str | None = None
    until: str | None = None

    def admits(self, updated: str | None) -> bool:
        """Say whether a row is emitted; one without a valid date always is."""
        if updated is None:
            return True
        return (self.since is None or updated >= self.since) and (self.until is None or updated <= self.until)


@dataclass
class Days:
    """The days of the rows that a stream emits.

    Attributes:
        latest: The last day that a bookmark may name.
        newest: The newest day up to that one; None when there was none.
        ahead: How many rows are of later days.
    """

    latest: str
    newest: str | None = None
    ahead: int = 0

    def see(self, day: str | None) -> None:
        """Take in a row's day, None if it has no valid one."""
        if day is None:
            return
        if day > self.latest:
            self.ahead += 1
        elif self.newest is None or day > self.newest:
            self.newest = day


@dataclass(frozen=True)
class Bookmark:
    """A stream's place in its own past.

    Attributes:
        value: The newest day seen by earlier runs; None to read from the start.
        fingerprint: What the bookmark is valid for.
        latest: The last day that a bookmark may name.
        key: The name of the field whose days these are.
        discarded: Whether the state held a bookmark that is not valid for this run.
    """

    value: str | None
    fingerprint: str
    latest: str
    key: str = REPLICATION_KEY
    discarded: bool = False

    @classmethod
    def from_state(cls, state: Mapping[str, Any], valid_for: str, latest: str, key: str = REPLICATION_KEY) -> Bookmark:
        """Read a stream's part of the state, which may be empty or of another vendor or filter."""
        value = state.get("replication_key_value")
        if not value:
            return cls(None, valid_for, latest, key)
        if state.get("fingerprint") != valid_for or not is_date(value):
            return cls(None, valid_for, latest, key, discarded=True)
        return cls(min(str(value), latest), valid_for, latest, key)

    def window(self, *, lookback_days: int, start_date: str | None, end_date: str | None) -> Window:
        """Give the days to emit: from the bookmark less the look-back, but not before the start date."""
        since = days_before(self.value, lookback_days) if self.value else None
        return Window(max(filter(None, (since, start_date)), default=None), end_date)

    def write(self, state: MutableMapping[str, Any], newest: str | None) -> None:
        """Move the bookmark in a stream's part of the state, once all rows were emitted.

        What it says of the table stays there: its version, and whose rows it holds.

        Args:
            state: The stream's part of the state.
            newest: The newest day that was emitted; None when there was none.
        """
        if value := max(filter(None, (self.value, newest)), default=None):
            kept = {name: state[name] for name in _KEPT if name in state}
            state.clear()
            state["replication_key"] = self.key
            state["replication_key_value"] = min(value, self.latest)
            state["fingerprint"] = self.fingerprint
            state.update(kept)
