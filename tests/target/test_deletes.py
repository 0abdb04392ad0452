"""What has gone from the source is deleted: only what was delivered, only when all is known, never too much."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.runs import refuse

from target_journy.loader import Loader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.target.runs import Message, World


MAPPING = {
    "streams": {
        "clients": {
            "key": "id",
            "version": "at",
            "account": {"id": "id", "aliases": "aliases", "properties": {"name": "name", "size": "size"}},
        },
        "tickets": {"key": "id", "account": {"id": "client", "properties": {"tickets": "count"}}},
        "people": {"key": "email", "user": {"email": "email", "properties": {"full_name": "name"}}},
        "roles": {
            "key": "id",
            "membership": {"slot": "id", "account": {"id": "client"}, "email": "email", "forgotten": "forgotten"},
        },
    }
}
SETTINGS = {
    "preset": None,
    "mapping": MAPPING,
    "deletes": "hard",
    "max_deleted_percent": 50,
    "memberships": "sync",
}
GONE = "2026-03-05T00:00:00Z"


def client(number: int, **fields: Any) -> Message:
    return "clients", {"id": f"C{number}", "name": f"Company {number}", **fields}


def clients(*numbers: int) -> list[Message]:
    return [client(number) for number in numbers]


def person(name: str) -> Message:
    return "people", {"email": f"{name}@acme.com", "name": name}


def role(number: int, client: int, name: str | None, **fields: Any) -> Message:
    return "roles", {"id": f"R{number}", "client": f"C{client}", "email": name and f"{name}@acme.com", **fields}


@pytest.fixture(autouse=True)
def settings(request: pytest.FixtureRequest) -> None:
    for name in {"world", "fake"} & {*request.fixturenames}:
        request.getfixturevalue(name).settings.update(SETTINGS)


def whole(world: World, messages: Iterable[Message], version: int, **settings: Any) -> Any:
    """A run whose streams were read as a whole."""
    messages = list(messages)
    streams = list(dict.fromkeys(stream for stream, _ in messages))
    return world.load(messages, version=version, whole=streams, **settings)


def accounts(world: World) -> list[str]:
    return sorted(world.state.accounts)


def test_what_is_not_in_the_new_version_is_deleted(world: World) -> None:
    first = whole(world, [*clients(1, 2, 3), person("ann"), person("bob")], 1)
    assert first.report["deleted"] == {"accounts": 0, "users": 0, "memberships": 0}
    run = whole(world, [*clients(1, 3), person("bob")], 2)
    assert (accounts(world), sorted(world.state.users)) == (["C1", "C3"], ["bob@acme.com"])
    assert run.calls == [
        ("/accounts", {"identification": {"accountId": "C2"}}),
        ("/users", {"identification": {"email": "ann@acme.com"}}),
    ]
    assert run.exit_code == 0
    assert run.report["deleted"] == {"accounts": 1, "users": 1, "memberships": 0}
    assert (run.report["calls"], run.report["resumed"], run.report["waiting"]) == ({"deletions": 2}, 0, 0)
    assert run.counts == {"clients": {"unchanged": 2}, "people": {"unchanged": 1}}
    assert whole(world, [*clients(1, 3), person("bob")], 3).calls == []


@pytest.mark.parametrize("deletes", ["soft", "hard"])
def test_what_returns_is_there_again_whole(world: World, deletes: str) -> None:
    world.settings["deletes"] = deletes
    whole(world, [client(1), client(2, size=5)], 1)
    before = {**world.state.accounts["C2"].properties}
    whole(world, clients(1), 2)
    run = whole(world, [client(1), client(2, size=5)], 3)
    after = {**world.state.accounts["C2"].properties}
    assert after.pop("is_deleted", False) is False
    assert after == before == {"name": "Company 2", "size": 5}
    assert run.report["created"]["accounts"] == (deletes == "hard")
    assert whole(world, [client(1), client(2, size=5)], 4).calls == []


def test_soft_marks_it(world: World) -> None:
    world.settings["deletes"] = "soft"
    whole(world, [*clients(1, 2), person("ann"), person("bob")], 1)
    run = whole(world, [*clients(1), person("bob")], 2)
    assert run.report["deleted"] == {"accounts": 1, "users": 1, "memberships": 0}
    for held in (world.state.accounts["C2"], world.state.users["ann@acme.com"]):
        assert held.properties["is_deleted"] is True
        assert held.properties["deleted_at"].endswith("Z")
    assert "is_deleted" not in world.state.accounts["C1"].properties
    assert whole(world, [*clients(1), person("bob")], 3).calls == []


def test_what_was_marked_is_not_deleted_by_hard_later(fake: World) -> None:
    whole(fake, clients(1, 2, 3), 1, deletes="soft")
    whole(fake, clients(1, 2), 2, deletes="soft")
    assert whole(fake, clients(1, 2), 3, deletes="hard").calls == []
    assert accounts(fake) == ["C1", "C2", "C3"]


def test_soft_marks_also_what_was_refused_as_a_whole_before(fake: World) -> None:
    def bad(path: str, body: dict[str, Any]) -> None:
        if body["properties"].get("name") == "No company":
            raise refuse()

    fake.settings.update(deletes="soft", max_rejected_percent=100)
    whole(fake, clients(1, 2), 1)
    fake.door.before = bad
    named = client(2, name="No company")
    assert whole(fake, [client(1), named], 2).counts == {"clients": {"unchanged": 1, "rejected": 1}}
    run = whole(fake, clients(1), 3)
    assert (run.report["deleted"]["accounts"], run.report["waiting"]) == (1, 0)
    assert fake.state.accounts["C2"].properties["is_deleted"] is True
    assert whole(fake, clients(1), 4).calls == []
    whole(fake, [client(1), named], 5)
    assert fake.state.accounts["C2"].properties["is_deleted"] is False
    fake.door.before = lambda path, body: None
    loader = Loader(fake.config(), retry_rejected=True)
    loader.finish()
    loader.close()
    assert fake.state.accounts["C2"].properties["name"] == "No company"


def test_none_deletes_nothing_and_neither_does_a_stream_without_versions(fake: World) -> None:
    whole(fake, clients(1, 2), 1, deletes="none")
    assert whole(fake, clients(1), 2, deletes="none").calls == []
    fake.load(clients(1, 2))
    assert fake.load(clients(1)).calls == []
    assert fake.load(clients(1), whole=["clients"], version=5, deletes="none").calls == []
    assert accounts(fake) == ["C1", "C2"]


def test_an_incremental_run_brings_no_new_version_and_deletes_nothing(fake: World) -> None:
    whole(fake, clients(1, 2, 3), 1)
    assert fake.load([client(2, size=7)], version=1).paths == {"/accounts/upsert": 1}
    assert accounts(fake) == ["C1", "C2", "C3"]
    whole(fake, clients(1, 2), 2)
    assert accounts(fake) == ["C1", "C2"]


def test_a_read_that_is_resumed_is_one_version(fake: World) -> None:
    whole(fake, clients(1, 2, 3, 4), 1)
    fake.load(clients(1, 2), version=2)
    assert fake.load([client(4)], version=2, whole=["clients"]).report["deleted"]["accounts"] == 1
    assert accounts(fake) == ["C1", "C2", "C4"]


@pytest.mark.parametrize("orphans", [[], [role(1, 9, "ann")]])
def test_an_empty_extract_deletes_nothing(fake: World, orphans: list[Message], caplog: Any) -> None:
    fake.settings["max_deleted_percent"] = 100
    whole(fake, clients(1, 2), 1)
    with caplog.at_level(logging.WARNING):
        run = fake.load(orphans, version=2, whole=["clients"])
    assert run.calls == []
    assert "No record of the stream 'clients' came in its newest version" in caplog.text
    assert run.exit_code == 0


def test_more_than_allowed_deletes_nothing_at_all(world: World, caplog: Any) -> None:
    world.settings["max_deleted_percent"] = 10
    people = [person(f"p{n}") for n in range(20)]
    whole(world, [*clients(*range(10)), *people], 1)
    run = whole(world, [*clients(*range(8)), *people[:19]], 2)
    assert (run.exit_code, run.calls) == (3, [])
    assert run.report["withheld"] == [
        {"stream": "clients", "kind": "account", "going": 2, "delivered": 10, "percent": 20.0}
    ]
    (line,) = (record.message for record in caplog.records if record.levelno == logging.ERROR)
    assert "2 of the 10 accounts that the stream 'clients' delivered" in line
    assert "'max_deleted_percent'" in line
    assert "raise it for one run that reads all (a full refresh)" in line
    assert world.load([]).exit_code == 0  # it is not kept for later
    assert whole(world, [*clients(*range(9)), *people[:19]], 3).report["deleted"] == {
        "accounts": 1,
        "users": 1,
        "memberships": 0,
    }
    assert len(accounts(world)) == 9


def test_what_another_stream_delivers_stays_until_that_has_gone_too(world: World) -> None:
    ticket = ("tickets", {"id": "T1", "client": "C2", "count": 3})
    other = ("tickets", {"id": "T2", "client": "C1", "count": 4})
    whole(world, [*clients(1, 2), ticket, other], 1)
    run = whole(world, [*clients(1), ticket, other], 2)
    assert (run.calls, accounts(world)) == ([], ["C1", "C2"])
    whole(world, [*clients(1), other], 3)
    assert accounts(world) == ["C1"]


def test_a_record_that_asks_for_another_thing_leaves_the_first(fake: World) -> None:
    ticket: Message = ("tickets", {"id": "T1", "client": "C2", "count": 3})
    rest: list[Message] = [("tickets", {"id": f"T{n}", "client": f"C{n}", "count": 1}) for n in range(3, 6)]
    whole(fake, [ticket, *rest], 1)
    moved: Message = ("tickets", {"id": "T1", "client": "C1", "count": 3})
    fake.load([moved], version=1)
    assert accounts(fake) == ["C1", "C2", "C3", "C4", "C5"]
    whole(fake, [moved, *rest], 2)
    assert accounts(fake) == ["C1", "C3", "C4", "C5"]


def test_a_record_that_cannot_be_read_is_there_all_the_same(fake: World) -> None:
    roles = [role(n, 1, f"p{n}") for n in range(3)]
    whole(fake, [*clients(1), *(person(f"p{n}") for n in range(3)), *roles], 1)
    bad: list[Message] = [("roles", {**roles[0][1], "email": ["no text"]}), *roles[1:]]
    for version in (2, 3):  # new, and as it came before
        run = whole(fake, bad, version, max_rejected_percent=100)
        assert (run.counts["roles"]["rejected"], run.calls) == (1, [])


@pytest.mark.parametrize("before", [0, 1])
def test_a_version_that_is_told_before_the_last_record_says_nothing(fake: World, before: int, caplog: Any) -> None:
    whole(fake, clients(1, 2, 3), 1)
    loader = Loader(fake.config())
    for record in clients(1, 3)[:before]:
        loader.load(*record, version=2)
    loader.activate("clients", 2)
    for record in clients(1, 3)[before:]:
        loader.load(*record, version=2)
    loader.finish()
    loader.close()
    assert accounts(fake) == ["C1", "C2", "C3"]
    assert ["before that was told", "before the last of its records"][before] in caplog.text
    assert fake.load([]).calls == []
    assert whole(fake, clients(1, 3), 3).report["deleted"]["accounts"] == 1


def test_a_deleted_record(world: World) -> None:
    world.load([*clients(1, 2), person("ann"), person("bob")])
    run = world.load([client(2, _sdc_deleted_at=GONE), client(9, _sdc_deleted_at=GONE), person("bob")])
    assert run.counts == {"clients": {"delivered": 1, "skipped": 1}, "people": {"unchanged": 1}}
    assert (accounts(world), run.report["deleted"]["accounts"], run.report["resumed"]) == (["C1"], 1, 0)
    assert world.load([client(2, _sdc_deleted_at=GONE)]).counts == {"clients": {"skipped": 1}}
    world.load([client(2)])
    assert world.state.accounts["C2"].properties == {"name": "Company 2"}


def test_a_deleted_record_without_deletes_is_skipped(fake: World) -> None:
    fake.load(clients(1, 2))
    run = fake.load([client(2, _sdc_deleted_at=GONE), client(9, _sdc_deleted_at=GONE)], deletes="none")
    assert (run.counts, run.calls) == ({"clients": {"skipped": 2}}, [])


@pytest.mark.parametrize("flush_every", [0, 1])
def test_of_several_messages_about_a_record_the_last_counts(fake: World, flush_every: int) -> None:
    fake.load(clients(1, 2, 3))
    gone = client(2, _sdc_deleted_at=GONE)
    run = fake.load([gone, gone, client(2)], flush_every=flush_every)
    assert (accounts(fake), run.calls) == (["C1", "C2", "C3"], [])
    assert "waiting" not in run.counts["clients"]
    run = fake.load([client(2, size=3), gone, client(3), gone], flush_every=flush_every)
    assert accounts(fake) == ["C1", "C3"]
    assert run.report["waiting"] == 0


def test_a_deleted_record_whose_thing_another_asks_for(fake: World) -> None:
    ticket: Message = ("tickets", {"id": "T1", "client": "C2", "count": 3})
    fake.load([*clients(1, 2), ticket])
    run = fake.load([("tickets", {"id": "T1", "_sdc_deleted_at": GONE})])
    assert (run.counts, run.calls) == ({"tickets": {"unchanged": 1}}, [])


def test_too_many_deleted_records_wait(fake: World, caplog: Any) -> None:
    fake.load(clients(*range(10)))
    gone = [client(n, _sdc_deleted_at=GONE) for n in range(3)]
    run = fake.load(gone, max_deleted_percent=20)
    assert (run.exit_code, run.calls, run.report["waiting"]) == (3, [], 3)
    assert run.counts == {"clients": {"waiting": 3}}
    assert "raise it for one run (any run: they wait for it)" in caplog.text
    assert "full refresh" not in caplog.text
    assert fake.load([client(0)], max_deleted_percent=10).exit_code == 3
    assert fake.load([], max_deleted_percent=10).exit_code == 3
    assert fake.load([], max_deleted_percent=20).report["deleted"]["accounts"] == 2
    assert len(accounts(fake)) == 8


def test_a_role_that_has_gone_ends_the_membership(world: World) -> None:
    others = [role(n, 1, f"p{n}") for n in range(2, 5)]
    people = [person(name) for name in ("ann", "p2", "p3", "p4")]
    whole(world, [*clients(1), *people, role(1, 1, "ann"), *others], 1)
    run = whole(world, [*clients(1), *people, *others], 2)
    assert run.paths == {"/accounts/users/remove": 1}
    assert world.state.accounts["C1"].removed == ["ann@acme.com"]
    assert run.report["deleted"] == {"accounts": 0, "users": 0, "memberships": 1}
    run = whole(world, [*clients(1), *people, role(1, 1, "ann"), *others], 3)
    assert run.paths == {"/accounts/users/add": 1}
    run = whole(world, [*clients(1), *people, *others], 4, memberships="add")
    assert run.calls == []


@pytest.mark.parametrize("kind", ["account", "user"])
def test_memberships_go_and_return_with_their_ends(world: World, kind: str) -> None:
    roles = [role(1, 1, "ann"), role(2, 2, "bob")]
    everybody = [*clients(1, 2), person("ann"), person("bob")]
    whole(world, [*everybody, *roles], 1)
    left = [*clients(2), *everybody[2:]] if kind == "account" else [*everybody[:2], person("bob")]
    run = whole(world, [*left, *roles], 2)
    assert list(run.paths) == ["/accounts" if kind == "account" else "/users"]
    assert run.report["waiting"] == 0  # the role asks for it still, but there is nothing to wait for
    run = whole(world, [*left, *roles], 3)
    assert (run.calls, run.report["waiting"]) == ([], 0)
    run = whole(world, [*everybody, *roles], 4)
    assert world.state.accounts["C1"].users == ["ann@acme.com"]
    assert run.report["waiting"] == 0


def marketplace(*numbers: int, day: int = 1) -> list[Message]:
    """What tap-atlassian-marketplace computes of some licences, each with a person of its own and one of all."""
    ids = {number: {"account_id": f"E-{number}", "aliases": [f"E-{number}", f"SEN-{number}"]} for number in numbers}
    contacts = [
        ("contacts", {**names, "license_id": f"{number}", "role": role, "email": f"{who}@acme.com", "forgotten": False})
        for number, names in ids.items()
        for role, who in (("technical", f"p{number}"), ("billing", "all"))
    ]
    people = dict.fromkeys(record["email"] for _, record in contacts)
    return [
        *contacts,
        *(("accounts", {**names, "as_of": f"2026-03-0{day}", "name": "Acme"}) for names in ids.values()),
        *(("people", {"email": email, "as_of": f"2026-03-0{day}", "full_name": "Ann"}) for email in people),
        *(
            ("account_events", {**names, "event_id": f"e{number}", "event": "churned", "occurred_at": "2026-03-01"})
            for number, names in ids.items()
        ),
    ]


def test_a_licence_that_the_marketplace_has_no_more(world: World) -> None:
    """Contacts are read in part, so that those of a licence that is gone do not say that they are gone."""
    world.settings.update(preset="marketplace", mapping=None)
    whole(world, marketplace(1, 2, 3), 1)
    gone = [row for row in marketplace(1, 3, day=2) if row[0] != "contacts"]
    run = whole(world, gone, 2)
    assert run.paths == {"/accounts": 1, "/users": 1}
    assert accounts(world) == ["E-1", "E-3"]
    assert sorted(world.state.users) == ["all@acme.com", "p1@acme.com", "p3@acme.com"]
    assert len(world.state.events) == 3
    assert (run.exit_code, run.report["waiting"]) == (0, 0)
    again = [row for row in marketplace(1, 2, 3, day=3) if row[0] != "contacts"]
    run = whole(world, again, 3)
    assert sorted(world.state.accounts["E-2"].users) == ["all@acme.com", "p2@acme.com"]
    assert world.state.users["p2@acme.com"].properties == {"full_name": "Ann"}
    assert run.paths == {"/accounts/upsert": 1, "/users/upsert": 1, "/accounts/users/add": 1}
