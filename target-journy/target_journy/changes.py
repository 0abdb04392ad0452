"""Events that tell of a change: which value a property had, and which it has now."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from target_journy.operations import AccountReference, TrackEvent, UpsertAccount, UpsertUser
from target_journy.values import to_scalar, to_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_journy.operations import Source
    from target_journy.values import Scalar
    from target_journy.watching import Change


def change_events(
    kind: str, key: str, part: UpsertAccount | UpsertUser | TrackEvent, source: Source, changes: Iterable[Change]
) -> list[TrackEvent]:
    """Tell of changes, to whom the values belong.

    Args:
        kind: account, user or event: whose values changed.
        key: Account id, user or event id.
        part: What brought the values.
        source: The row that brought the changes; its version is their time.
        changes: The changes.

    Returns:
        Events with `property`, `old_value` and `new_value`; what has no value is left out. Their ids hold the
        number of the change, as a value may change, go back and change again on one day.
    """
    account = AccountReference(None) if isinstance(part, UpsertUser) else part.account
    user = None if isinstance(part, UpsertAccount) else part.user
    events = []
    for change in changes:
        event_id = f"{change.event}:{kind}:{key}:{source.version}:{change.number}"
        metadata: dict[str, Scalar] = {"event_id": event_id, "property": change.name}
        if kind == "event":
            metadata["changed_event_id"] = key
        for name, value in (("old_value", change.old), ("new_value", change.new)):
            if (scalar := to_scalar(value)) is not None:
                metadata[name] = scalar
        events.append(TrackEvent(event_id, change.event, account, _time(source.version), metadata, user))
    return events


def _time(version: str) -> str:
    """The time of a version: a date becomes noon UTC, as for other events; without any it is now."""
    try:
        moment = to_time(version)
    except ValueError:
        return to_time(dt.datetime.now(dt.timezone.utc))
    return moment if len(version.strip()) > len("2026-01-01") else f"{moment[:10]}T12:00:00Z"
