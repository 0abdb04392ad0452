"""A careful run touches the first accounts and their people alone, and leaves the rest as if it had not come."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.command import command, settings, singer_lines
from tests.target.pages import Page
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import SegmentDoor, World

from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.target.command import Result
    from tests.target.runs import Message

    from marketplace_sandbox.server import Sandbox

SHARED = person("shared@acme.com", "Sue Shared")
MESSAGES: list[Message] = [
    *license_messages(*(license_row(n, person(f"p{n}@acme.com"), SHARED) for n in range(1, 6))),
    *(sale(10 * n + m, addonLicenseId=f"{n}", licenseId=f"SEN-{n}") for n in range(5, 0, -1) for m in (1, 2)),
]
TWO = {"SEN-1", "SEN-2"}
THEIR_PEOPLE = {"p1@acme.com", "p2@acme.com", "shared@acme.com"}


def told(world: World) -> dict[str, Any]:
    return json.loads(json.dumps(world.state.snapshot(), sort_keys=True, default=str))  # type: ignore[no-any-return]


def kept(world: World, query: str) -> list[Any]:
    with closing(sqlite3.connect(world.folder / "ledger.db")) as connection:
        return [row[0] if len(row) == 1 else row for row in connection.execute(query).fetchall()]


def forget_all(world: World) -> None:
    for held in (world.state.accounts, world.state.users, world.state.events, *world.state.types.values()):
        held.clear()


@pytest.mark.parametrize("flush_every", [0, 3])
def test_only_the_first_accounts_and_their_people_are_touched(world: World, flush_every: int) -> None:
    run = world.load(MESSAGES, max_accounts=2, flush_every=flush_every)
    assert set(world.state.accounts) == TWO
    assert set(world.state.users) == THEIR_PEOPLE
    assert {event["account"] for event in world.state.events} == TWO
    assert len(world.state.events) == 4
    assert run.counts["licenses"] == {"delivered": 2, "skipped": 3}
    assert run.counts["transactions"] == {"delivered": 4, "skipped": 6}
    assert run.report["left_for_later"] == 3 + 3 * 3 + 6
    assert run.report["waiting"] == 0


def test_nothing_is_known_of_the_others_and_a_full_run_ends_as_if_it_were_the_first(fake: World) -> None:
    fake.load(MESSAGES)
    wanted = told(fake)
    forget_all(fake)
    fake.load(MESSAGES, workspace="other", max_accounts=2)
    ours = "FROM {} WHERE destination = (SELECT max(id) FROM destinations)"
    assert set(kept(fake, f"SELECT key {ours.format('entities')} AND kind <> 'event'")) == TWO | THEIR_PEOPLE
    assert set(kept(fake, f"SELECT DISTINCT account {ours.format('account_aliases')}")) == TWO
    assert kept(fake, f"SELECT count(*) {ours.format('events')} AND state = 'delivered'") == [4]
    assert kept(fake, f"SELECT count(*) {ours.format('events')} AND state <> 'delivered'") == [0]
    run = fake.load(MESSAGES, workspace="other")
    assert run.counts["licenses"] == {"delivered": 3, "unchanged": 2}
    found = told(fake)
    assert sorted(map(str, found.pop("events"))) == sorted(map(str, wanted.pop("events")))
    assert found == wanted


def test_a_second_careful_run_is_about_the_same_accounts(world: World) -> None:
    world.load(MESSAGES, max_accounts=2)
    assert world.load(MESSAGES, max_accounts=2).calls == []
    world.load(MESSAGES, max_accounts=3)
    assert set(world.state.accounts) == {*TWO, "SEN-3"}


def test_roles_may_come_before_accounts_and_people(world: World) -> None:
    ids = [f"E-{n}" for n in range(1, 5)]
    mails = {number: f"p{number}@acme.com" for number in ids}
    named = {number: {"account_id": number, "aliases": [number]} for number in ids}
    contacts = [
        ("contacts", {"license_id": number, "role": "billing", "email": mail, **named[number]})
        for number, mail in mails.items()
    ]
    accounts = [("accounts", {**named[number], "name": number}) for number in reversed(ids)]
    people = [("people", {"email": mail, "name": "A B"}) for mail in mails.values()]
    run = world.load([*contacts, *accounts, *people], preset="marketplace", max_accounts=2)
    assert set(world.state.accounts) == {"E-1", "E-2"}
    assert set(world.state.users) == {"pE-1@acme.com", "pE-2@acme.com"}
    assert [account.users for account in world.state.accounts.values()] == [["pE-2@acme.com"], ["pE-1@acme.com"]]
    assert run.report["waiting"] == 0
    assert run.report["left_for_later"] == 6


def test_without_accounts_people_count(world: World) -> None:
    mapping = {"streams": {"users": {"key": "id", "user": {"email": "mail", "properties": {"name": "name"}}}}}
    rows = [("users", {"id": f"{n}", "mail": f"u{n % 4}@acme.com", "name": "A"}) for n in range(8)]
    run = world.load(rows, preset=None, mapping=mapping, max_accounts=2)
    assert set(world.state.users) == {"u0@acme.com", "u1@acme.com"}
    assert run.report["left_for_later"] == 4


CLICKS: dict[str, Any] = {"key": "id", "event": {"id": "id", "user": "user", "time": "at", "other_name": "clicked"}}


def clicks(*users: str) -> list[Message]:
    return [("clicks", {"id": f"{user}'s", "user": user, "at": "2026-03-01"}) for user in users]


def test_events_of_people_alone_come_with_the_first_people(world: World) -> None:
    mapping = {"streams": {"users": {"key": "id", "user": {"id": "id"}}, "clicks": CLICKS}}
    people = [("users", {"id": f"u{n}"}) for n in range(4)]
    run = world.load([*people, *clicks("u3", "u1", "u0")], preset=None, mapping=mapping, max_accounts=2)
    assert sorted(event["user"] for event in world.state.events) == ["u0", "u1"]
    assert run.report["left_for_later"] == 3


def test_an_event_ties_a_person_to_an_account(world: World) -> None:
    within = {**CLICKS, "event": {**CLICKS["event"], "account": {"id": "client"}}}
    mapping = {"streams": {"clients": {"key": "id", "account": {"id": "id"}}, "clicks": within}}
    (first, second, lone) = clicks("u1", "u2", "u3")
    first[1]["client"], second[1]["client"] = "C1", "C2"
    messages = [("clients", {"id": "C1"}), first, ("clients", {"id": "C2"}), second, lone]
    world.load(messages, preset=None, mapping=mapping, max_accounts=1)
    assert [(event["account"], event["user"]) for event in world.state.events] == [("C1", "u1")]


def test_an_event_of_a_person_alone_that_waits_goes_out_with_them(fake: World) -> None:
    def fail(path: str, body: dict[str, Any]) -> None:
        if path == "/track":
            raise DeliveryError("Nobody answers", maybe_received=False)

    fake.settings.update(
        preset=None, mapping={"streams": {"users": {"key": "id", "user": {"id": "id"}}, "clicks": CLICKS}}
    )
    people = [("users", {"id": f"u{n}"}) for n in range(2)]
    fake.door.before = fail
    fake.load([*people, *clicks("u1", "u0")])
    fake.door.before = lambda path, body: None
    fake.load(people, max_accounts=1)
    assert [event["user"] for event in fake.state.events] == ["u0"]


def test_one_account_has_many_names(fake: World) -> None:
    old = license_row(1, person("ann@acme.com"))
    new = license_row(1, person("ann@acme.com"), appEntitlementNumber="E-1", lastUpdated="2026-03-02")
    fake.load([*license_messages(old, new), sale(1, appEntitlementNumber="E-1")], max_accounts=1)
    assert list(fake.state.accounts) == ["SEN-1"]
    assert len(fake.state.events) == 1


def test_a_sale_on_a_number_of_several_accounts_is_left(fake: World) -> None:
    rows = [
        license_row(n, appEntitlementNumber=f"E-{n}", multiInstanceEntitlementNumber="E-100", tier="1 Users")
        for n in (2, 1)
    ]
    run = fake.load([*license_messages(*rows), sale(1, appEntitlementNumber="E-100")], max_accounts=1)
    assert fake.state.events == []
    fake.load([*license_messages(*rows), sale(1, appEntitlementNumber="E-100")])
    (event,) = fake.state.events
    assert event["account"] == "E-1"
    assert run.counts["transactions"] == {"skipped": 1}


def test_what_waits_for_other_accounts_goes_on_waiting(fake: World) -> None:
    def fail(path: str, body: dict[str, Any]) -> None:
        if path != "/users/upsert":
            raise DeliveryError("Nobody answers")

    fake.door.before = fail
    assert fake.load(MESSAGES).exit_code == 1
    fake.door.before = lambda path, body: None
    before = kept(fake, "SELECT count(*) FROM entities WHERE pending")[0]
    assert before > 4
    fake.load(MESSAGES, max_accounts=2)
    assert set(fake.state.accounts) == TWO
    assert set(kept(fake, "SELECT key FROM entities WHERE pending AND kind = 'account'")) == {"SEN-3", "SEN-4", "SEN-5"}
    fake.load([])
    assert len(fake.state.accounts) == 5


def test_what_a_careful_run_could_not_deliver_is_forgotten(fake: World) -> None:
    def fail(path: str, body: dict[str, Any]) -> None:
        if "SEN-2" in str(body) or path == "/accounts/users/add":
            raise DeliveryError("Nobody is there", maybe_received=False)

    fake.door.before = fail
    run = fake.load(MESSAGES, max_accounts=2, max_parallel_requests=1)
    assert run.exit_code == 1
    assert kept(fake, "SELECT key FROM entities WHERE kind = 'account'") == ["SEN-1"]
    assert kept(fake, "SELECT DISTINCT account FROM account_aliases") == ["SEN-1"]
    assert kept(fake, "SELECT count(*) FROM entities WHERE pending AND NOT known") == [0]
    assert kept(fake, "SELECT count(*) FROM memberships WHERE state = 'add'") == [0]
    assert not set(kept(fake, "SELECT account FROM events")) - {"SEN-1"}
    fake.door.before = lambda path, body: None
    fake.load(MESSAGES)
    assert len(fake.state.accounts) == 5
    assert len(fake.state.events) == 10
    assert all(len(account.users) == 2 for account in fake.state.accounts.values())


def test_a_change_that_did_not_get_through_is_not_lost(fake: World) -> None:
    def fail(path: str, body: dict[str, Any]) -> None:
        raise DeliveryError("Nobody answers")

    fake.load(license_messages(license_row(1, tier="1 Users")))
    fake.door.before = fail
    changed = license_messages(license_row(1, tier="2 Users", lastUpdated="2026-03-02"))
    assert fake.load(changed, max_accounts=1).exit_code == 1
    fake.door.before = lambda path, body: None
    fake.load(changed)
    assert fake.state.accounts["SEN-1"].properties["tier"] == "2 Users"
    assert [event["name"] for event in fake.state.events] == ["tier_changed"]


def test_it_goes_over_the_segment_protocol_too(sandbox: Sandbox, tmp_path: Path) -> None:
    world = World(tmp_path, SegmentDoor(sandbox, "segment"), f"sqlite:///{tmp_path}/ledger.db")
    world.load(MESSAGES, max_accounts=2)
    assert set(world.state.accounts) == TWO
    assert set(world.state.users) == THEIR_PEOPLE


def test_the_page_of_a_careful_dry_run(fake: World) -> None:
    run = fake.load(MESSAGES, max_accounts=2, dry_run=True)
    assert run.calls == []
    page = Page(fake.folder / "report.html")
    assert set(page.texts("article/header/span[@class='id']")) == TWO
    assert page.texts("dl/div")[-1] == f"left for later{run.report['left_for_later']}"


def test_a_careful_run_has_a_page_however_large_its_input_is(fake: World) -> None:
    others = license_messages(*(license_row(n) for n in range(100, 160)))
    fake.load([*MESSAGES, *others], max_accounts=2)
    assert Page(fake.folder / "report.html").texts("h1") == ["What a run did"]


@pytest.fixture
def load(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Result]]:
    with command(tmp_path, monkeypatch, capsys) as call:
        yield lambda **more: call(singer_lines(MESSAGES), {**settings(sandbox, tmp_path), **more})


def test_no_bookmark_moves(load: Callable[..., Result]) -> None:
    careful = load(max_accounts=2)
    assert (careful.returncode, careful.states) == (0, [])
    assert "as max_accounts is 2; no bookmark moves" in careful.stderr
    assert load().states


def test_none_is_no_limit(load: Callable[..., Result]) -> None:
    refused = load(max_accounts=0)
    assert refused.returncode == 1
    assert "max_accounts" in refused.errors[0]
