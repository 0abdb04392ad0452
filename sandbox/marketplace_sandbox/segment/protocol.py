"""What makes Segment discard a message that it has answered with 200."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.journy.validation import is_datetime

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES = ("identify", "group", "track", "page", "screen", "alias")
MAX_BODY = 500_000
"""Bytes of a batch."""
MAX_MESSAGE = 32_000
"""Bytes of one message, alone or in a batch."""
MAX_BATCH = 2500
"""Messages of a batch."""
MAX_PROPERTIES = 10_000
MAX_ID = 100
"""Characters of a messageId."""


def faults_of(message: Any) -> str | None:
    """Why a message is discarded; None if it is not.

    Args:
        message: One message, with what its batch adds to it.
    """
    if not isinstance(message, dict):
        return "no object"
    return next((reason for reason, is_so in _RULES if is_so(message)), None)


def size_of(message: Any) -> int:
    """Bytes of a message as the shortest JSON; what its batch adds counts, too."""
    return len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_bad_id(message: dict[str, Any]) -> bool:
    return any(message.get(name) is not None and not _is_text(message[name]) for name in ("userId", "anonymousId"))


def _has_bad_object(message: dict[str, Any]) -> bool:
    return any(not isinstance(message.get(name, {}), dict) for name in _OBJECTS)


def _has_too_many(message: dict[str, Any]) -> bool:
    return any(len(message.get(name, {})) > MAX_PROPERTIES for name in ("traits", "properties"))


_OBJECTS = ("traits", "properties", "context", "integrations")
_RULES: tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...] = (
    ("larger than 32 kB", lambda message: size_of(message) > MAX_MESSAGE),
    ("unknown type", lambda message: message.get("type") not in TYPES),
    ("an id that is no text", _is_bad_id),
    ("no identity", lambda message: not (message.get("userId") or message.get("anonymousId"))),
    ("no event", lambda message: message["type"] == "track" and not _is_text(message.get("event"))),
    ("no groupId", lambda message: message["type"] == "group" and not _is_text(message.get("groupId"))),
    ("a time that is none", lambda message: "timestamp" in message and not is_datetime(message["timestamp"])),
    ("something else than an object", _has_bad_object),
    ("too many properties", _has_too_many),
)
