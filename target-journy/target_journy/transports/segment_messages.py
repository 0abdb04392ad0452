"""Calls as messages of the Segment protocol: identify, group and track."""

from __future__ import annotations

from abc import ABC, abstractmethod
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from target_journy.people import is_email
from target_journy.transports import PayloadRejectedError, Receipt
from target_journy.values import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_journy.values import Scalar, Value

MAX_MESSAGE = 32_000
"""Bytes of one message; Segment loses a larger one without a word."""

_CANNOT = "The Segment protocol cannot {}: do it in the tool behind it, or use the transport journy"
_SECOND_ADDRESS = "In the Segment protocol the property email is the address by which a user is known"


class SegmentMessages(ABC):
    """Writes each call as messages, and hands them to `take`.

    Accounts are groups; the `userId` is what a user is known by, an e-mail address or an id. What is about an account
    alone has its id as `anonymousId`, as the protocol asks for somebody in every message.

    Args:
        scope: Goes into every message id: at Segment these must differ between all sources of all its customers.
    """

    knows_repeats = True
    can_delete = False

    def __init__(self, scope: str) -> None:
        self._scope = scope

    @abstractmethod
    def take(self, messages: Sequence[bytes]) -> Receipt:
        """Do something about the messages of one call."""

    def upsert_account(self, account: str, properties: Mapping[str, Value], revision: int) -> Receipt:
        """Describe a group."""
        return self._describe({"type": "group", "anonymousId": account, "groupId": account}, properties, {}, revision)

    def upsert_user(self, user: str, properties: Mapping[str, Value], revision: int) -> Receipt:
        """Describe a user."""
        address = {"email": user} if is_email(user) else {}
        return self._describe({"type": "identify", "userId": user}, properties, address, revision)

    def add_members(self, account: str, users: Sequence[str]) -> Receipt:
        """Put each user into a group."""
        contents = [{"type": "group", "userId": user, "groupId": account} for user in users]
        return self.take([_checked(self._message(content, content)) for content in contents])

    def remove_members(self, account: str, users: Sequence[str]) -> Receipt:  # noqa: ARG002 - it never works
        """Refuse it: there is no such message."""
        raise PayloadRejectedError(_CANNOT.format("end a membership"), None, {})

    def delete_account(self, account: str) -> Receipt:  # noqa: ARG002 - as above
        """Refuse it: there is no such message."""
        raise PayloadRejectedError(_CANNOT.format("delete an account"), None, {})

    def delete_user(self, user: str) -> Receipt:  # noqa: ARG002 - as above
        """Refuse it: there is no such message."""
        raise PayloadRejectedError(_CANNOT.format("delete a user"), None, {})

    def track(
        self,
        event_id: str,
        name: str,
        account: str | None,
        triggered_at: str,
        metadata: Mapping[str, Scalar],
        user: str | None = None,
    ) -> Receipt:
        """Tell an event of a group, of a user, or of a user within a group."""
        content = {
            "type": "track",
            **({"userId": user} if user else {"anonymousId": account}),
            "event": name,
            "timestamp": triggered_at,
            "properties": dict(metadata),
            **({"context": {"groupId": account}} if account else {}),
        }
        return self.take([_checked(self._message(content, "event", event_id))])

    def _describe(
        self, about: dict[str, Any], properties: Mapping[str, Value], address: dict[str, str], revision: int
    ) -> Receipt:
        """Describe a group or user; what cannot be said is refused property by property, so that the rest can go.

        Raises:
            PayloadRejectedError: Something cannot be said. It names no property where nothing else is left to say.
        """
        # What a null means is not agreed on; only a person who has to be forgotten brings one this far.
        refused = {name: _CANNOT.format("delete a property") for name, value in properties.items() if value is None}
        others = {name for name, value in address.items() if properties.get(name) not in {None, value}}
        refused |= dict.fromkeys(others, _SECOND_ADDRESS)
        traits = {name: value for name, value in properties.items() if name not in refused} | address
        content = {**about, "traits": traits}
        message = self._message(content, revision, content)
        refused |= dict.fromkeys(_too_large(traits.keys() - address, traits, len(message)), _exceeds(len(message)))
        if refused:
            fields = {f"properties.{name}": reason for name, reason in refused.items()}
            is_all = not others and len(refused) == len(properties)
            raise PayloadRejectedError(next(iter(refused.values())), None, {} if is_all else fields)
        return self.take([_checked(message)])

    def _message(self, content: dict[str, Any], *identity: Any) -> bytes:
        """A message, under an id that its repeats share with it and nothing else does."""
        name = sha256(to_json([self._scope, *identity]).encode()).hexdigest()
        return to_json({"messageId": name, **content}).encode()


class CollectedMessages(SegmentMessages):
    """Keeps the messages of calls.

    Attributes:
        messages: All of them so far, in their order.
    """

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.messages: list[bytes] = []

    def take(self, messages: Sequence[bytes]) -> Receipt:
        """Keep them."""
        self.messages += messages
        return Receipt()


def _checked(message: bytes) -> bytes:
    if len(message) > MAX_MESSAGE:
        raise PayloadRejectedError(_exceeds(len(message)), None, {})
    return message


def _exceeds(size: int) -> str:
    return f"The message takes {size:,} bytes, and the Segment protocol allows {MAX_MESSAGE:,}"


def _too_large(names: Iterable[str], traits: Mapping[str, Value], size: int) -> list[str]:
    """Which of the traits have to go, the largest first, until a message of that size fits; none if it does."""
    if size <= MAX_MESSAGE:
        return []
    sizes = {name: len(to_json({name: traits[name]}).encode()) - 1 for name in names}  # a comma instead of two braces
    large = []
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        if size > MAX_MESSAGE:
            large.append(name)
            size -= sizes[name]
    return large
