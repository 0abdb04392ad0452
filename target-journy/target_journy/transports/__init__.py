"""Doors into journy.io. A transport carries one call and tells what came of it; it knows nothing of streams."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_journy.values import Scalar, Value

NOT_THERE = 404
"""What a server answers to who asks for something that is not there. 410 says so of a whole API, too."""


class Request(NamedTuple):
    """What goes to a server, without credentials.

    Attributes:
        method: Of HTTP.
        path: Below the address of the API.
        body: What is sent as JSON.
    """

    method: str
    path: str
    body: Any


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a call that was accepted.

    Attributes:
        request_id: The server's own name for the call.
        rejected: Properties that were refused all the same, with the reasons.
        possibly_repeated: How often the call was made again although the server may have carried it out before.
        status: Of HTTP; None where nothing was sent.
    """

    request_id: str | None = None
    rejected: Mapping[str, str] = field(default_factory=dict)
    possibly_repeated: int = 0
    status: int | None = None


class PayloadRejectedError(Exception):
    """The server refused what was sent; sending it again unchanged cannot succeed.

    Attributes:
        reason: The server's reason, personal data masked.
        request_id: The server's own name for the call.
        fields: Reasons by the path of a field, where it named fields.
        status: Of HTTP; None where it was refused before it was sent.
    """

    def __init__(
        self, reason: str, request_id: str | None, fields: Mapping[str, str], status: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.request_id = request_id
        self.fields = fields
        self.status = status


class DeliveryError(Exception):
    """Nothing more can be delivered now: credentials, or a server that does not answer. Says what to do.

    Attributes:
        maybe_received: The server may have carried out the call all the same.
        possibly_repeated: How often the call was made again although the server may have carried it out before.
    """

    def __init__(self, message: str, *, maybe_received: bool = True, possibly_repeated: int = 0) -> None:
        super().__init__(message)
        self.maybe_received = maybe_received
        self.possibly_repeated = possibly_repeated


class HeldBackError(DeliveryError):
    """The run was to end while the call waited to be made, or to be made again."""


class Transport(Protocol):
    """Carries calls to a destination; every call may raise `PayloadRejectedError` or `DeliveryError`.

    A user is called by e-mail address, or by an id, which has no @.
    """

    @property
    def knows_repeats(self) -> bool:
        """Whether an event that is told again does no harm."""

    @property
    def can_delete(self) -> bool:
        """Whether properties, memberships, accounts and users can be deleted."""

    def upsert_account(self, account: str, properties: Mapping[str, Value], revision: int) -> Receipt:
        """Create or update an account; the same content under another revision is no repeat."""

    def upsert_user(self, user: str, properties: Mapping[str, Value], revision: int) -> Receipt:
        """Create or update a user; the same content under another revision is no repeat."""

    def add_members(self, account: str, users: Sequence[str]) -> Receipt:
        """Make users members of an account, at most `MEMBERS_PER_CALL`."""

    def remove_members(self, account: str, users: Sequence[str]) -> Receipt:
        """End memberships, at most `MEMBERS_PER_CALL`."""

    def delete_account(self, account: str) -> Receipt:
        """Delete an account; that it is not there is no error."""

    def delete_user(self, user: str) -> Receipt:
        """Delete a user; that they are not there is no error."""

    def track(
        self,
        event_id: str,
        name: str,
        account: str | None,
        triggered_at: str,
        metadata: Mapping[str, Scalar],
        user: str | None = None,
    ) -> Receipt:
        """Tell an event of an account, of a user, or of a user within an account."""


MEMBERS_PER_CALL = 100
