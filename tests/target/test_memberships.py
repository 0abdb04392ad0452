"""Who belongs to which account: by role on a licence, and forgotten when the Marketplace forgets."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.rows import license_messages, license_row, person
from tests.target.runs import refuse

from target_journy.loader import Loader

if TYPE_CHECKING:
    from tests.target.runs import World

ANN = person("ann@acme.com", "Ann Lee", phone="1")
BOB = person("bob@acme.com", "Bob Ray")
RTBF = person("RTBF", "RTBF", phone="RTBF")
SYNC = {"memberships": "sync"}


def members(world: World, account: str = "SEN-1") -> list[str]:
    return sorted(world.state.accounts[account].users)


def test_one_person_in_two_roles_is_one_membership(world: World) -> None:
    run = world.load(license_messages(license_row(1, ANN, ANN)))
    assert run.paths == {"/accounts/upsert": 1, "/users/upsert": 1, "/accounts/users/add": 1}
    assert members(world) == ["ann@acme.com"]
    assert run.counts == {"licenses": {"delivered": 1}, "contacts": {"delivered": 2, "skipped": 1}}
    assert run.report["created"] == {"accounts": 1, "users": 1, "memberships": 1, "events": 0}


@pytest.mark.parametrize("policy", ["add", "sync"])
def test_a_membership_ends_only_with_the_last_role_and_only_with_sync(world: World, policy: str) -> None:
    world.settings["memberships"] = policy
    world.load(license_messages(license_row(1, ANN, ANN)))
    run = world.load(license_messages(license_row(1, BOB, ANN, lastUpdated="2026-03-02")))
    assert members(world) == ["ann@acme.com", "bob@acme.com"]
    assert "/accounts/users/remove" not in run.paths

    run = world.load(license_messages(license_row(1, BOB, BOB, lastUpdated="2026-03-03")))
    assert members(world) == (["bob@acme.com"] if policy == "sync" else ["ann@acme.com", "bob@acme.com"])
    assert run.paths["/accounts/users/remove"] == (policy == "sync")
    assert world.load(license_messages(license_row(1, BOB, BOB, lastUpdated="2026-03-03"))).calls == []


def test_a_role_on_another_licence_of_the_account_keeps_a_membership(world: World) -> None:
    one = license_row(1, ANN)
    other = license_row(2, ANN, licenseId="SEN-1")  # the same account, met under a second key
    world.load(license_messages(one, other), **SYNC)
    world.load(license_messages(license_row(1, BOB, lastUpdated="2026-03-02")), **SYNC)
    assert members(world) == ["ann@acme.com", "bob@acme.com"]
    world.load(license_messages(license_row(2, BOB, licenseId="SEN-1", lastUpdated="2026-03-03")), **SYNC)
    assert members(world) == ["bob@acme.com"]


def test_a_vacated_role_ends_the_membership(world: World) -> None:
    world.load(license_messages(license_row(1, ANN)), **SYNC)
    run = world.load(license_messages(license_row(1, lastUpdated="2026-03-02")), **SYNC)
    assert members(world) == []
    assert world.state.accounts["SEN-1"].removed == ["ann@acme.com"]
    assert run.counts["contacts"] == {"delivered": 1, "skipped": 2}


def test_who_returns_is_a_member_again(world: World) -> None:
    for day, contact in enumerate([ANN, BOB, ANN], 1):
        world.load(license_messages(license_row(1, contact, lastUpdated=f"2026-03-0{day}")), **SYNC)
    assert members(world) == ["ann@acme.com"]


def test_none_leaves_memberships_alone(world: World) -> None:
    run = world.load(license_messages(license_row(1, ANN)), memberships="none")
    assert run.paths == {"/accounts/upsert": 1, "/users/upsert": 1}


@pytest.mark.parametrize("policy", ["add", "sync"])
def test_a_forgotten_person_is_forgotten(world: World, policy: str) -> None:
    world.settings["memberships"] = policy
    world.load(license_messages(license_row(1, ANN, BOB)))
    run = world.load(license_messages(license_row(1, RTBF, BOB, lastUpdated="2026-03-02")))
    user = next(body for path, body in run.calls if path == "/users/upsert")
    assert user["identification"] == {"email": "ann@acme.com"}
    assert user["properties"]
    assert set(user["properties"].values()) == {None}
    assert world.state.users["ann@acme.com"].properties == {}
    assert members(world) == ["bob@acme.com"]
    account = world.state.accounts["SEN-1"].properties
    assert "technical_contact_email" not in account
    assert "technical_contact_name" not in account
    assert not holds_text(world, "ann")
    assert run.report["created"]["users"] == 0
    assert world.load(license_messages(license_row(1, RTBF, BOB, lastUpdated="2026-03-02"))).calls == []


def test_a_person_forgotten_on_all_licences_is_forgotten_once(world: World) -> None:
    world.load(license_messages(*(license_row(n, ANN) for n in (1, 2, 3))))
    run = world.load(license_messages(*(license_row(n, RTBF, lastUpdated="2026-03-02") for n in (1, 2, 3))))
    assert run.paths["/users/upsert"] == 1
    assert run.paths["/accounts/users/remove"] == 3
    assert not holds_text(world, "ann")


def test_a_person_forgotten_licence_by_licence_is_forgotten_in_the_end(world: World) -> None:
    world.load(license_messages(*(license_row(n, ANN) for n in (1, 2))))
    world.load(license_messages(license_row(1, RTBF, lastUpdated="2026-03-02")))
    world.load(license_messages(license_row(2, RTBF, lastUpdated="2026-03-03")))
    assert world.state.users["ann@acme.com"].properties == {}
    assert members(world, "SEN-2") == []
    assert not holds_text(world, "ann")


def test_who_is_forgotten_without_memberships_is_forgotten_too(world: World) -> None:
    world.load(license_messages(license_row(1, ANN)), memberships="none")
    run = world.load(license_messages(license_row(1, RTBF, lastUpdated="2026-03-02")), memberships="none")
    assert run.paths == {"/accounts/upsert": 1, "/users/upsert": 1}
    assert world.state.users["ann@acme.com"].properties == {}
    assert not holds_text(world, "ann")


def test_a_person_in_five_licences_settles_whatever_the_order(world: World) -> None:
    def rows(phones: Any) -> list[dict[str, Any]]:
        return [license_row(n, {**ANN, "phone": phone}, lastUpdated=f"2026-03-0{n}") for n, phone in phones]

    forward = license_messages(*rows(enumerate("abcde", 1)))
    world.load(forward)
    assert world.state.users["ann@acme.com"].properties["phone"] == "e"
    assert world.load(forward).calls == []
    assert world.load(reversed(forward)).calls == []
    assert world.load(forward, flush_every=1).calls == []
    changed = [row for row in forward if row[0] == "contacts" and row[1]["license_id"] == "2"]
    assert world.load(changed).calls == []
    assert world.state.users["ann@acme.com"].properties["phone"] == "e"


def test_more_people_than_one_call_takes(fake: World) -> None:
    rows = [license_row(1000 + n, person(f"p{n}@acme.com"), licenseId="SEN-1") for n in range(510)]
    run = fake.load(license_messages(*rows))
    assert run.paths["/accounts/users/add"] == 6
    assert len(members(fake)) == 510
    assert fake.load(license_messages(*rows)).calls == []


def test_a_role_waits_for_its_licence(world: World) -> None:
    messages = license_messages(license_row(1, ANN, ANN))
    contacts = [message for message in messages if message[0] == "contacts"]
    run = world.load(contacts)
    assert run.counts == {"contacts": {"waiting": 2, "skipped": 1}}
    assert run.exit_code == 0
    assert run.report["waiting"] == 2
    run = world.load(messages[:1])
    assert run.paths == {"/accounts/upsert": 1, "/accounts/users/add": 1}
    assert run.report["waiting"] == 0
    assert world.load(messages).calls == []


def test_roles_before_their_licence_in_one_input_are_delivered(world: World) -> None:
    messages = list(reversed(license_messages(license_row(1, ANN, ANN))))
    run = world.load(messages, flush_every=1)
    assert run.counts == {"contacts": {"delivered": 2, "skipped": 1}, "licenses": {"delivered": 1}}
    assert members(world) == ["ann@acme.com"]


def holds_text(world: World, text: str) -> bool:
    """Whether a text stands anywhere in the ledger."""
    from sqlalchemy import create_engine
    from sqlalchemy import text as sql
    from sqlalchemy.engine import make_url

    from target_journy.ledger.schema import metadata

    url = make_url(world.config()["ledger_url"])
    engine = create_engine(url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url)
    with engine.connect() as connection:
        rows = [str(row) for table in metadata.tables for row in connection.execute(sql(f"SELECT * FROM {table}"))]
    engine.dispose()
    return any(text in row for row in rows)


def test_sync_also_ends_what_ended_while_memberships_did_not(world: World) -> None:
    for account in (1, 2):
        world.load(license_messages(license_row(account, ANN)))
        world.load(license_messages(license_row(account, BOB, lastUpdated="2026-03-02")))
    world.state.add_members({"accountId": "SEN-1"}, [{"email": "eve@acme.com"}])  # somebody else's member
    run = world.load(license_messages(license_row(1, BOB, lastUpdated="2026-03-02")), **SYNC)
    assert run.paths == {"/accounts/users/remove": 1}
    assert members(world) == ["bob@acme.com", "eve@acme.com"]
    assert members(world, "SEN-2") == ["ann@acme.com", "bob@acme.com"]  # its record did not come
    assert run.report["deleted"]["memberships"] == 1
    assert run.counts["contacts"] == {"delivered": 1, "skipped": 2}
    assert world.load(license_messages(license_row(1, BOB, lastUpdated="2026-03-02")), **SYNC).calls == []


def test_the_end_of_a_membership_that_is_refused_is_no_refused_member(fake: World) -> None:
    def bad(path: str, body: dict[str, Any]) -> None:
        if path == "/accounts/users/remove":
            raise refuse("Not now.")

    fake.settings.update(SYNC, max_rejected_percent=100)
    fake.load(license_messages(license_row(1, ANN)))
    fake.door.before = bad
    assert fake.load(license_messages(license_row(1, BOB, lastUpdated="2026-03-02"))).quarantined
    assert fake.load(license_messages(license_row(1, BOB, lastUpdated="2026-03-02"))).calls == []
    fake.door.before = lambda path, body: None
    loader = Loader(fake.config(), retry_rejected=True)
    loader.finish()
    loader.close()
    assert fake.door.take_calls()[0][0] == "/accounts/users/remove"
    assert members(fake) == ["bob@acme.com"]


ROLES = {
    "key": ["id", "no"],
    "version": "at",
    "membership": {"slot": "id", "account": {"id": "client"}, "email": "email"},
}
CLIENTS = {"key": "id", "account": {"id": "id"}}
PEOPLE = {"key": "email", "user": {"email": "email"}}


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_of_several_rows_about_one_role_the_newest_is_right(fake: World, order: tuple[int, ...]) -> None:
    crm = {**ROLES, "membership": {**ROLES["membership"], "slot": ["'crm'", "id"]}}
    streams = {"clients": CLIENTS, "people": PEOPLE, "roles": ROLES, "older_roles": ROLES, "crm": crm}
    fake.settings.update(SYNC, preset=None, mapping={"streams": streams})
    fake.load([("clients", {"id": "C1"}), *(("people", {"email": f"{n}@acme.com"}) for n in "abcd")])
    rows = [
        ("roles", {"id": "R", "no": 1, "client": "C1", "email": "a@acme.com", "at": "2026-03-02"}),
        ("roles", {"id": "R", "no": 2, "client": "C1", "email": "b@acme.com", "at": "2026-03-03"}),
        ("older_roles", {"id": "R", "no": 9, "client": "C1", "email": "c@acme.com", "at": "2026-03-01"}),
        ("crm", {"id": "R", "no": 1, "client": "C1", "email": "d@acme.com", "at": "2026-01-01"}),
    ]
    fake.load([rows[number] for number in order], flush_every=order[0])
    assert members(fake, "C1") == ["b@acme.com", "d@acme.com"]
    assert fake.load([rows[number] for number in reversed(order)], flush_every=1).calls == []
    fake.load([("roles", {**rows[1][1], "email": "a@acme.com"})])  # a row always overwrites itself
    assert members(fake, "C1") == ["a@acme.com", "d@acme.com"]
