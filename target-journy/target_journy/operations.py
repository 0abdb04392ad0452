"""What a record asks of journy.io, before the ledger has said whether that is news."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_journy.values import Scalar, Unset, Value


class Outcome(IntEnum):
    """What became of an operation or a record; a record's outcome is the worst of its operations'."""

    SKIPPED = 0
    UNCHANGED = 1
    DELIVERED = 2
    WAITING = 3
    REJECTED = 4
    FAILED = 5


@dataclass(frozen=True, slots=True)
class AccountReference:
    """An account as a record names it; the ledger knows under which id journy.io has it.

    Attributes:
        id: The id that the record itself would give the account.
        aliases: Every id by which the same licence may be met.
        shared_alias: An id that several accounts share, for sales that sit on it.
    """

    id: str | None
    aliases: tuple[str, ...] = ()
    shared_alias: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All ids that identify this account and no other, the aliases first."""
        return (*self.aliases, self.id) if self.id and self.id not in self.aliases else self.aliases


@dataclass(frozen=True, slots=True)
class Source:
    """The row that an operation comes from.

    Attributes:
        stream: Name of the Singer stream.
        key: The row's identity within its stream, as text.
        version: A date, a time or a whole number as text; of two rows the one of higher rank is the newer.
    """

    stream: str
    key: str
    version: str = ""

    @property
    def id(self) -> str:
        """The row's identity among all streams."""
        return f"{self.stream}:{self.key}"


@dataclass(frozen=True, slots=True)
class Watch:
    """A value whose changes are told.

    Attributes:
        event: Name of the event that tells of a change.
        meaning: Digest of how the value is made; when that changes, another value is no change.
    """

    event: str
    meaning: str


@dataclass(frozen=True, slots=True)
class UpsertAccount:
    """Create an account or update some of its properties."""

    account: AccountReference
    properties: dict[str, Value | Unset]
    problems: dict[str, str] = field(default_factory=dict)
    watched: Mapping[str, Watch] = field(default_factory=dict)
    fill_once: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UpsertUser:
    """Create a user or update some of their properties.

    Attributes:
        user: The e-mail address or id by which the user is known.
    """

    user: str
    properties: dict[str, Value | Unset]
    problems: dict[str, str] = field(default_factory=dict)
    watched: Mapping[str, Watch] = field(default_factory=dict)
    fill_once: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class HoldSlot:
    """A role on a licence is held by this person now, or by nobody.

    Attributes:
        slot: Identity of the role, for example licence and role.
        email: The e-mail address or id of who holds it; None when it is vacant.
        forgotten: Whoever held it, or is named here, was erased at the source, and has to be forgotten downstream
            too. Nobody holds it from then on.
    """

    slot: str
    account: AccountReference
    email: str | None
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """Something happened to an account, to a user, or to a user within an account, once.

    Attributes:
        event_id: Identity of the event for ever; it is sent once.
        account: The account; without any name where the event is of a user alone.
        triggered_at: ISO 8601 in UTC.
        user: The e-mail address or id of the user.
    """

    event_id: str
    name: str
    account: AccountReference
    triggered_at: str
    metadata: dict[str, Scalar]
    user: str | None = None
    watched: Mapping[str, Watch] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operations:
    """All that one record asks for."""

    accounts: tuple[UpsertAccount, ...] = ()
    users: tuple[UpsertUser, ...] = ()
    slots: tuple[HoldSlot, ...] = ()
    events: tuple[TrackEvent, ...] = ()

    @property
    def references(self) -> tuple[AccountReference, ...]:
        """The accounts that the record names."""
        parts: tuple[UpsertAccount | HoldSlot | TrackEvent, ...] = (*self.accounts, *self.slots, *self.events)
        return tuple(part.account for part in parts)

    def without_forgotten(self) -> Operations:
        """What is left when nothing is asked of people of whom the same record says that they have to be forgotten."""
        people = {slot.email for slot in self.slots if slot.forgotten and slot.email}
        if not people:
            return self
        events = [replace(event, user=None) if event.user in people else event for event in self.events]
        return replace(self, users=tuple(user for user in self.users if user.user not in people), events=tuple(events))
