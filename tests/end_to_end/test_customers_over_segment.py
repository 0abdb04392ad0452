"""The preset `marketplace` day after day over the Segment protocol: journy.io holds the same as over REST.

Tap and loader run in this process; each transport has a sandbox of its own behind it.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from tests.end_to_end.journy_content import held, told_changes, unlike
from tests.end_to_end.singer_file import selecting
from tests.tap import command as tap
from tests.target import command as loader
from tests.target.fakes import SEGMENT_DOORS

from marketplace_sandbox.server import running
from tap_atlassian_marketplace.customers.contacts import contact_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox
    from marketplace_sandbox.world.world import World

STREAMS = ("contacts", "accounts", "people", "account_events")


class Days:
    """A world whose days are read once each and loaded over REST and over the Segment protocol.

    Args:
        marketplace: The sandbox that is read.
        doors: The sandboxes that are delivered to, by transport.
        folder: For the files of all of them.
        patch: As the commands need it.
        capsys: The same.
    """

    def __init__(
        self, marketplace: Sandbox, doors: dict[str, Sandbox], folder: Path, patch: pytest.MonkeyPatch, capsys: Any
    ) -> None:
        self.world = marketplace.world
        self._marketplace = marketplace
        self._doors = doors
        self._folder = folder
        self._needs = patch, capsys
        self._lines = ""
        self._state: Any = None

    def load(self) -> dict[str, Any]:
        """Read what is new today and load it over each transport; the counts of the loaders by transport.

        The reading goes on from the state that they passed on, which must be the same.
        """
        self._lines = self._read()
        results = {transport: self._loaded(transport) for transport in self._doors}
        (state,) = {json.dumps(result.states[-1]) for result in results.values()}
        self._state = json.loads(state)
        assert {transport: result.returncode for transport, result in results.items()} == dict.fromkeys(results, 0)
        return {transport: result.report["streams"] for transport, result in results.items()}

    def load_again(self) -> None:
        """Load what was read last once more."""
        for transport in self._doors:
            assert self._loaded(transport).report["calls"] == {}

    def rejected(self, transport: str) -> list[dict[str, Any]]:
        """The lines of the file of rejected records."""
        path = self._folder / transport / "rejected.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _read(self) -> str:
        folder = self._folder / "tap"
        folder.mkdir(exist_ok=True)
        config = {**tap.settings(self._marketplace, folder), "as_of": self.world.today}
        with tap.command(folder, *self._needs) as run:
            read = run(config, catalog=selecting(STREAMS), state=self._state)
        assert read.returncode == 0, read.stderr
        return str(read.stdout)

    def _loaded(self, transport: str) -> loader.Result:
        folder = self._folder / transport
        folder.mkdir(exist_ok=True)
        config = loader.settings(self._doors[transport], folder, transport)
        changed = {"preset": "marketplace", "memberships": "add", "max_rejected_percent": 100}
        with loader.command(folder, *self._needs) as run:
            return run(self._lines, {**config, **changed})


def contacts(world: World) -> dict[tuple[str, str], str]:
    """The e-mail address of each contact by licence and role."""
    rows = (row for license_row in world.licenses for row in contact_rows(license_row))
    return {(row["license_id"], row["role"]): row["email"] for row in rows if row["email"]}


def assert_left_over(left: dict[tuple[Any, ...], tuple[Any, Any]], erased: dict[tuple[str, str], str]) -> None:
    """See that of two contents the first has more than the second, and what is more is about who was erased."""
    people = {*erased.values()}
    assert {wanted for _, wanted in left.values()} == {None}
    users, members, properties = (
        {path[1:]: found for path, (found, _) in left.items() if path[0] == kind}
        for kind in ("users", "members", "accounts")
    )
    assert len(users) + len(members) + len(properties) == len(left)
    assert {user for user, _ in users} == people
    assert {user for ((_, user),) in members} == people
    assert {(name, found) for (_, name), found in properties.items()} == {
        (f"{role}_contact_email", email) for (_, role), email in erased.items()
    }


@pytest.fixture
def doors() -> Iterator[dict[str, Sandbox]]:
    """A sandbox with an empty journy.io for each transport."""
    with ExitStack() as opened:
        yield {name: opened.enter_context(running(rate_limit=10_000_000)) for name in ("journy", *SEGMENT_DOORS)}


def test_three_days_over_each_transport(
    doors: dict[str, Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("tap_atlassian_marketplace.client._SECONDS_BETWEEN_STARTS", 0)
    monkeypatch.setattr("tap_atlassian_marketplace.exports._FIRST_WAIT", 0.01)
    rest = doors["journy"]
    services = {"journy_segment": doors["journy_segment"].journy_segment, "segment": doors["segment"].segment}
    with running(customers=3) as marketplace:
        days = Days(marketplace, doors, tmp_path, monkeypatch, capsys)

        # The first load, and a day on which a contact is replaced: all the same.
        for _ in range(2):
            counts = days.load()
            for transport in services:
                assert unlike(held(doors[transport]), held(rest)) == {}
                assert told_changes(doors[transport]) == told_changes(rest)
                assert counts[transport] == counts["journy"]
                assert days.rejected(transport) == []
            before = contacts(days.world)
            days.world.step()
        assert {event for event, *_ in told_changes(rest)} >= {"contact_changed"}

        # A person is erased: that cannot be passed on, and is named. All else is the same.
        after = contacts(days.world)
        counts = days.load()
        erased = {place: email for place, email in before.items() if place not in after}
        assert len(erased) == 1
        for transport in services:
            assert_left_over(unlike(held(doors[transport]), held(rest)), erased)
            assert told_changes(doors[transport]) == told_changes(rest)
            lines = days.rejected(transport)
            assert sorted(line["stream"] for line in lines) == ["accounts", "contacts"]
            assert all("The Segment protocol cannot" in line["reason"] for line in lines)
            differences = {
                stream: {outcome: number - counts["journy"][stream][outcome] for outcome, number in found.items()}
                for stream, found in counts[transport].items()
            }
            assert {stream: {name: n for name, n in each.items() if n} for stream, each in differences.items()} == {
                "contacts": {"delivered": -1, "rejected": 1},
                "accounts": {"delivered": -1, "rejected": 1},
                "people": {},
                "account_events": {},
            }

    # Nothing is sent twice, and what was sent could be used.
    days.load_again()
    for service in services.values():
        assert service.messages
        assert (service.discarded, service.unused, service.repeated) == ([], [], [])
