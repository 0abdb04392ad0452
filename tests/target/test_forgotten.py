"""Who was erased at the source is erased in journy.io, in the ledger and among the rejected records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.fakes import faked
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import SegmentDoor, World, refuse
from tests.target.test_forgotten_by_id import MAPPING
from tests.target.test_memberships import holds_text, members

from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.runs import Message

    from marketplace_sandbox.server import Sandbox

ANN, BOB = person("ann@acme.com", "Ann Lee", phone="1"), person("bob@acme.com", "Bob Ray")
RTBF = person("RTBF", "RTBF", phone="RTBF")
HARD = {"deletes": "hard"}
MEET = {"key": "id", "user": {"email": "email", "properties": {"met": "met"}}}


def licenses(*contacts: Any, day: int = 1) -> list[Message]:
    """Licences 1, 2, … each with a technical contact, and Bob for billing."""
    rows = [license_row(n, who, BOB, lastUpdated=f"2026-03-0{day}") for n, who in enumerate(contacts, 1)]
    return license_messages(*rows)


@pytest.mark.parametrize("policy", ["add", "sync", "none"])
def test_with_hard_deletes_the_user_is_deleted(world: World, policy: str) -> None:
    world.settings.update(HARD, memberships=policy)
    world.load(licenses(ANN))
    run = world.load(licenses(RTBF, day=2))
    assert run.paths["/users"] == 1
    assert list(world.state.users) == ["bob@acme.com"]
    assert run.report["forgotten"] == 1
    assert run.report["deleted"] == {"accounts": 0, "users": 0, "memberships": 0}
    assert run.counts["contacts"]["delivered" if policy != "none" else "skipped"] >= 1
    assert not holds_text(world, "ann")
    assert world.load(licenses(RTBF, day=2)).calls == []


def test_who_holds_another_role_loses_properties_first_and_is_deleted_with_the_last(world: World) -> None:
    world.settings.update(HARD)
    world.load(licenses(ANN, ANN))
    world.load(licenses(RTBF, ANN, day=2)[:4])
    assert world.state.users["ann@acme.com"].properties == {}
    assert members(world) == ["bob@acme.com"]
    run = world.load(licenses(RTBF, RTBF, day=3))
    assert (list(world.state.users), run.report["forgotten"]) == (["bob@acme.com"], 1)
    assert not holds_text(world, "ann")


def test_without_deletes_the_properties_are_unset(world: World) -> None:
    world.load(licenses(ANN))
    run = world.load(licenses(RTBF, day=2))
    assert (world.state.users["ann@acme.com"].properties, run.report["forgotten"]) == ({}, 1)
    assert not holds_text(world, "ann")


def test_rejected_records_of_earlier_runs_are_erased(fake: World) -> None:
    def bad(path: str, body: dict[str, Any]) -> None:
        if path == "/users/upsert":
            raise refuse("No users.")

    fake.settings["max_rejected_percent"] = 100
    fake.load([*licenses(ANN)])
    fake.door.before = bad
    fake.load(licenses(person("ann@acme.com", "Ann Li"), person("joann@acme.com"), day=2))
    before = fake.quarantine()
    assert {line["record"]["email"] for line in before} == {"ann@acme.com", "bob@acme.com", "joann@acme.com"}
    fake.door.before = lambda path, body: None
    fake.load(licenses(RTBF, person("joann@acme.com"), day=3))
    for was, line in zip(before, fake.quarantine(), strict=False):
        assert line.keys() == {"reason"} if was["record"]["email"] == "ann@acme.com" else line == was


def test_a_dry_run_erases_nothing(fake: World) -> None:
    fake.load(licenses(ANN))
    (fake.folder / "rejected.jsonl").write_text('{"record":{"email":"ann@acme.com"}}\n')
    (fake.folder / "rejected.jsonl").chmod(0o600)
    run = fake.load(licenses(RTBF, day=2), dry_run=True, **HARD)
    assert {"call": "delete_user", "email": "ann@acme.com"} in run.report["preview"]
    assert "ann@acme.com" in (fake.folder / "rejected.jsonl").read_text()
    assert holds_text(fake, "ann@acme.com")


def test_events_that_were_not_told_yet_are_told_without_the_person(fake: World) -> None:
    def hold(path: str, body: dict[str, Any]) -> None:
        if path == "/track":
            raise refuse("Not now.")

    fake.settings["max_rejected_percent"] = 100
    fake.load(licenses(ANN))
    fake.door.before = hold
    fake.load([*licenses(BOB, day=2)])  # contact_changed, with her address as the old value
    fake.load(licenses(ANN, day=3))
    fake.door.before = lambda path, body: None
    fake.load(licenses(RTBF, day=4))
    assert not holds_text(fake, "ann")


@pytest.mark.parametrize("deletes", ["none", "hard"])
def test_who_is_named_again_is_there_again_whole(world: World, deletes: str) -> None:
    world.settings.update(deletes=deletes, mapping={"streams": {"meetings": MEET}})
    meeting: Message = ("meetings", {"id": "M1", "email": "ann@acme.com", "met": "once"})
    world.load([*licenses(ANN), meeting])
    before = {**world.state.users["ann@acme.com"].properties}
    world.load(licenses(RTBF, day=2))
    world.load([meeting])  # just as it was
    assert world.state.users["ann@acme.com"].properties == {"met": "once"}
    world.load(licenses(ANN, day=3))
    assert world.state.users["ann@acme.com"].properties == before
    assert members(world) == ["ann@acme.com", "bob@acme.com"]
    assert world.load([meeting, *licenses(ANN, day=3)]).calls == []


def test_in_one_batch_who_is_forgotten_stays_so_whoever_names_them(fake: World) -> None:
    fake.settings["mapping"] = {"streams": {"meetings": MEET}}
    fake.load(licenses(ANN))
    meeting: Message = ("meetings", {"id": "ann@acme.com", "email": "ann@acme.com", "met": "once"})
    fake.load([meeting, *licenses(RTBF, day=2)])
    assert fake.state.users["ann@acme.com"].properties == {}
    assert not holds_text(fake, "ann")


@pytest.mark.parametrize("deletes", ["none", "hard"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("kind", [DeliveryError, KeyboardInterrupt])
def test_cut_short_while_somebody_is_forgotten(
    fake: World, kind: type[BaseException], moment: str, deletes: str
) -> None:
    fake.settings["deletes"] = deletes
    fake.load(licenses(ANN, ANN))

    def fail(path: str, body: dict[str, Any]) -> None:
        if path.startswith("/users"):
            raise kind("interrupted")

    setattr(fake.door, moment, fail)
    try:
        fake.load(licenses(RTBF, RTBF, day=2))
    except KeyboardInterrupt:
        fake.door.take_calls()
    fake.door.before = fake.door.after = lambda path, body: None
    fake.load([])
    user = fake.state.users.get("ann@acme.com")
    assert user is None if deletes == "hard" else user is not None and user.properties == {}
    assert members(fake) == members(fake, "SEN-2") == ["bob@acme.com"]
    assert not holds_text(fake, "ann")
    assert fake.load(licenses(RTBF, RTBF, day=2)).calls == []


@pytest.fixture(params=["journy_segment", "segment"])
def over_segment(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> World:
    return World(tmp_path, SegmentDoor(sandbox, request.param), f"sqlite:///{tmp_path}/ledger.db")


@pytest.mark.parametrize("flush_every", [0, 1])
@pytest.mark.parametrize("policy", ["add", "none"])
def test_over_the_segment_protocol_the_ledger_forgets_and_a_line_names_who_is_left(
    over_segment: World, policy: str, flush_every: int
) -> None:
    world = over_segment
    world.settings.update(deletes="soft", memberships=policy, max_rejected_percent=100)
    world.load([*licenses(ANN, ANN), sale(1)])
    run = world.load(licenses(RTBF, RTBF, day=2), flush_every=flush_every)
    (line,) = [line for line in world.quarantine() if "user" in line.get("record", {})]
    assert line["record"] == {"user": "ann@acme.com"}
    assert "by hand" in line["reason"]
    assert [message for kind, message in run.calls if message.get("userId") == "ann@acme.com"] == []
    assert run.counts["contacts"]["rejected"] == (2 if flush_every else 1)
    assert run.report["waiting"] == 0
    assert not holds_text(world, "ann")
    again = world.load(licenses(RTBF, RTBF, day=2))
    assert (again.calls, again.quarantined) == ([], [])


def test_the_line_that_asks_for_it_stays_however_often_the_source_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = faked("segment", tmp_path, monkeypatch, preset=None, mapping=MAPPING, max_rejected_percent=100)
    ann = {"id": "R1", "client": "C1", "email": "ann@acme.com"}
    world.load([("clients", {"id": "C1"}), ("mails", {"email": "ann@acme.com"}), ("roles", ann)])
    for at in ("2026-03-02", "2026-03-02", "2026-03-03"):
        world.load([("roles", {**ann, "forgotten": True, "at": at})])
        (line,) = world.quarantine()
        assert (line["record"], line["by_hand"]) == ({"user": "ann@acme.com"}, True)
