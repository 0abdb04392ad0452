"""Loaders over fakes of each transport; those of the Segment protocol hand batches to the sandbox's service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.runs import FakeDoor, World

from marketplace_sandbox.journy.segment_destination import SegmentDestination
from marketplace_sandbox.journy.state import JournyState
from marketplace_sandbox.segment.state import SegmentState
from target_journy.transports import Receipt
from target_journy.transports.http import Manners
from target_journy.transports.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.target.runs import Call

WORLDS = ("fake, SQLite", "fake, PostgreSQL", "sandbox, SQLite")
"""What the fixture `world` is made of."""
ON_BOTH_DATABASES = pytest.mark.parametrize("world", WORLDS[:2], indirect=True)
"""Lets a test run on a fake transport with each kind of ledger."""
SEGMENT_DOORS = ("segment", "journy_segment")
WRITE_KEY = "write-key"


class FakeSegmentDoor(Segment):
    """A transport that keeps what it gets in a state like the sandbox's.

    `before` and `after` run around each batch with its path and body; what they raise, the batch raises.

    Args:
        name: `journy_segment` or `segment`.
        host: Where it is said to be.
    """

    def __init__(self, name: str, host: str = "fake.example") -> None:
        self._name = name
        self.settings: dict[str, Any] = {"transport": name, "write_key": WRITE_KEY}
        self.renew(host)

    def renew(self, host: str) -> None:
        """Be another door, with nothing behind it."""
        super().__init__(self._name, WRITE_KEY, f"https://{host}", Manners(user_agent="tests"))
        self.state = JournyState()
        self.service = SegmentState(SegmentDestination(self.state, lambda: "2026-03-01T12:00:00Z").receive)
        self.before: Callable[[str, Any], None] = lambda path, body: None
        self.after: Callable[[str, Any], None] = lambda path, body: None
        self._calls: list[Call] = []

    def take(self, messages: Sequence[bytes]) -> Receipt:
        body = {"batch": [json.loads(message) for message in messages]}
        self._calls.append(("/v1/batch", body))
        self.before("/v1/batch", body)
        for message in body["batch"]:
            self.service.take(message)
        self.after("/v1/batch", body)
        return Receipt()

    def take_calls(self) -> list[Call]:
        calls, self._calls = self._calls, []
        return calls


def faked(transport: str, folder: Path, patch: pytest.MonkeyPatch, **settings: Any) -> World:
    """A loader with a SQLite ledger over a fake of a transport."""
    door = FakeDoor() if transport == "journy" else FakeSegmentDoor(transport)
    patch.setattr("target_journy.loader.open_door", lambda *_, **__: door)
    return World(folder, door, f"sqlite:///{folder}/ledger.db", settings)
