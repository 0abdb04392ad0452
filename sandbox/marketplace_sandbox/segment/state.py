"""What came in at a door for the Segment protocol, and what became of it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.segment.protocol import MAX_ID, faults_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Message = dict[str, Any]


class SegmentState:
    """The messages of one service.

    Args:
        forward: Takes each message that is kept; answers what could not be used of it.

    Attributes:
        messages: Those that were kept, in the order in which they came.
        repeated: The ids of those that came again.
        discarded: Those that were not kept although the call was answered with 200: `reason` and `message`.
        unused: What journy.io made nothing of: `reason`, and the `messageId`.
    """

    def __init__(self, forward: Callable[[Message], list[str]]) -> None:
        self._forward = forward
        self._ids: set[str] = set()
        self.messages: list[Message] = []
        self.repeated: list[str] = []
        self.discarded: list[dict[str, Any]] = []
        self.unused: list[dict[str, str]] = []

    def take(self, message: Any) -> bool:
        """Take a message in; whether it was kept."""
        if isinstance(message, dict):
            message = {**message, "messageId": message.get("messageId") or str(uuid.uuid4())}
            name = message["messageId"]
            if not isinstance(name, str) or len(name) > MAX_ID:
                return self.discard(message, "a messageId that is no text of 100 characters at most")
            if name in self._ids:
                self.repeated.append(name)
                return False
            # Also of what is discarded now: it cannot be mended under the same id.
            self._ids.add(name)
        if reason := faults_of(message):
            return self.discard(message, reason)
        self.messages.append(message)
        self.unused += [{"reason": reason, "messageId": message["messageId"]} for reason in self._forward(message)]
        return True

    def discard(self, message: Any, reason: str) -> bool:
        """Keep in mind what was lost, and why."""
        self.discarded.append({"reason": reason, "message": message})
        return False

    def clear(self) -> None:
        """Forget everything, the ids too."""
        self._ids.clear()
        for held in (self.messages, self.repeated, self.discarded, self.unused):
            held.clear()

    def snapshot(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "messages": self.messages,
            "repeated": self.repeated,
            "discarded": self.discarded,
            "unused": self.unused,
        }
