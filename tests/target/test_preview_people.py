"""The page tells of people also where nothing is sent of their accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target import test_deletes
from tests.target.pages import Page, text_of
from tests.target.rows import license_messages, license_row, person

from target_journy.preview import story

if TYPE_CHECKING:
    from tests.target.runs import Message, World

MAPPING: Any = {
    "streams": {
        **test_deletes.MAPPING["streams"],
        "clicks": {"key": "id", "event": {"id": "id", "other_name": "clicked", "email": "email", "time": "at"}},
    }
}
CLICK: Message = ("clicks", {"id": "1", "email": "ann@acme.com", "at": "2026-03-01"})
ANN: list[Message] = [test_deletes.person("ann"), test_deletes.role(1, 1, "ann"), test_deletes.role(2, 2, "ann")]


def page_of(world: World) -> Page:
    return Page(world.folder / "report.html")


@pytest.fixture
def known(fake: World) -> World:
    """Two accounts that have Ann as a member, and Bob, who has none."""
    fake.settings.update(test_deletes.SETTINGS, mapping=MAPPING)
    fake.load([*test_deletes.clients(1, 2), *ANN, test_deletes.person("bob")], version=1)
    return fake


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_person_of_whom_alone_something_changes_stands_in_their_account(world: World, dry_run: bool) -> None:
    world.load(license_messages(license_row(1, person("ann@acme.com", "Ann Lee", phone="1"))))
    changed = license_row(1, person("ann@acme.com", "Ann Lee", phone="2"), lastUpdated="2026-03-02")
    world.load(license_messages(changed), dry_run=dry_run)
    page = page_of(world)
    account = page.account("SEN-1")
    assert page.texts("header/h3", account) == ["Company 1 – Diagrams"]
    (ann,) = page.all("section[@class='person']", account)
    assert text_of(ann[0]) == "Ann Lee ann@acme.com changed"
    assert page.changes(ann)["phone"] == ["1", "2"]
    assert not page.all("*[@id='more']")


def test_an_account_of_which_nothing_is_sent_is_unchanged(known: World) -> None:
    known.load([("people", {"email": "ann@acme.com", "name": "Ann Lee"})], dry_run=True)
    page = page_of(known)
    assert page.texts("article/header") == ["Company 1 C1 unchanged"]
    assert page.texts("section[@id='accounts']/p") == []


def test_a_person_who_is_deleted_is_told(known: World) -> None:
    known.load([test_deletes.person("bob")], version=2, whole=["people"], dry_run=True)
    page = page_of(known)
    (ann,) = page.all("section[@class='person']", page.account("C1"))
    assert text_of(ann[0]) == "ann ann@acme.com deleted"


def test_an_event_of_a_person_alone_is_told(known: World) -> None:
    known.load([CLICK], dry_run=True)
    page = page_of(known)
    (event,) = page.texts("li", page.account("C1"))
    assert event == "2026-03-01 00:00clicked event_id: 1"


def test_nothing_would_change_only_if_nothing_would(known: World) -> None:
    known.load([("people", {"email": "bob@acme.com", "name": "Bob Ray"})], dry_run=True)
    page = page_of(known)
    assert page.texts("section[@id='people']//strong") == ["Bob Ray"]
    assert page.texts("section[@id='accounts']/p") == ["None."]
    known.load(test_deletes.clients(1, 2), dry_run=True)
    assert page_of(known).texts("section[@id='accounts']/p") == ["Nothing would change."]


def test_people_for_whose_accounts_there_is_no_room_are_counted(known: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "MOST_ACCOUNTS", 1)
    known.load([test_deletes.client(3), ("people", {"email": "ann@acme.com", "name": "Ann Lee"})], dry_run=True)
    page = page_of(known)
    assert page.texts("article/header/span[@class='id']") == ["C3"]
    assert "1 people" in page.texts("*[@id='more']")[0]
