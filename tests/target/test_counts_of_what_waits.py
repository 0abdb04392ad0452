"""A record that waits for another one of the same run is counted as what becomes of it, however often it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.rows import license_messages, license_row, sale
from tests.target.runs import refuse
from tests.target.test_deletes import MAPPING, clients, person, role

if TYPE_CHECKING:
    from tests.target.runs import World

LICENSE = license_messages(license_row(1))[:1]
ROLES = {"preset": None, "mapping": MAPPING, "memberships": "sync"}


@pytest.mark.parametrize("flush_every", [0, 1, 2])
@pytest.mark.parametrize(
    "messages", [[sale(1), sale(1), *LICENSE], [sale(1), *LICENSE, sale(1)], [sale(1), sale(1), *LICENSE, sale(1)]]
)
def test_a_sale_that_came_twice_before_its_licence(fake: World, messages: list[Any], flush_every: int) -> None:
    run = fake.load(messages, flush_every=flush_every)
    delivered, unchanged = (run.counts["transactions"].get(name, 0) for name in ("delivered", "unchanged"))
    assert delivered + unchanged == len(messages) - 1
    assert (run.report["waiting"], run.report["resumed"]) == (0, 0)
    assert run.report["created"]["events"] == 1


def test_one_whose_licence_does_not_come_waits_each_time(fake: World) -> None:
    run = fake.load([sale(1), sale(1)], flush_every=1)
    assert (run.counts, run.report["waiting"]) == ({"transactions": {"waiting": 2}}, 1)
    run = fake.load(LICENSE)
    assert (run.report["resumed"], run.report["waiting"]) == (1, 0)
    assert "waiting" not in run.counts["licenses"]


def test_one_that_is_refused_in_the_end_is_rejected_each_time(fake: World) -> None:
    def no(path: str, body: dict[str, Any]) -> None:
        if path == "/track":
            raise refuse()

    fake.door.before = no
    run = fake.load([sale(1), sale(1), *LICENSE], flush_every=1, max_rejected_percent=100)
    assert (run.counts["transactions"], run.report["waiting"]) == ({"rejected": 2}, 0)


@pytest.mark.parametrize("flush_every", [0, 1])
def test_a_role_that_came_twice_before_its_account(fake: World, flush_every: int) -> None:
    fake.settings.update(ROLES)
    run = fake.load([person("ann"), role(1, 1, "ann"), role(1, 1, "ann"), *clients(1)], flush_every=flush_every)
    assert (run.counts["roles"], run.report["waiting"], run.report["resumed"]) == ({"delivered": 2}, 0, 0)


def test_a_role_whose_account_came_between(fake: World) -> None:
    fake.settings.update(ROLES)
    run = fake.load([person("ann"), role(1, 1, "ann"), *clients(1), role(1, 1, "ann")], flush_every=1)
    assert (run.counts["roles"], run.report["waiting"]) == ({"delivered": 2}, 0)


def test_a_role_that_was_given_to_another_before_its_account_came(fake: World) -> None:
    fake.settings.update(ROLES)
    people = [person("ann"), person("bob")]
    run = fake.load([*people, role(1, 1, "ann"), *clients(1), role(1, 1, "bob")], flush_every=1)
    assert (run.counts["roles"], run.report["waiting"]) == ({"delivered": 2}, 0)
    assert fake.state.accounts["C1"].users == ["bob@acme.com"]


@pytest.mark.parametrize("again", [False, True])
def test_a_role_whose_person_comes_later(fake: World, again: bool) -> None:
    fake.settings.update(ROLES)
    more = [role(2, 1, "ann")] if again else []
    run = fake.load([*clients(1), role(1, 1, "ann"), person("ann"), *more], flush_every=1)
    assert run.counts["roles"] == {"delivered": 1 + len(more)}
    assert (run.report["waiting"], run.report["resumed"]) == (0, 0)
