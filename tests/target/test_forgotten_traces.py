"""The ledger forgets an address wherever it stood beside the person themself."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.runs import refuse
from tests.target.test_forgotten_by_id import ANN, FORGOTTEN, MAPPING, act, client, role
from tests.target.test_memberships import holds_text

if TYPE_CHECKING:
    from tests.target.runs import Message, World

HERS = role(email="ann@acme.com")


@pytest.fixture(autouse=True, params=["SQLite", "PostgreSQL"])
def streams(fake: World, request: pytest.FixtureRequest) -> dict[str, Any]:
    mapping = copy.deepcopy(MAPPING)
    if request.param == "PostgreSQL":
        fake.ledger_url = request.getfixturevalue("postgres")
    fake.settings.update(preset=None, mapping=mapping, max_rejected_percent=100, max_deleted_percent=100)
    return mapping["streams"]


def ann(**fields: Any) -> Message:
    return "mails", {**ANN[1], **fields}


def test_a_record_that_is_called_by_it_and_asks_for_an_account(fake: World, streams: dict[str, Any]) -> None:
    streams["mails"]["account"] = {"id": "company", "when": "company", "properties": {"size": "size"}}
    fake.settings["deletes"] = "hard"
    fake.load([ann(company="C1", size=1), HERS], version=1)
    fake.load([FORGOTTEN])
    assert not holds_text(fake, "ann@")
    bob: Message = ("mails", {"email": "bob@acme.com"})
    fake.load([ann(company="C1", size=2), bob], version=2, whole=["mails"])  # it comes again
    assert fake.state.accounts["C1"].properties == {"size": 2}
    fake.load([bob], version=3, whole=["mails"])
    assert fake.state.accounts == {}


def test_what_still_stands_for_its_account_is_not_lost(fake: World, streams: dict[str, Any]) -> None:
    streams["mails"]["account"] = {"id": "company", "when": "company"}
    fake.settings["deletes"] = "hard"
    fake.load([ann(company="C1"), HERS, client("C1")], version=1, whole=["clients"])
    fake.load([FORGOTTEN])
    fake.load([client("C2")], version=2, whole=["clients"])
    assert sorted(fake.state.accounts) == ["C1", "C2"]


def test_events_that_told_of_changes(fake: World, streams: dict[str, Any]) -> None:
    streams["mails"]["user"]["properties"]["full_name"] = {"value": "name", "on_change": "name_changed"}
    fake.load([client("C1"), ann(at="2026-01-01"), HERS])
    assert fake.load([ann(name="Anna", at="2026-01-02")]).paths["/track"] == 1
    fake.load([FORGOTTEN])
    assert not holds_text(fake, "ann@")


def test_values_that_the_next_is_compared_with(fake: World, streams: dict[str, Any]) -> None:
    streams["acts"]["event"]["metadata"]["note"] = {"value": "note", "on_change": "note_changed"}
    fake.load([client("C1"), ("mails", {"email": "ann@acme.com"}), HERS, act("C1", note="ann@acme.com")])
    assert fake.load([FORGOTTEN]).report["forgotten"] == 1
    assert not holds_text(fake, "ann@")
    assert fake.load([act("C1", note="joann@acme.com")]).calls == []


def test_values_of_an_account_that_others_replaced(fake: World, streams: dict[str, Any]) -> None:
    def bad(path: str, body: dict[str, Any]) -> None:
        if path == "/accounts/upsert":
            raise refuse("No: not ann@acme.com.", properties__contact="bad, unlike ann@acme.com")

    streams["clients"]["account"]["properties"] = {"contact": "contact"}
    fake.load([client("C1", contact="ann@acme.com"), ANN, HERS])
    fake.door.before = bad
    fake.load([client("C1", contact="bob@acme.com")])
    fake.door.before = lambda path, body: None
    assert holds_text(fake, "ann@")
    fake.load([FORGOTTEN])
    assert not holds_text(fake, "ann@")


def test_roles_that_are_called_by_it(fake: World, streams: dict[str, Any]) -> None:
    gone = {"gone": {"key": "id", "version": "at", "membership": {**streams["roles"]["membership"], "slot": "was"}}}
    streams["roles"]["membership"]["slot"] = "email"
    streams.update(gone)
    fake.load([client("C1"), ANN, HERS])
    fake.load([("gone", {"id": "1", "was": "ann@acme.com", "client": "C1", "at": "2026-03-02", "forgotten": True})])
    assert not holds_text(fake, "ann@")


def written(address: str) -> str:
    """An address as somebody writes it in a note."""
    return f"{address.upper()} asked"


@pytest.mark.parametrize("address", ["ann@acme.com", "jürgen@acme.com", "ann_lee@acme.com", 'o"neil@acme.com'])
def test_addresses_in_another_case(fake: World, streams: dict[str, Any], address: str) -> None:
    streams["acts"]["event"]["metadata"]["note"] = {"value": "note", "on_change": "note_changed"}
    streams["clients"]["account"]["properties"] = {"contact": "contact"}
    streams["others"] = {"key": "name", "account": {"id": "client"}}

    def bad(path: str, body: dict[str, Any]) -> None:
        if path == "/accounts/upsert" and "contact" in body["properties"]:
            raise refuse(f"No: not {written(address)}", properties__contact=f"No: not {written(address)}")

    her = role(email=address)
    fake.door.before = bad
    waiting = act("C2", note=written(address))
    told = act("C1", id=written(address), note=written(address))
    called = ("others", {"name": written(address), "client": "C1"})
    fake.load([client("C1", contact=1), ("mails", {"email": address}), her, waiting, told, called])
    assert holds_text(fake, "asked")
    fake.load([FORGOTTEN])
    assert not holds_text(fake, "asked")
    fake.door.before = lambda path, body: None
    calls = fake.load([client("C2")]).calls
    assert [path for path, _ in calls] == ["/accounts/upsert", "/track"]
    assert "asked" not in str(calls)


def test_who_has_nearly_the_same_address_is_spared(fake: World) -> None:
    others = [act("C2", note="ann.lee@acme.com asked"), ("mails", {"email": "joann_lee@acme.com"})]
    fake.load([client("C1"), ("mails", {"email": "ann_lee@acme.com"}), role(email="ann_lee@acme.com"), *others])
    fake.load([FORGOTTEN])
    assert fake.load(others[1:]).counts == {"mails": {"unchanged": 1}}
    assert "ann.lee@acme.com asked" in str(fake.load([client("C2")]).calls)
