"""Whatever is asked for, in whatever order, journy.io holds what some record asks for, and nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.target.runs import FakeDoor, World
from tests.target.test_deletes import GONE, SETTINGS

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn
    from tests.target.runs import Message

STREAMS = ("clients", "tickets", "people", "roles")
names = st.sampled_from(["ann@acme.com", "bob@acme.com", "cat@acme.com"])
ids = st.sampled_from(["C1", "C2", "C3"])


@st.composite
def sources(draw: DrawFn) -> list[Message]:
    """All that a source holds at some time: clients, tickets that name clients, people, and roles of both."""
    found: list[Message] = [("clients", {"id": key, "name": key}) for key in draw(st.sets(ids))]
    for stream, fields in (
        ("tickets", st.fixed_dictionaries({"client": ids, "count": st.integers(1, 2)})),
        ("roles", st.fixed_dictionaries({"client": ids, "email": st.none() | names})),
    ):
        keys = draw(st.sets(st.sampled_from(["1", "2", "3"])))
        found += [(stream, {"id": key, **draw(fields)}) for key in sorted(keys)]
    found += [("people", {"email": email, "name": email}) for email in draw(st.sets(names))]
    return found


def expected(source: list[Message]) -> tuple[dict[str, Any], set[str]]:
    """The members of each account, and the users, that a source asks for."""
    users = {record["email"] for stream, record in source if stream == "people"}
    accounts: dict[str, set[str]] = {}
    for stream, record in source:
        if stream in {"clients", "tickets"}:
            accounts.setdefault(record["client"] if stream == "tickets" else record["id"], set())
    for stream, record in source:
        if stream == "roles" and record["client"] in accounts and record["email"] in users:
            accounts[record["client"]].add(record["email"])
    return accounts, users


def _key(record: dict[str, Any]) -> str:
    return str(record.get("id") or record["email"])


def held(world: World) -> tuple[dict[str, Any], set[str]]:
    return {key: set(account.users) for key, account in world.state.accounts.items()}, set(world.state.users)


@examples(max_examples=12)
@given(data=st.data())
def test_journy_holds_what_the_source_holds(data: st.DataObject) -> None:
    door = FakeDoor()
    with tempfile.TemporaryDirectory() as folder, patch("target_journy.loader.open_door", lambda *_, **__: door):
        world = World(Path(folder), door, f"sqlite:///{folder}/ledger.db")
        world.settings.update(SETTINGS, max_deleted_percent=100)
        before: list[Message] = []
        for version, source in enumerate(data.draw(st.lists(sources(), min_size=2, max_size=4)), 1):
            old, new = ({(stream, _key(record)): record for stream, record in rows} for rows in (before, source))
            has_gone = old.keys() - new.keys()
            moved = {stream for stream, key in old.keys() & new.keys() if old[stream, key] != new[stream, key]}
            messages = data.draw(st.permutations(source))
            # What a record asks for no more is given up when its stream has been read as a whole.
            by_version = moved | {stream for stream in STREAMS if stream in dict(source) and data.draw(st.booleans())}
            told: list[Message] = [
                (stream, {"email" if stream == "people" else "id": key, "_sdc_deleted_at": GONE})
                for stream, key in sorted(has_gone)
                if stream not in by_version
            ]
            places = [data.draw(st.integers(0, len(messages))) for _ in told]
            for place, message in zip(places, told, strict=True):
                messages.insert(place, message)
            run = world.load(messages, version=version, whole=by_version, flush_every=data.draw(st.integers(0, 4)))
            assert run.exit_code == 0
            assert held(world) == expected(source)
            before = source
        again = world.load(before, version=version + 1, whole=by_version)
        assert again.calls == []
        assert held(world) == expected(before)
