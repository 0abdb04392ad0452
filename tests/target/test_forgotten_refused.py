"""A person whom journy.io refuses to erase is not counted as forgotten: the person is named, and can be tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.fakes import ON_BOTH_DATABASES
from tests.target.runs import refuse
from tests.target.test_forgotten_by_id import MAPPING, role
from tests.target.test_memberships import holds_text

from target_journy.loader import Loader
from target_journy.transports import Receipt

if TYPE_CHECKING:
    from tests.target.runs import Message, Run, World

ANN = "ann@acme.com"
KNOWN: list[Message] = [
    ("clients", {"id": "C1"}),
    ("mails", {"email": ANN, "name": "Ann"}),
    role(email=ANN),
]
ERASED = role(forgotten=True, at="2026-03-02")
NAMED = role(forgotten=True, at="2026-03-02", email=ANN)


@pytest.fixture(autouse=True)
def settings(world: World) -> None:
    world.settings.update(preset=None, mapping=MAPPING, max_rejected_percent=100)
    world.load(KNOWN)


def refuse_whole(world: World) -> None:
    def no(path: str, body: dict[str, Any]) -> None:
        if path.startswith("/users"):
            raise refuse("No.")

    world.door.before = no


def refuse_by_name(world: World) -> None:
    def no(path: str, body: dict[str, Any]) -> None:
        if path.startswith("/users") and "full_name" in body["properties"]:
            raise refuse("No.", properties__full_name="It is kept.")

    world.door.before = no


def take_and_refuse(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let journy.io take the call and refuse a property all the same."""
    monkeypatch.setattr(
        world.door, "upsert_user", lambda user, properties, _: Receipt("request-x", {"full_name": "It is kept."})
    )


def retry(world: World) -> Loader:
    loader = Loader(world.config(), retry_rejected=True)
    loader.finish()
    loader.close()
    world.door.take_calls()
    return loader


def assert_is_kept(world: World, run: Run, reason: str) -> None:
    assert (run.report["forgotten"], run.counts["roles"]) == (0, {"rejected": 1})
    (line,) = run.quarantined
    assert (line["stream"], line["key"], line["record"]) == ("roles", "R1", {"user": ANN})
    assert "erase" in line["reason"]
    assert "--retry-rejected" in line["reason"]
    assert reason in line["reason"]
    assert line["request_id"]


@ON_BOTH_DATABASES
@pytest.mark.parametrize("deletes", ["none", "soft", "hard"])
def test_a_refused_erasure_is_tried_again_when_it_is_asked_for(world: World, deletes: str) -> None:
    world.settings["deletes"] = deletes
    refuse_whole(world)
    assert_is_kept(world, world.load([ERASED]), "No.")
    assert world.load([ERASED]).calls == []
    assert retry(world).report.forgotten == 0
    assert [line["record"] for line in world.quarantine()] == [{"user": ANN}] * 2
    world.door.before = lambda path, body: None
    assert retry(world).report.forgotten == 1
    user = world.state.users.get(ANN)
    assert user is None if deletes == "hard" else user is not None and user.properties == {}
    assert not holds_text(world, "ann")
    assert retry(world).report.forgotten == 0


@ON_BOTH_DATABASES
def test_so_is_a_property_that_alone_is_refused(world: World) -> None:
    refuse_by_name(world)
    assert_is_kept(world, world.load([ERASED]), "full_name: It is kept.")
    world.door.before = lambda path, body: None
    assert retry(world).report.forgotten == 1
    assert world.state.users[ANN].properties == {}


@ON_BOTH_DATABASES
def test_and_one_that_is_refused_in_a_good_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        take_and_refuse(world, patch)
        assert_is_kept(world, world.load([ERASED]), "full_name: It is kept.")
        assert retry(world).report.forgotten == 0
    assert retry(world).report.forgotten == 1
    assert world.state.users[ANN].properties == {}


@ON_BOTH_DATABASES
@pytest.mark.parametrize("deletes", ["none", "hard"])
def test_a_record_that_tells_it_again_neither_sends_it_nor_loses_the_line(world: World, deletes: str) -> None:
    world.settings["deletes"] = deletes
    refuse_whole(world)
    assert_is_kept(world, world.load([NAMED]), "No.")
    again = world.load([NAMED])
    assert (again.calls, again.quarantined, again.report["forgotten"]) == ([], [], 0)
    assert (again.counts["roles"], again.report["rejected_again"]) == ({"rejected": 1}, 1)
    assert [line["record"] for line in world.quarantine()] == [{"user": ANN}]
    world.door.before = lambda path, body: None
    assert retry(world).report.forgotten == 1


@ON_BOTH_DATABASES
def test_who_is_asked_for_again_meanwhile_is_there_again(world: World) -> None:
    refuse_whole(world)
    world.load([ERASED])
    world.door.before = lambda path, body: None
    run = world.load([("mails", {"email": ANN, "name": "Anna", "at": "2026-03-03"}), role(email=ANN, at="2026-03-03")])
    assert (run.report["forgotten"], run.report["waiting"]) == (0, 0)
    assert world.state.users[ANN].properties == {"full_name": "Anna"}
    assert retry(world).report.forgotten == 0
    assert world.state.users[ANN].properties == {"full_name": "Anna"}
