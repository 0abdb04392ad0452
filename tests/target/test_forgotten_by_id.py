"""Who is forgotten is found everywhere, and nobody else is taken for them: users known by id or by address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.runs import refuse
from tests.target.test_memberships import holds_text

from target_journy.loader import Loader

if TYPE_CHECKING:
    from tests.target.runs import Message, World

MAPPING = {
    "streams": {
        "clients": {"key": "id", "version": "at", "account": {"id": "id", "properties": {"size": "size"}}},
        "people": {
            "key": "id",
            "version": "at",
            "user": {"id": "id", "email": "email", "properties": {"full_name": "name"}},
            "membership": {
                "when": "client",
                "slot": "id",
                "account": {"id": "client"},
                "user": "id",
                "forgotten": "forgotten",
            },
        },
        "mails": {"key": "email", "version": "at", "user": {"email": "email", "properties": {"full_name": "name"}}},
        "roles": {
            "key": "id",
            "version": "at",
            "membership": {
                "slot": "id",
                "account": {"id": "client"},
                "user": "user",
                "email": "email",
                "forgotten": "forgotten",
            },
        },
        "acts": {
            "key": "id",
            "event": {
                "id": "id",
                "account": {"id": "client"},
                "user": "user",
                "email": "email",
                "time": "at",
                "other_name": "did_it",
                "metadata": {"amount": "amount", "note": "note"},
            },
        },
    }
}


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        *((said, "delivered") for said in ("no", "0", "", [])),
        *((said, "rejected") for said in ("never", "2026-01-01")),
    ],
)
def test_only_a_clear_yes_forgets_anybody(fake: World, said: Any, outcome: str) -> None:
    ann = {"id": "ann", "client": "A", "at": "1", "email": "ann@acme.com", "name": "Ann"}
    fake.load([client("A", at="1"), ("people", ann)], mapping=MAPPING, deletes="hard")
    run = fake.load([("people", {**ann, "at": "2", "name": "Ann Lee", "forgotten": said})])
    assert run.counts == {"people": {outcome: 1}}
    assert run.report["forgotten"] == 0
    assert list(fake.state.users) == ["ann"]
    assert fake.load([("people", {**ann, "at": "3", "forgotten": "Yes"})]).report["forgotten"] == 1


def client(name: str, **fields: Any) -> Message:
    return "clients", {"id": name, **fields}


def role(client: str | None = "C1", number: int = 1, **fields: Any) -> Message:
    return "roles", {"id": f"R{number}", "client": client, "at": "2026-03-01", **fields}


def act(client: str | None = None, **fields: Any) -> Message:
    return "acts", {"id": "e1", "client": client, "at": "2026-03-01", **fields}


FORGOTTEN = role(at="2026-03-02", forgotten=True)
ANN: Message = ("mails", {"email": "ann@acme.com", "name": "Ann"})
SEVEN: Message = ("people", {"id": "7", "name": "Ann"})


@pytest.fixture(autouse=True)
def settings(fake: World) -> None:
    fake.settings.update(preset=None, mapping=MAPPING, max_rejected_percent=100, deletes="hard")


def told(fake: World, *messages: Message) -> list[dict[str, Any]]:
    """The events of a run."""
    return [body for path, body in fake.load(messages).calls if path == "/track"]


@pytest.mark.parametrize(
    ("person", "who", "note"),
    [(SEVEN, {"user": "7"}, "order 17 of 7"), (ANN, {"email": "ann@acme.com"}, "joann@acme.com")],
)
def test_events_that_only_look_like_naming_them_are_told_whole(
    fake: World, person: Message, who: dict[str, Any], note: str
) -> None:
    fake.load([client("C1"), person, role(**who), act("C9", amount=700, note=note)])
    fake.load([FORGOTTEN])
    assert [event["metadata"] for event in told(fake, client("C9"))] == [
        {"event_id": "e1", "amount": 700, "note": note}
    ]


def test_rejected_records_with_a_number_like_their_id_stay(fake: World) -> None:
    def bad(path: str, body: dict[str, Any]) -> None:
        if body.get("identification") == {"accountId": "C2"}:
            raise refuse()

    fake.door.before = bad
    fake.load([client("C1"), client("C2", size=7, street="Main 7"), SEVEN, role(user="7")])
    before = fake.quarantine()
    assert fake.load([FORGOTTEN]).report["forgotten"] == 1
    assert before == fake.quarantine() != []


@pytest.mark.parametrize(("person", "who"), [(SEVEN, {"user": "7"}), (ANN, {"email": "ann@acme.com"})])
@pytest.mark.parametrize("is_refused", [True, False])
def test_events_that_were_not_told_do_not_make_them_anew(
    fake: World, person: Message, who: dict[str, Any], is_refused: bool
) -> None:
    def bad(path: str, body: dict[str, Any]) -> None:
        if path == "/track":
            raise refuse()

    fake.door.before = bad
    account = "C1" if is_refused else "C9"
    acts = [act(account, note="x", **who), act(id="alone", **who)]
    fake.load([client("C1"), person, role(**who), *acts])
    fake.door.before = lambda path, body: None
    assert fake.load([FORGOTTEN]).report["forgotten"] == 1
    loader = Loader(fake.config(), retry_rejected=True)
    loader.load(*client("C9"))
    loader.finish()
    loader.close()
    (event,) = [body for path, body in fake.door.take_calls() if path == "/track"]
    assert (event["identification"], event["metadata"]["note"]) == ({"account": {"accountId": account}}, "x")
    assert fake.state.users == {}


def test_events_of_the_batch_that_forgets_them_go_without_them(fake: World) -> None:
    fake.load([client("C1"), ANN, role(email="ann@acme.com")])
    acts = [act("C1", email="ann@acme.com", note="ann@acme.com"), act(id="alone", email="ann@acme.com")]
    run = fake.load([*acts, FORGOTTEN])
    (event,) = [body for path, body in run.calls if path == "/track"]
    assert event["identification"] == {"account": {"accountId": "C1"}}
    assert "ann@" not in str(event)
    assert (fake.state.users, run.counts["acts"]) == ({}, {"delivered": 1, "skipped": 1})
    assert not holds_text(fake, "ann@")


def test_an_event_that_waits_does_not_make_a_deleted_user_anew(fake: World) -> None:
    fake.settings["max_deleted_percent"] = 100
    bob: Message = ("mails", {"email": "bob@acme.com"})
    fake.load([client("C1"), ANN, bob, act("C9", email="ann@acme.com")], version=1, whole=["mails"])
    run = fake.load([client("C9"), bob], version=2, whole=["mails"])
    assert run.paths == {"/accounts/upsert": 1, "/users": 1, "/track": 1}
    assert list(fake.state.users) == ["bob@acme.com"]


@pytest.mark.parametrize("deletes", ["none", "hard"])
@pytest.mark.parametrize("at", ["2026-03-02", "2026-02-01"])
def test_a_record_that_says_so_and_still_has_their_id_forgets_them_once(fake: World, deletes: str, at: str) -> None:
    fake.settings.update(deletes=deletes, max_deleted_percent=100)
    ann = {"id": "u1", "client": "C1", "at": "2026-03-01"}
    fake.load([client("C1"), ("people", {**ann, "email": "ann@acme.com", "name": "Ann"})], version=1, whole=["people"])
    gone: Message = ("people", {**ann, "forgotten": True, "at": at})
    run = fake.load([gone], version=2, whole=["people"])
    assert run.report["forgotten"] == 1
    assert [user.properties for user in fake.state.users.values()] == ([] if deletes == "hard" else [{}])
    assert fake.state.accounts["C1"].users == []
    assert not holds_text(fake, "ann@")
    assert fake.load([gone], version=3, whole=["people"]).calls == []
    fake.load([("people", {**ann, "name": "Ann", "at": "2026-03-03"})])
    assert fake.state.users["u1"].properties == {"full_name": "Ann"}


def test_who_was_never_known_is_forgotten_by_their_own_record_without_a_call(fake: World) -> None:
    fake.load([client("C1"), act("C9", user="u1", note="x")])
    gone: Message = ("people", {"id": "u1", "client": "C1", "forgotten": True})
    assert fake.load([gone]).calls == []
    (event,) = told(fake, client("C9"), gone)
    assert event["identification"] == {"account": {"accountId": "C9"}}


@pytest.mark.parametrize("deletes", ["none", "hard"])
@pytest.mark.parametrize("who", [{"user": "u1"}, {"email": "ann@acme.com"}])
def test_one_person_under_two_names_is_forgotten_under_both(fake: World, who: dict[str, Any], deletes: str) -> None:
    def bad(path: str, body: dict[str, Any]) -> None:
        if path == "/track":
            raise refuse()

    fake.settings["deletes"] = deletes
    fake.door.before = bad
    by_id: Message = ("people", {"id": "u1", "email": "ann@acme.com", "name": "Ann"})
    acts = [act("C1", email="ann@acme.com"), act("C1", id="e2", user="u1"), act("C1", id="e3", note="joann@acme.com")]
    fake.load([client("C1"), by_id, ANN, role(**who), *acts])
    assert fake.load([FORGOTTEN]).report["forgotten"] == 2
    assert [user.properties for user in fake.state.users.values()] == ([] if deletes == "hard" else [{}, {}])
    assert ["record" in line for line in fake.quarantine()] == [False, False, True]
    assert not holds_text(fake, '"ann@')
    assert not holds_text(fake, '"u1"')


def test_who_only_shares_an_address_is_not_forgotten(fake: World) -> None:
    two: list[Message] = [("people", {"id": f"u{n}", "email": "team@acme.com", "name": "Ann"}) for n in (1, 2)]
    fake.load([client("C1"), *two, ("mails", {"email": "team@acme.com", "name": "Team"}), role(user="u1")])
    assert fake.load([FORGOTTEN]).report["forgotten"] == 1
    assert len([user for user in fake.state.users.values() if user.properties]) == 2
