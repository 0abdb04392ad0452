"""What `--adopt` leaves for the next run that sends anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.test_deletes import SETTINGS, client, clients, person, role, whole
from tests.target.test_forgotten_by_id import MAPPING, act

from marketplace_singer import SettingsError
from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from tests.target.runs import World


@pytest.fixture(autouse=True)
def settings(fake: World) -> None:
    fake.settings.update(SETTINGS)


def down(path: str, body: dict[str, Any]) -> None:
    raise DeliveryError("down", maybe_received=False)


def up(path: str, body: dict[str, Any]) -> None:
    pass


def test_a_deletion_that_was_cut_short(fake: World) -> None:
    whole(fake, clients(1, 2), 1)
    fake.door.before = down
    assert whole(fake, clients(2), 2).error
    fake.door.before = up
    run = whole(fake, clients(2), 3, adopt=True)
    assert (run.calls, run.report["deleted"]["accounts"], run.report["waiting"]) == ([], 0, 1)
    assert whole(fake, clients(2), 4).paths == {"/accounts": 1}
    assert list(fake.state.accounts) == ["C2"]


def test_what_an_earlier_run_could_not_send(fake: World) -> None:
    fake.settings["mapping"] = MAPPING
    fake.load([client(1), act("C2", id="e2")])
    fake.door.before = down
    assert fake.load([act("C1")]).error
    fake.door.before = up
    run = fake.load([client(1), client(2)], adopt=True)
    assert (run.calls, run.report["waiting"], run.report["resumed"]) == ([], 2, 0)
    assert fake.load([]).paths == {"/track": 2}


def test_a_role_that_waited_for_its_account(fake: World) -> None:
    fake.load([person("ann"), role(1, 1, "ann")])
    assert fake.load(clients(1), adopt=True).report["waiting"] == 1
    fake.load([*clients(1), ("tickets", {"id": "1", "client": "C1", "count": 1})])
    assert fake.state.accounts["C1"].users == ["ann@acme.com"]


@pytest.mark.parametrize("deletes", ["none", "hard"])
def test_who_has_to_be_forgotten(fake: World, deletes: str) -> None:
    fake.settings["deletes"] = deletes
    fake.load([*clients(1), person("ann"), role(1, 1, "ann")])
    run = fake.load([*clients(1), role(1, 1, None, forgotten=True)], adopt=True)
    counts = {"clients": {"unchanged": 1}, "roles": {"waiting": 1}}
    assert (run.calls, run.report["forgotten"], run.counts) == ([], 0, counts)
    run = fake.load([role(1, 1, None, forgotten=True)])
    assert run.report["forgotten"] == 1
    assert fake.state.accounts["C1"].users == []
    assert [user.properties for user in fake.state.users.values()] == ([] if deletes == "hard" else [{}])
    assert fake.load([role(1, 1, None, forgotten=True)]).calls == []


def test_what_waited_and_comes_again_is_adopted(fake: World) -> None:
    fake.settings["mapping"] = MAPPING
    fake.load([("mails", {"email": "ann@acme.com"})])
    fake.door.before = down
    assert fake.load([client(1), role(1, 1, "ann")]).error
    fake.door.before = up
    run = fake.load([role(1, 1, "ann"), client(1)], adopt=True, flush_every=1)
    assert (run.report["waiting"], fake.load([]).calls) == (0, [])


def test_all_that_came_in_it_is_adopted_in_whatever_order(fake: World) -> None:
    fake.settings["mapping"] = MAPPING
    messages = [act("C1"), role(1, 1, "ann"), client(1), ("mails", {"email": "ann@acme.com"})]
    run = fake.load(messages, adopt=True, flush_every=1)
    assert (run.report["waiting"], fake.load(messages).calls) == (0, [])


def test_a_membership_that_has_ended_is_left_to_the_next_run(fake: World) -> None:
    fake.load([*clients(1), person("ann"), role(1, 1, "ann")])
    ended = [*clients(1), person("ann"), role(1, 1, None)]
    run = fake.load(ended, adopt=True)
    assert (run.calls, run.report["deleted"]["memberships"], run.report["waiting"]) == ([], 0, 1)
    run = fake.load(ended)
    assert (run.report["deleted"]["memberships"], fake.state.accounts["C1"].users) == (1, [])
    assert fake.load(ended).calls == []


def test_a_dry_run_is_none_of_it(fake: World) -> None:
    with pytest.raises(SettingsError, match=r"'dry_run': .* --adopt .* take one of the two away"):
        fake.load(clients(1), adopt=True, dry_run=True)
