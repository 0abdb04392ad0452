"""What may have arrived without an answer is neither forgotten by the ledger nor left in journy.io."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.fakes import ON_BOTH_DATABASES, faked
from tests.target.runs import refuse
from tests.target.test_deletes import SETTINGS, clients, person, role, whole
from tests.target.test_forgotten_by_id import MAPPING as WITH_IDS
from tests.target.test_interruptions import Killed, calm
from tests.target.test_memberships import holds_text

from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.runs import Message, World

ANN = "ann@acme.com"
KNOWN = [*clients(1), person("ann"), role(1, 1, "ann")]
VACANT = [*clients(1), person("ann"), role(1, 1, None)]
ERASED = [*clients(1), role(1, 1, None, forgotten=True)]


@pytest.fixture(autouse=True)
def settings(request: pytest.FixtureRequest) -> None:
    if "world" in request.fixturenames:
        request.getfixturevalue("world").settings.update({**SETTINGS, "deletes": "none"})


def lose(world: World, messages: list[Message], path: str, error: BaseException, *, arrives: bool = True) -> None:
    """A run that ends at the first call to a path, when that has arrived or before."""

    def fail(at: str, body: dict[str, Any]) -> None:
        if at.startswith(path):
            raise error

    setattr(world.door, "after" if arrives else "before", fail)
    if isinstance(error, Killed):
        with pytest.raises(Killed):
            world.load(messages)
    else:
        assert world.load(messages).error
    calm(world.door)
    world.door.take_calls()


LOST = pytest.mark.parametrize("error", [DeliveryError("lost", maybe_received=True), Killed("now")])
NEVER_SENT = DeliveryError("no key", maybe_received=False)


@ON_BOTH_DATABASES
@LOST
@pytest.mark.parametrize("deletes", ["none", "hard"])
def test_who_may_have_arrived_is_erased(world: World, error: BaseException, deletes: str) -> None:
    world.settings["deletes"] = deletes
    lose(world, KNOWN, "/users", error)
    run = world.load(ERASED)
    user = world.state.users.get(ANN)
    assert user is None if deletes == "hard" else user is not None and user.properties == {}
    assert (run.report["forgotten"], run.report["waiting"]) == (1, 0)
    assert not holds_text(world, "ann")


@ON_BOTH_DATABASES
def test_under_their_other_name_too(world: World) -> None:
    world.settings["mapping"] = WITH_IDS
    known = [
        ("clients", {"id": "C1"}),
        ("people", {"id": "U7", "email": ANN, "name": "Ann"}),
        ("roles", {"id": "R1", "client": "C1", "email": ANN}),
    ]
    lose(world, known, "/users", Killed("now"))
    world.load([("roles", {"id": "R1", "client": "C1", "email": ANN, "forgotten": True})])
    assert world.state.users["U7"].properties == {}


@ON_BOTH_DATABASES
def test_who_never_left_is_not_told_of_when_forgotten(world: World) -> None:
    lose(world, KNOWN, "/users", NEVER_SENT, arrives=False)
    assert "/users/upsert" not in world.load(ERASED).paths
    assert ANN not in world.state.users
    assert not holds_text(world, "ann")


@ON_BOTH_DATABASES
def test_who_was_refused_is_not_told_of_when_forgotten(world: World) -> None:
    world.settings["max_rejected_percent"] = 100

    def no(path: str, body: dict[str, Any]) -> None:
        if path.startswith("/users"):
            raise refuse()

    world.door.before = no
    world.load(KNOWN)
    calm(world.door)
    assert "/users/upsert" not in world.load(ERASED).paths


def test_who_may_have_arrived_and_has_no_properties_is_not_made_anew(fake: World) -> None:
    fake.settings.update({**SETTINGS, "deletes": "none"})
    lose(fake, [*clients(1), ("people", {"email": ANN}), role(1, 1, "ann")], "/users", NEVER_SENT)
    run = fake.load(ERASED)
    assert "/users/upsert" not in run.paths
    assert not holds_text(fake, "ann")


@pytest.mark.parametrize("transport", ["segment", "journy_segment"])
def test_over_the_segment_protocol_a_line_names_who_may_have_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    world = faked(transport, tmp_path, monkeypatch, **{**SETTINGS, "deletes": "none", "memberships": "add"})
    lose(world, KNOWN, "/v1/batch", DeliveryError("lost", maybe_received=True))
    run = world.load(ERASED)
    assert [line["record"] for line in run.quarantined] == [{"user": ANN}]
    assert "by hand" in run.quarantined[0]["reason"]


@ON_BOTH_DATABASES
@LOST
def test_a_membership_that_may_have_begun_is_ended(world: World, error: BaseException) -> None:
    lose(world, KNOWN, "/accounts/users/add", error)
    assert world.state.accounts["C1"].users == [ANN]
    run = world.load(VACANT)
    assert world.state.accounts["C1"].users == []
    assert (run.report["deleted"]["memberships"], run.report["waiting"]) == (1, 0)
    assert world.load(VACANT).calls == []


@ON_BOTH_DATABASES
def test_one_that_never_left_just_goes(world: World) -> None:
    lose(world, KNOWN, "/accounts/users/add", NEVER_SENT, arrives=False)
    assert world.load(VACANT).calls == []


@ON_BOTH_DATABASES
def test_where_memberships_do_not_end_it_begins_for_sure(world: World) -> None:
    """As it would have done without the kill: and what began can be ended, once that is wanted."""
    world.settings["memberships"] = "add"
    lose(world, KNOWN, "/accounts/users/add", Killed("now"), arrives=False)
    world.load(VACANT)
    assert world.state.accounts["C1"].users == [ANN]
    world.load([*VACANT, role(2, 1, None)], memberships="sync")
    assert world.state.accounts["C1"].users == []


@ON_BOTH_DATABASES
def test_one_that_returned_before_its_end_was_told_is_ended_once_more(world: World) -> None:
    world.load(KNOWN)
    lose(world, VACANT, "/accounts/users/remove", NEVER_SENT, arrives=False)
    lose(world, KNOWN, "/accounts/users/add", NEVER_SENT, arrives=False)
    world.load(VACANT)
    assert world.state.accounts["C1"].users == []


@ON_BOTH_DATABASES
@LOST
@pytest.mark.parametrize("deletes", ["soft", "hard"])
def test_an_account_that_may_have_arrived_is_deleted(world: World, error: BaseException, deletes: str) -> None:
    world.settings.update(deletes=deletes, max_deleted_percent=100)

    def fail(path: str, body: dict[str, Any]) -> None:
        if body.get("identification") == {"accountId": "C2"}:
            raise error

    world.door.after = fail
    if isinstance(error, Killed):
        with pytest.raises(Killed):
            whole(world, clients(1, 2), 1)
        world.door.take_calls()
    else:
        assert whole(world, clients(1, 2), 1).error
    calm(world.door)
    run = whole(world, clients(1), 2)
    assert run.report["deleted"]["accounts"] == 1
    account = world.state.accounts.get("C2")
    assert account is None if deletes == "hard" else account is not None and account.properties["is_deleted"] is True
    assert whole(world, clients(1), 3).calls == []


@ON_BOTH_DATABASES
def test_so_much_that_may_have_arrived_is_not_deleted_without_a_word(world: World) -> None:
    world.settings["deletes"] = "hard"

    def fail(path: str, body: dict[str, Any]) -> None:
        if body.get("identification") == {"accountId": "C2"}:
            raise Killed("now")

    world.door.after = fail
    with pytest.raises(Killed):
        whole(world, clients(1, 2), 1)
    calm(world.door)
    world.door.take_calls()
    run = whole(world, clients(1), 2, max_deleted_percent=49)
    assert run.report["withheld"] == [
        {"stream": "clients", "kind": "account", "going": 1, "delivered": 2, "percent": 50}
    ]
    assert run.exit_code == 3


@ON_BOTH_DATABASES
def test_one_that_was_called_back_while_it_was_deleted_may_still_be_there(world: World) -> None:
    world.settings.update(deletes="hard", max_deleted_percent=100)
    whole(world, [*clients(1, 2)], 1)

    def fail(path: str, body: dict[str, Any]) -> None:
        raise NEVER_SENT

    world.door.before = fail
    assert whole(world, clients(1), 2).error  # C2 is to be deleted, and is not
    assert world.load(clients(2)).error  # it is asked for again
    calm(world.door)
    world.door.take_calls()
    whole(world, clients(1), 3)
    assert list(world.state.accounts) == ["C1"]


@ON_BOTH_DATABASES
def test_a_careful_run_does_not_forget_it_either(world: World) -> None:
    world.settings["max_accounts"] = 1
    lose(world, [KNOWN[0], KNOWN[2], KNOWN[1]], "/users", DeliveryError("lost", maybe_received=True))
    del world.settings["max_accounts"]
    world.load(ERASED)
    assert world.state.users[ANN].properties == {}
