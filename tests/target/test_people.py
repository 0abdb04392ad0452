"""Users that are known by an id instead of an e-mail address, what they do, and of whom an event may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.runs import SandboxDoor, SegmentDoor, World

from target_journy.mapping_file import MappingError
from target_journy.mapping_reading import load_mapping

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

MAPPING = {
    "streams": {
        "people": {
            "key": "id",
            "version": "at",
            "account": {"id": "team", "when": "team"},
            "user": {"id": "id", "email": "email", "properties": {"full_name": "name"}},
            "membership": {
                "when": "team",
                "slot": ["team", "id || email"],
                "account": {"id": "team"},
                "user": "id",
                "email": "email",
            },
            "event": {
                "when": "did",
                "id": "did",
                "account": {"id": "team"},
                "user": "id",
                "email": "email",
                "time": "at",
                "other_name": "did_it",
            },
        }
    }
}


def row(**fields: Any) -> tuple[str, dict[str, Any]]:
    return "people", {"id": "u1", "at": "2026-03-01", "name": "Ann", **fields}


@pytest.fixture(params=["journy", "journy_segment", "segment"])
def world(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> World:
    door = SandboxDoor(sandbox) if request.param == "journy" else SegmentDoor(sandbox, request.param)
    return World(tmp_path, door, f"sqlite:///{tmp_path}/ledger.db", {"preset": None, "mapping": MAPPING})


def test_a_user_is_known_by_id(world: World) -> None:
    run = world.load([row(team="A", did="1")])
    assert (run.exit_code, run.counts) == (0, {"people": {"delivered": 1}})
    (user,) = world.state.users.values()
    assert (user.user_id, user.email, user.properties) == ("u1", None, {"full_name": "Ann"})
    assert world.state.accounts["A"].users == ["u1"]
    (event,) = world.state.events
    assert (event["user"], event["account"]) == ("u1", "A")
    assert world.load([row(team="A", did="1")]).calls == []


def test_a_user_of_an_id_may_have_an_address_too(world: World) -> None:
    world.load([row(email="ann@acme.com", team="A")])
    (user,) = world.state.users.values()
    assert (user.user_id, user.email, user.properties) == ("u1", "ann@acme.com", {"full_name": "Ann"})
    world.load([row(email="ann@new.com", team="A", at="2026-03-02")])
    (user,) = world.state.users.values()
    assert (user.user_id, user.email) == ("u1", "ann@new.com")
    assert world.state.accounts["A"].users == ["ann@new.com"]


def test_a_refused_address_leaves_the_other_properties_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    world = World(tmp_path, SandboxDoor(sandbox), ledger, {"preset": None, "mapping": MAPPING})
    run = world.load([row(email="ann@")], max_rejected_percent=100)
    assert run.counts == {"people": {"rejected": 1}}
    assert [body["identification"] for _, body in run.calls] == [{"userId": "u1", "email": "ann@"}, {"userId": "u1"}]
    assert [line["reason"].partition(":")[0] for line in run.quarantined] == ["email"]
    (user,) = world.state.users.values()
    assert (user.user_id, user.email, user.properties) == ("u1", None, {"full_name": "Ann"})
    run = world.load([row(email="ann@acme.com", at="2026-03-02")])
    assert [user.email for user in world.state.users.values()] == ["ann@acme.com"]


def test_an_event_is_of_those_that_the_record_names(world: World) -> None:
    people = [
        row(did="1", team="A"),
        row(did="2", team=None),
        row(did="3", team="A", id="", email="bob@acme.com"),
        row(did="4", team=None, id="", email="bob@acme.com"),
    ]
    mapping = {"streams": {"people": {**MAPPING["streams"]["people"], "key": "did"}}}
    run = world.load(people, mapping=mapping)
    assert run.counts == {"people": {"delivered": 4}}
    assert sorted((event["account"] or "", event["user"]) for event in world.state.events) == [
        ("", "bob@acme.com"),
        ("", "u1"),
        ("A", "bob@acme.com"),
        ("A", "u1"),
    ]
    assert world.load(people, mapping=mapping).calls == []


def test_blanks_around_an_address_do_not_make_another_person(world: World) -> None:
    people = [row(did="1", id=None, email=" ann@acme.com\n"), row(did="2", id=None, email="ann@acme.com")]
    run = world.load(people, mapping={"streams": {"people": {**MAPPING["streams"]["people"], "key": "did"}}})
    assert list(world.state.users) == ["ann@acme.com"]
    assert "rejected" not in run.counts["people"]


def test_an_event_of_nobody_is_skipped(world: World) -> None:
    event = {"id": "did", "user": "id", "time": "at", "other_name": "did_it"}
    run = world.load([row(did="1", id=None)], mapping={"streams": {"people": {"key": "did", "event": event}}})
    assert (run.counts, run.calls) == ({"people": {"skipped": 1}}, [])


@pytest.mark.parametrize(
    ("fields", "why"),
    [({"id": "ann@acme.com"}, "the id of the user is an e-mail"), ({"email": "ann"}, "the e-mail address has no @")],
)
def test_what_looks_like_the_other_kind_is_quarantined(world: World, fields: dict[str, Any], why: str) -> None:
    run = world.load([row(**fields)])
    assert (run.counts, run.calls) == ({"people": {"rejected": 1}}, [])
    assert why in run.quarantined[0]["reason"]
    assert "ann" not in run.quarantined[0]["reason"]


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"user": {"properties": {}}}, "missing required field `email` or `id`"),
        ({"user": {"id": "id", "properties": {"email": "email"}}}, "name it as `email`, beside `id`"),
        ({"membership": {"slot": "id", "account": {"id": "team"}}}, "missing required field `email` or `user`"),
        (
            {"event": {"id": "id", "time": "at", "other_name": "x"}},
            "field `account`, `user` or `email`",
        ),
    ],
)
def test_a_mapping_has_to_say_who(sections: dict[str, Any], says: str) -> None:
    with pytest.raises(MappingError, match=says):
        load_mapping(None, {"streams": {"people": {"key": "id", **sections}}})
