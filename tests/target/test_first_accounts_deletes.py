"""A careful run deletes nothing, and loses nothing of what had gone and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.test_deletes import GONE, MAPPING, SETTINGS, client, clients, person, role, whole

from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from tests.target.runs import World

ANN = [person("ann"), role(1, 1, "ann")]


@pytest.fixture(autouse=True)
def settings(fake: World) -> None:
    fake.settings.update(SETTINGS, max_deleted_percent=100)


def fail_at(world: World, *paths: str) -> None:
    def fail(path: str, body: dict[str, Any]) -> None:
        if path in paths:
            raise DeliveryError("Nobody answers", maybe_received=False)

    world.door.before = fail


@pytest.mark.parametrize("path", ["/accounts/upsert", "/accounts/users/add"])
def test_members_of_an_account_that_returns_in_vain_are_not_lost(fake: World, path: str) -> None:
    whole(fake, [*clients(1, 2), *ANN], 1)
    fake.load([*clients(2), *ANN], version=2, whole=["clients"])
    assert list(fake.state.accounts) == ["C2"]
    fail_at(fake, path)
    assert fake.load([*clients(1, 2), *ANN], max_accounts=2).exit_code == 1
    fail_at(fake)
    fake.load([*clients(1, 2), *ANN])
    assert fake.state.accounts["C1"].users == ["ann@acme.com"]


def test_a_member_who_returns_after_their_account_is_one_again(fake: World) -> None:
    whole(fake, [*clients(1, 2), person("bob"), *ANN], 1)
    fake.load(clients(2), version=2, whole=["clients"])
    fake.load([person("bob")], version=3, whole=["people"])
    assert fake.load(clients(1), max_accounts=1).report["waiting"] == 0
    assert fake.state.accounts["C1"].users == []
    fake.load([*clients(1, 2), person("bob"), *ANN])
    assert fake.state.accounts["C1"].users == ["ann@acme.com"]


def test_who_is_erased_after_an_account_returned_in_vain_is_forgotten(fake: World) -> None:
    whole(fake, [*clients(1, 2), *ANN], 1)
    fake.load([*clients(2), *ANN], version=2, whole=["clients"])
    fail_at(fake, "/accounts/upsert")
    fake.load(clients(1, 2), max_accounts=2)
    fail_at(fake)
    fake.load([role(1, 1, None, forgotten=True)])
    assert fake.state.users == {}


def test_what_was_told_of_an_account_that_returns_in_vain_is_not_told_again(fake: World) -> None:
    sales: Any = {"key": "id", "event": {"id": "id", "other_name": "sold", "account": {"id": "client"}, "time": "at"}}
    mapping: Any = {"streams": {**MAPPING["streams"], "sales": sales}}
    sale = ("sales", {"id": "1", "client": "C1", "at": "2026-03-01"})
    fake.settings.update(mapping=mapping)
    assert fake.load([*clients(1, 2), sale], version=1).paths["/track"] == 1
    fake.load(clients(2), version=2, whole=["clients"])
    fail_at(fake, "/accounts/upsert")
    fake.load(clients(1), max_accounts=1)
    fail_at(fake)
    run = fake.load([*clients(1, 2), ("sales", {**sale[1], "note": "changed"})])
    assert run.paths == {"/accounts/upsert": 1}


def test_a_deletion_that_was_cut_short_is_left_to_another_run(fake: World) -> None:
    whole(fake, [*clients(1), *ANN, person("bob")], 1)
    fail_at(fake, "/users")
    fake.load([person("bob")], version=2, whole=["people"])
    fail_at(fake)
    assert fake.load([*clients(1), ANN[1]], max_accounts=1).calls == []
    assert fake.load([]).paths == {"/users": 1}


def test_who_is_erased_in_a_careful_run_is_deleted_by_the_next(fake: World) -> None:
    fake.load([*clients(1), *ANN])
    erased = [*clients(1), role(1, 1, None, forgotten=True)]
    run = fake.load(erased, max_accounts=1)
    assert "/users" not in run.paths
    assert run.report["waiting"] == 1
    fake.load(erased)
    assert fake.state.users == {}


def test_a_record_that_is_deleted_is_left_for_later(fake: World) -> None:
    fake.load(clients(1, 2))
    gone = [client(1, _sdc_deleted_at=GONE)]
    run = fake.load(gone, max_accounts=1)
    assert run.calls == []
    assert run.counts["clients"] == {"skipped": 1}
    assert (run.report["left_for_later"], run.report["waiting"]) == (1, 0)
    fail_at(fake, "/users/upsert")
    assert fake.load([*clients(1), person("zoe")], max_accounts=2).report["waiting"] == 0
    fail_at(fake)
    fake.load(gone)
    assert list(fake.state.accounts) == ["C2"]
