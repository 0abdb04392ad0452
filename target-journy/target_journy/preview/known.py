"""What journy.io says of itself before anything is sent: what the key may do, and which names it knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_journy.transports import DeliveryError
from target_journy.transports.journy import JournyRest, may

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from target_journy.doors import Door

_NOT_OVER_SEGMENT = (
    "The Segment protocol tells neither what the key may do nor which properties and events there are already"
)


@dataclass(frozen=True)
class Known:
    """What a destination said.

    Attributes:
        key: What the key may do; "" if that was not told.
        problem: Why nothing can be delivered as things are; "" if nothing is known to be wrong.
        unread: Why names could not be read.
        properties: The properties of `accounts` and `users`, each with whether journy.io computes it itself, and
            `events`; of what could not be read there is no entry.
    """

    key: str = ""
    problem: str = ""
    unread: tuple[str, ...] = ()
    names: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)

    def new(self, kind: str, names: Iterable[str]) -> list[str] | None:
        """Those among some names that journy.io does not know; None if that could not be read."""
        known = self.names.get(kind)
        return None if known is None else sorted(name for name in names if name not in known)

    def computed(self, kind: str, names: Iterable[str]) -> list[str]:
        """Those among some names of properties that journy.io computes itself."""
        known = self.names.get(kind, {})
        return sorted(name for name in names if known.get(name))


def ask(door: Door) -> Known:
    """Ask a destination, by reading alone."""
    if not isinstance(door, JournyRest):
        return Known(unread=(_NOT_OVER_SEGMENT,))
    try:
        permissions = door.permissions()
        key = door.verdict(permissions)
    except DeliveryError as error:
        return Known(problem=str(error), unread=("Which properties and events are new could not be read either",))
    names: dict[str, Mapping[str, bool]] = {}
    unread = []
    reads: list[tuple[str, str, str, Callable[[], Mapping[str, bool]]]] = [
        ("accounts", "properties of accounts", "ReadProperties", lambda: door.properties("accounts")),
        ("users", "properties of users", "ReadProperties", lambda: door.properties("users")),
        ("events", "events", "ReadEvents", lambda: dict.fromkeys(door.event_names(), False)),
    ]
    for kind, what, permission, read in reads:
        if not may(permissions, permission):
            unread.append(f"Which {what} are new is not known: the key lacks the permission {permission}")
            continue
        try:
            names[kind] = read()
        except DeliveryError as error:
            unread.append(f"Which {what} are new is not known: {error}")
    return Known(key, "", tuple(unread), names)
