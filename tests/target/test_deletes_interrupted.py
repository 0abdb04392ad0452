"""Deletions that something comes between, and those of other times and places: done in the end, once, or not at all."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text
from tests.target.fakes import ON_BOTH_DATABASES
from tests.target.runs import FakeDoor, SandboxDoor, World, refuse
from tests.target.test_deletes import GONE, SETTINGS, accounts, client, clients, person, role, whole

from marketplace_sandbox.faults.catalogue import FAULTS
from target_journy.ledger import condition_of
from target_journy.loader import Loader
from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

FAKE = "journy fake.example"


@pytest.fixture(autouse=True)
def settings(request: pytest.FixtureRequest) -> None:
    for name in {"world", "fake"} & {*request.fixturenames}:
        request.getfixturevalue(name).settings.update(SETTINGS)


def test_what_never_arrived_is_not_deleted(fake: World) -> None:
    def bad(path: str, body: dict[str, Any]) -> None:
        if body["identification"].get("accountId") == "C2":
            raise refuse()

    fake.door.before = bad
    whole(fake, clients(1, 2, 3), 1, max_rejected_percent=100)
    fake.door.before = lambda path, body: None
    assert whole(fake, clients(1, 3), 2).calls == []
    assert whole(fake, clients(1, 2, 3), 3).paths == {"/accounts/upsert": 1}


def test_a_deletion_that_is_refused_is_told_and_comes_again_on_request_only(fake: World) -> None:
    def bad(path: str, body: dict[str, Any]) -> None:
        if path == "/accounts":
            raise refuse("Not now.")

    whole(fake, clients(1, 2), 1)
    fake.door.before = bad
    run = whole(fake, clients(1), 2)
    assert [(line["record"], line["reason"]) for line in run.quarantined] == [({"account": "C2"}, "Not now.")]
    fake.door.before = lambda path, body: None
    assert whole(fake, clients(1), 3).calls == []
    loader = Loader(fake.config(), retry_rejected=True)
    loader.finish()
    loader.close()
    assert accounts(fake) == ["C1"]


def test_a_dry_run_shows_it_and_changes_nothing(world: World) -> None:
    whole(world, [*clients(1, 2), person("ann"), person("bob")], 1)
    run = whole(world, [*clients(1), person("bob")], 2, dry_run=True)
    assert run.report["preview"] == [
        {"call": "delete_account", "account": "C2"},
        {"call": "delete_user", "email": "ann@acme.com"},
    ]
    assert run.report["deleted"] == {"accounts": 1, "users": 1, "memberships": 0}
    assert accounts(world) == ["C1", "C2"]
    assert world.load([], max_deleted_percent=100).calls == []
    assert len(whole(world, [*clients(1), person("bob")], 2).calls) == 2


def test_adopting_deletes_nothing_and_the_next_run_does(fake: World) -> None:
    whole(fake, clients(1, 2), 1, adopt=True)
    assert whole(fake, clients(1), 2, adopt=True).calls == []
    fake.state.upsert_account({"accountId": "C2"}, {})
    assert fake.load([]).paths == {"/accounts": 1}
    assert accounts(fake) == []


def test_deletes_that_begin_later_know_what_was_delivered_before(fake: World) -> None:
    whole(fake, clients(1, 2), 1, deletes="none")
    whole(fake, clients(1), 2)
    assert accounts(fake) == ["C1"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("kind", [DeliveryError, KeyboardInterrupt])
def test_cut_short_at_any_call_it_ends_as_if_it_had_not_been(
    fake: World, kind: type[BaseException], moment: str
) -> None:
    first = [*clients(1, 2, 3, 4), *(person(n) for n in ("ann", "bob", "cat")), role(1, 1, "ann"), role(2, 3, "bob")]
    second = [client(1, size=2), *clients(3, 4), person("bob"), person("cat"), role(2, 3, "bob")]

    def run(call: int) -> tuple[Any, int]:
        fake.door.__init__(f"journy fake{call}{moment}{kind.__name__}.example")
        whole(fake, first, 1)
        seen = 0

        def count(path: str, body: dict[str, Any]) -> None:
            nonlocal seen
            seen += 1
            if seen == call:
                raise kind("interrupted")

        setattr(fake.door, moment, count)
        with suppress(KeyboardInterrupt):
            whole(fake, second, 2, max_parallel_requests=1)
        fake.door.before = fake.door.after = lambda path, body: None
        fake.door.take_calls()
        whole(fake, second, 3)
        assert whole(fake, second, 4).calls == []
        return fake.state.snapshot(), seen

    expected, calls = run(0)
    assert calls == 3
    assert (sorted(expected["accounts"]), sorted(expected["users"])) == (
        ["C1", "C3", "C4"],
        ["bob@acme.com", "cat@acme.com"],
    )
    for call in range(1, calls + 1):
        assert run(call)[0] == expected


def test_a_thing_that_returns_while_its_deletion_may_have_happened_is_made_whole(fake: World) -> None:
    def lose(path: str, body: dict[str, Any]) -> None:
        raise DeliveryError("lost")

    whole(fake, [client(1), client(2, size=5, at="2026-03-09")], 1)
    fake.door.after = lose
    assert whole(fake, clients(1), 2).exit_code == 1
    assert accounts(fake) == ["C1"]
    fake.door.after = lambda path, body: None
    whole(fake, [client(1), client(2, at="2026-03-01")], 3)
    assert fake.state.accounts["C2"].properties == {"name": "Company 2"}


def test_memberships_of_an_account_that_may_have_been_deleted_are_made_again(fake: World) -> None:
    def lose(path: str, body: dict[str, Any]) -> None:
        raise DeliveryError("lost")

    everything = [*clients(1, 2), person("ann"), role(1, 2, "ann")]
    whole(fake, everything, 1)
    fake.door.after = lose
    assert whole(fake, [client(1), *everything[2:]], 2).exit_code == 1
    fake.door.after = lambda path, body: None
    whole(fake, everything, 3)
    assert fake.state.accounts["C2"].users == ["ann@acme.com"]


@ON_BOTH_DATABASES
@pytest.mark.parametrize("deletes", ["none", "soft"])
def test_a_deletion_that_a_run_left_is_not_waited_for_while_it_is_not_wanted(
    world: World, deletes: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(path: str, body: dict[str, Any]) -> None:
        raise DeliveryError("no answer")

    whole(world, clients(1, 2), 1)
    world.door.before = fail
    cut_short = whole(world, clients(1), 2)
    assert (cut_short.report["waiting"], cut_short.report["unwanted_deletions"]) == (1, 0)
    world.door.before = lambda path, body: None
    world.door.take_calls()
    caplog.set_level("INFO")
    caplog.clear()  # of the run before, whose lines are there where another test has set the level
    for _ in range(2):
        run = world.load([], deletes=deletes)
        assert (run.calls, run.report["waiting"], run.report["unwanted_deletions"]) == ([], 0, 1)
        assert "wait in the ledger" not in caplog.text
        assert "deletions that earlier runs left are not made" in caplog.text
    left = [condition_of(world.config()["ledger_url"], FAKE, deletes=policy).waiting for policy in (deletes, "hard")]
    assert left == [0, 1]
    run = world.load([])
    assert (run.paths, run.report["waiting"], run.report["unwanted_deletions"]) == ({"/accounts": 1}, 0, 0)


@ON_BOTH_DATABASES
def test_so_is_a_deleted_record_that_a_run_could_not_act_on(world: World) -> None:
    whole(world, clients(1, 2), 1)
    deleted = ("clients", {"id": "C2", "_sdc_deleted_at": GONE})
    withheld = world.load([deleted], max_deleted_percent=0)
    assert (withheld.exit_code, withheld.report["waiting"]) == (3, 1)
    run = world.load([], deletes="none")
    assert (run.report["waiting"], run.report["unwanted_deletions"]) == (0, 1)
    run = world.load([])
    assert (accounts(world), run.report["waiting"]) == (["C1"], 0)


@ON_BOTH_DATABASES
def test_who_was_forgotten_is_deleted_and_waited_for_all_the_same(world: World) -> None:
    def fail(path: str, body: dict[str, Any]) -> None:
        raise DeliveryError("no answer")

    world.load([*clients(1), person("ann"), role(1, 1, "ann")])
    world.door.before = fail
    world.load([role(1, 1, None, forgotten=True)])
    assert world.load([], deletes="none").report["unwanted_deletions"] == 0
    world.door.before = lambda path, body: None
    world.door.take_calls()
    run = world.load([], deletes="none")
    assert (world.state.users, run.report["forgotten"], run.report["waiting"]) == ({}, 1, 0)


def test_a_version_that_was_told_before_a_stop_is_acted_on_by_the_next_run(fake: World) -> None:
    whole(fake, clients(1, 2), 1)
    loader = Loader(fake.config())
    loader.load(*client(1), version=2)
    loader.activate("clients", 2)
    loader.close()  # the input never ended
    assert accounts(fake) == ["C1", "C2"]
    fake.load([])
    assert accounts(fake) == ["C1"]


@pytest.mark.parametrize("is_adopted", [True, False])
def test_what_comes_without_a_version_is_not_taken_for_gone_by_what_was_told_before(
    fake: World, is_adopted: bool
) -> None:
    whole(fake, clients(1, 2, 3, 4), 1)
    if is_adopted:
        whole(fake, clients(1, 2, 3), 2, adopt=True)
    else:
        loader = Loader(fake.config())
        for message in clients(1, 2, 3):
            loader.load(*message, version=2)
        loader.activate("clients", 2)
        loader.close()
    run = fake.load([client(1, size=1), client(5)])
    assert run.paths == {"/accounts/upsert": 2, "/accounts": 1}
    assert accounts(fake) == ["C1", "C2", "C3", "C5"]
    fake.load([], version=2, whole=["clients"])  # told once more
    assert accounts(fake) == ["C1", "C2", "C3", "C5"]


def test_a_version_that_went_on_after_it_was_told_and_broke_off_is_not_acted_on(fake: World) -> None:
    whole(fake, clients(1, 2), 1)
    loader = Loader(fake.config())
    loader.load(*client(1), version=2)
    loader.activate("clients", 2)
    loader.close()
    assert fake.load([client(3)], version=2).paths == {"/accounts/upsert": 1}
    assert accounts(fake) == ["C1", "C2", "C3"]


def test_a_stream_of_which_some_records_have_no_version_deletes_nothing(fake: World) -> None:
    whole(fake, clients(1, 2), 1)
    loader = Loader(fake.config())
    loader.load(*client(1))
    loader.load(*client(3), version=2)
    loader.activate("clients", 2)
    loader.finish()
    loader.close()
    assert accounts(fake) == ["C1", "C2", "C3"]


def test_a_ledger_of_version_2_learns_as_records_come(fake: World) -> None:
    whole(fake, clients(1, 2), 1)
    engine = create_engine(fake.ledger_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE claims"))
        connection.execute(text("DROP TABLE activations"))
        connection.execute(text("UPDATE ledger_info SET version = 2"))
    engine.dispose()
    assert whole(fake, clients(1), 2).calls == []  # nobody knows whom account C2 came from
    fake.load([client(1, size=1), client(2, size=1)], version=3)
    whole(fake, [client(1, size=1)], 4)
    assert accounts(fake) == ["C1"]


def test_destinations_share_nothing(fake: World, monkeypatch: pytest.MonkeyPatch) -> None:
    doors = [fake.door, FakeDoor("journy other.example")]
    for door in doors:
        fake.door = door
        monkeypatch.setattr("target_journy.loader.open_door", lambda *_, door=door, **__: door)
        whole(fake, clients(1, 2), 1)
    whole(fake, clients(1), 2)
    assert (sorted(doors[0].state.accounts), sorted(doors[1].state.accounts)) == (["C1", "C2"], ["C1"])


@pytest.mark.long
@pytest.mark.parametrize("kind", ["delete_account", "delete_user", "remove_members"])
@pytest.mark.parametrize(
    "fault", [name for name, trouble in FAULTS.items() if trouble.kinds is None and not trouble.seconds]
)
def test_whatever_goes_wrong_with_a_deletion_it_is_done_in_the_end(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, kind: str
) -> None:
    monkeypatch.setattr("marketplace_http.retry.RetryPolicy.pause", lambda *_: None)
    world = World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/ledger.db", {**SETTINGS})
    left = [client(1), client(3), person("bob"), person("cat"), role(1, 1, "bob"), role(2, 3, "cat")]
    whole(world, [client(2), person("ann"), role(3, 1, "cat"), *left], 1)
    sandbox.faults.add(fault, side="journy", kind=kind, times=1)
    try:
        run = whole(world, left, 2, max_parallel_requests=1)
    finally:
        sandbox.faults.clear()
    assert (run.exit_code == 1) == bool(run.error)
    if run.error:
        whole(world, left, 3)
    assert (accounts(world), sorted(world.state.users)) == (["C1", "C3"], ["bob@acme.com", "cat@acme.com"])
    assert world.state.accounts["C1"].users == ["bob@acme.com"]
    assert whole(world, left, 4).calls == []
