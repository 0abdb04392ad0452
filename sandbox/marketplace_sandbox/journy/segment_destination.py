"""What journy.io makes of a message in the Segment protocol, whether it comes in at its own door or from Segment.

The protocol has no way to say what was not taken, so this tells only the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sandbox.journy import validation as rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from marketplace_sandbox.journy.state import JournyState

    Message = dict[str, Any]

SELECTOR = "journy io"
"""journy.io's name among the `integrations` of a message."""


class SegmentDestination:
    """journy.io as a destination of messages.

    Args:
        state: What journy.io holds.
        now: The present, as ISO 8601 text, for events that do not say when they happened.
    """

    def __init__(self, state: JournyState, now: Callable[[], str]) -> None:
        self._state = state
        self._now = now

    def receive(self, message: Message) -> list[str]:
        """Take a sound message; answers what could not be used of it."""
        handlers = {"identify": self._identify, "group": self._group, "track": self._track, "page": _page}
        handler = handlers.get(message["type"])
        return handler(message) if handler else [f"journy.io takes no {message['type']}"]

    def receive_from_segment(self, message: Message) -> list[str]:
        """The same, if the message may go to this destination."""
        chosen = message.get("integrations") or {}
        if chosen.get(SELECTOR, chosen.get("All", True)) is False:
            return ["not meant for journy.io"]
        return self.receive(message)

    def _identify(self, message: Message) -> list[str]:
        if not message.get("userId"):
            return ["a visitor without a userId is no user"]
        traits = dict(message.get("traits") or {})
        identification = {"userId": message["userId"]}
        if "email" in traits:
            identification["email"] = traits.pop("email")
        unused, properties = _usable(identification, traits, rules.user)
        if properties is not None:
            unused += _named(self._state.upsert_user(identification, properties))
        return unused

    def _group(self, message: Message) -> list[str]:
        identification = {"accountId": message["groupId"]}
        unused, properties = _usable(identification, message.get("traits") or {}, rules.account)
        if properties is not None:
            unused += _named(self._state.upsert_account(identification, properties))
            if user := message.get("userId"):
                self._state.add_members(identification, [{"userId": user}])
        return unused

    def _track(self, message: Message) -> list[str]:
        account = (message.get("context") or {}).get("groupId")
        who = {"user": {"userId": message["userId"]}} if message.get("userId") else {}
        if account:
            who["account"] = {"accountId": account}
        if not who:
            return ["an event of neither a user nor an account"]
        given = message.get("properties") or {}
        body = {"identification": who, "name": message["event"], "metadata": given}
        if "timestamp" in message:
            body["triggeredAt"] = message["timestamp"]
        errors = rules.event(body)
        metadata = {name: value for name, value in given.items() if errors.pop(f"metadata.{name}", None) is None}
        unused = [f"metadata {name}" for name in given.keys() - metadata.keys()]
        if errors:
            return [f"{path}: {reason}" for path, reason in errors.items()]
        self._state.track({**body, "metadata": metadata}, self._now())
        return unused


def _page(message: Message) -> list[str]:
    has_address = message.get("anonymousId") and (message.get("properties") or {}).get("url")
    return ["page views are not kept here"] if has_address else ["a page view without anonymousId or url"]


def _usable(
    identification: dict[str, Any], traits: dict[str, Any], who: Callable[[Any, str, rules.Errors], None]
) -> tuple[list[str], dict[str, Any] | None]:
    """What cannot be used of some traits, and those that can; None if it is not said whose they are."""
    errors = rules.upsert({"identification": identification, "properties": traits}, who)
    # Whether a null deletes a property here is not known; it is safer to rely on nothing.
    bad = {
        name for name, value in traits.items() if value is None or not name.strip() or f"properties.{name}" in errors
    }
    errors = {path: reason for path, reason in errors.items() if not path.startswith("properties")}
    if errors:
        return [f"{path}: {reason}" for path, reason in errors.items()], None
    return [f"trait {name}" for name in sorted(bad)], {name: traits[name] for name in traits.keys() - bad}


def _named(rejected: dict[str, str]) -> list[str]:
    return [f"trait {name}: {reason}" for name, reason in rejected.items()]
