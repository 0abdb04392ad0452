"""The page: what a run would do or did, read as a browser reads it."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.pages import Page, text_of
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import SandboxDoor, SegmentDoor, World, refuse

from marketplace_sandbox import credentials
from marketplace_sandbox.journy import api
from marketplace_singer import SettingsError
from target_journy.loader import Loader
from target_journy.preview import story
from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.runs import Message

    from marketplace_sandbox.server import Sandbox

ANN = person("ann@acme.com", "Ann Lee")
BOB = person("bob@acme.com", "Bob Ray")
CID = person("cid@acme.com", "Cid Fox")
FIRST = [*license_messages(license_row(1, ANN, BOB, tier="50 Users")), sale(1)]
CHANGED = license_row(1, CID, BOB, tier="100 Users", lastUpdated="2026-03-02")
SECOND = [
    *license_messages(CHANGED, license_row(2, BOB)),
    sale(1),
    sale(2, "Renewal", date="2026-02-01"),
    sale(3, "Refund"),
]


@pytest.fixture
def world(sandbox: Sandbox, tmp_path: Path) -> World:
    return World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/ledger.db", {"memberships": "sync"})


def page_of(world: World) -> Page:
    return Page(world.folder / "report.html")


def requests(page: Page) -> list[tuple[str, Any]]:
    found = []
    for exchange in page.all("section[@class='exchange']"):
        (call,), (body,) = page.texts("p/code", exchange), exchange.findall("pre")
        found.append((call, json.loads("".join(body.itertext()))))
    return found


def test_a_dry_run_shows_what_a_run_would_do(world: World) -> None:
    world.load(FIRST)
    world.load(SECOND, dry_run=True)
    page = page_of(world)
    assert page.texts("h1") == ["What a run would do"]
    assert page.texts("article/header/h3") == ["Company 1 – Diagrams", "Company 2 – Diagrams"]
    changed, new = page.account("SEN-1"), page.account("SEN-2")
    assert page.texts("header/span", changed) == ["SEN-1", "changed"]
    assert page.texts("header/span", new) == ["SEN-2", "new"]
    assert page.changes(changed)["tier"] == ["50 Users", "100 Users"]
    assert page.changes(changed)["technical_contact_email"] == ["ann@acme.com", "cid@acme.com"]
    assert page.changes(new)["name"] == ["Company 2 – Diagrams"]
    people = [text_of(some[0]) for some in page.all("section[@class='person']", changed)]
    assert people == [
        "Cid Fox cid@acme.com new becomes a member",
        "ann@acme.com leaves the account",
    ]
    assert [text_of(some[0]) for some in page.all("section[@class='person']", new)] == ["bob@acme.com becomes a member"]
    events = [(text_of(event[0]), text_of(event[1])) for event in page.all("li", changed)]
    assert events[0] == ("2026-02-01 12:00", "subscription_renewed")
    assert [name for _, name in events[1:]] == ["subscription_refunded", "contact_changed", "tier_changed"]


def test_the_requests_of_a_dry_run_are_those_that_a_run_makes(world: World) -> None:
    world.load(SECOND, dry_run=True)
    planned = requests(page_of(world))
    made = [(f"POST {path}", body) for path, body in world.load(SECOND).calls]
    assert len(planned) > 8
    assert sorted(planned, key=str) == sorted(made, key=str)


def test_a_small_run_shows_the_answer_to_each_call(
    world: World, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    def meta(status: int) -> dict[str, Any]:
        given.append(f"request-{len(given) + 1}")
        return {"requestId": given[-1], "status": status}

    monkeypatch.setattr(api, "meta", meta)
    sandbox.journy.types["accounts"]["tier"] = "date"
    run = world.load([*FIRST, sale(4, date="never")])
    page = page_of(world)
    assert page.texts("h1") == ["What a run did"]
    told = [text.split() for text in page.texts("section[@class='exchange']/p")]
    assert len(told) == len(run.calls) == len(given)
    assert {(words[1], words[2]) for words in told} == {(path, "201") for path, _ in run.calls}
    assert sorted(words[-1] for words in told) == sorted(given)
    assert run.counts["licenses"] == {"rejected": 1}
    (unread, refused) = page.rows("rejected")
    assert unread[:2] == ["transactions", "AT-4|1"]
    assert refused[:3] == ["licenses", "1", "tier: Expected a date but found a string."]
    assert refused[3] in given
    assert page.changes(page.account("SEN-1"))["tier"] == ["50 Users not taken: Expected a date but found a string."]


def test_refusals_and_lost_answers_are_told(fake: World) -> None:
    def door(path: str, body: dict[str, Any]) -> None:
        if path == "/accounts/upsert" and "tier" in body["properties"]:
            raise refuse("Bad.", properties__tier="Too long.")
        if path == "/track":
            raise DeliveryError("Nobody answers")

    fake.door.before = door
    run = fake.load(FIRST)
    assert run.exit_code == 1
    page = page_of(fake)
    assert "The run ended early" in page.texts("p[@class='notice bad']")[0]
    account = page.account("SEN-1")
    assert page.changes(account)["tier"] == ["50 Users not taken: Too long."]
    assert page.changes(account)["name"] == ["Company 1 – Diagrams"]
    upserts = [text for text in page.texts("section[@class='exchange']/p", account) if "/accounts/upsert" in text]
    assert [text.split(" ", 2)[2] for text in upserts] == ["refused request request-x Bad.", "taken request request-2"]
    (event,) = page.texts("li", account)
    assert "no usable answer Nobody answers" in event


def test_what_was_refused_before_is_counted(fake: World) -> None:
    bad = [sale(4, date="never")]
    fake.load(bad)
    fake.load(bad, dry_run=True)
    page = page_of(fake)
    assert page.rows("rejected") == []
    assert page.texts("section[@id='rejected']/p") == [
        "Refused in an earlier run, not changed since, and so not sent again: 1"
    ]


def test_what_is_new_to_journy_io_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def properties(_: Any, kind: str) -> list[dict[str, Any]]:
        known = {"accounts": ["tier", "plan"], "users": ["full_name", "company", "country", "email_domain"]}
        return [{"name": name, "label": name, "isComputed": name == "plan"} for name in known[kind]]

    monkeypatch.setattr(api.JournyApi, "_properties", properties)
    run = world.load(FIRST, dry_run=True)
    assert run.calls == []
    page = page_of(world)
    accounts, users, events = (page.texts("li", names) for names in page.all("section[@id='new-names']/ul"))
    assert {"name", "company"} & {*accounts} == {"name"}
    assert not {"tier", "plan"} & {*accounts}
    assert users == ["first_name", "last_name"]
    assert events == ["subscription_started"]
    assert page.texts("section[@id='new-names']/p[@class='notice']/code") == ["plan"]
    assert "takes the key" in page.texts("p[@class='notice good']")[0]


def test_what_the_key_may_not_read_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PERMISSIONS", ["TrackData", "ReadEvents"])
    world.load(FIRST, dry_run=True)
    page = page_of(world)
    assert page.texts("section[@id='new-names']/h4") == ["events"]
    assert sum("ReadProperties" in text for text in page.texts("p[@class='notice']")) == 2


@pytest.mark.parametrize("reason", ["wrong key", "no permission"])
def test_a_key_that_would_not_do_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, reason: str
) -> None:
    monkeypatch.setattr(api, "PERMISSIONS", ["ReadEvents"])
    key = {"api_key": "not-the-key"} if reason == "wrong key" else {}
    with caplog.at_level("INFO", logger="target_journy"):
        run = world.load(FIRST, dry_run=True, **key)
    assert run.exit_code == 0
    (problem,) = page_of(world).texts("p[@class='notice bad']")
    assert problem.startswith("As things are, nothing could be delivered. Setting 'api_key'")
    assert "nothing could be delivered as things are: Setting 'api_key'" in caplog.text
    assert "not-the-key" not in (world.folder / "report.html").read_text() + caplog.text


@pytest.mark.parametrize("transport", ["journy_segment", "segment"])
def test_over_the_segment_protocol_messages_are_shown(sandbox: Sandbox, tmp_path: Path, transport: str) -> None:
    world = World(tmp_path, SegmentDoor(sandbox, transport), f"sqlite:///{tmp_path}/ledger.db")
    large = license_row(2)
    large["contactDetails"]["company"] = "x" * 40_000
    messages = [*FIRST, *license_messages(large)]
    world.load(messages, dry_run=True)
    page = page_of(world)
    assert any("neither what the key may do" in text for text in page.texts("p[@class='notice']"))
    planned = requests(page)
    assert {call for call, _ in planned} == {"POST /v1/batch"}
    assert "32,000" in page.rows("rejected")[0][2]
    run = world.load(messages)
    assert sorted((body for _, body in planned), key=str) == sorted((body for _, body in run.calls), key=str)
    page = page_of(world)
    assert sorted(requests(page), key=str) == sorted(planned, key=str)
    words = [text.split(" ", 2)[2] for text in page.texts("section[@class='exchange']/p")]
    assert set(words) == {"200"}
    assert credentials.WRITE_KEY not in (tmp_path / "report.html").read_text()


HOSTILE = [
    "<script>alert('x')</script>",
    "</style></table></bdi><img src=x onerror=alert(1)>",
    "\"><a href='https://evil.example'>click</a>",
    "{{ 7 * 7 }} {% raw %} &lt;b&gt;",
    "\u202egnp.exe\u202c and \u2066hidden\u2069\u200b",
    "\x00\x1b[31m\x07 bell",
    'שלום בע"מ',
    "x" * 30_000,
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_text(world: World, hostile: str) -> None:
    rows = license_messages(license_row(1, person("ann@acme.com", hostile)))
    rows[0][1]["contactDetails"]["company"] = hostile
    rows[0][1]["tier"] = hostile
    world.load([*rows, (hostile, {"id": "1"})], dry_run=True)
    page = page_of(world)
    tags = {element.tag for element in page.root.iter()}
    assert tags <= set(PLAIN.split())
    for element in page.root.iter():
        assert not {name for name in element.attrib if name.startswith("on") or name in {"src", "style"}}
        assert element.get("href", "#").startswith("#")
    (shown,) = page.changes(page.account("SEN-1"))["tier"]
    expected = hostile if len(hostile) < 500 else f"{'x' * 500}… (29,500 more characters)"
    assert shown == " ".join("".join(map(readable, expected)).split())
    (title,) = page.texts("h3", page.account("SEN-1"))
    assert len(title) < 82 or "[U+" in title
    assert not set(HIDDEN) & set((world.folder / "report.html").read_text())


PLAIN = """html head meta title style body header main footer section article h1 h2 h3 h4 p dl div dt dd table thead
    tbody tr th td ul ol li time span strong bdi code pre details summary a"""
HIDDEN = "\u202e\u202c\u2066\u2069\u200b\x00\x1b\x07"


def readable(character: str) -> str:
    return f"[U+{ord(character):04X}]" if character in HIDDEN else character


def test_the_page_needs_nothing_besides_itself(world: World) -> None:
    world.load(FIRST, dry_run=True)
    page = page_of(world)
    (policy,) = page.all("meta[@http-equiv]")
    assert policy.get("content") == "default-src 'none'; style-src 'unsafe-inline'"
    assert not page.all("script") + page.all("link") + page.all("img")
    assert "url(" not in page.texts("style")[0]
    assert "@import" not in page.texts("style")[0]
    assert stat.S_IMODE((world.folder / "report.html").stat().st_mode) == 0o600


def test_people_in_no_account_and_in_several_are_told_once(world: World) -> None:
    messages: list[Message] = [*license_messages(license_row(1, ANN), license_row(2, ANN))]
    world.load(
        [*messages, ("users", {"id": "zoe@acme.com", "mail": "zoe@acme.com", "city": "Ulm"})],
        dry_run=True,
        mapping={"streams": {"users": {"key": "id", "user": {"email": "mail", "properties": {"city": "city"}}}}},
    )
    page = page_of(world)
    assert page.texts("section[@id='people']//strong") == ["zoe@acme.com"]
    first, second = (page.all("section[@class='person']", page.account(key))[0] for key in ("SEN-1", "SEN-2"))
    assert page.changes(first)["full_name"] == ["Ann Lee"]
    assert page.all("table", second) == []
    (link,) = page.all("a", second)
    assert page.all(f"article[@id='{link.get('href', '')[1:]}']") == [page.account("SEN-1")]


def test_the_page_of_a_large_dry_run_is_bounded(fake: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "MOST_ACCOUNTS", 3)
    monkeypatch.setattr(story, "MOST_PEOPLE", 4)
    monkeypatch.setattr(story, "MOST_EVENTS", 2)
    monkeypatch.setattr(story, "MOST_REFUSALS", 1)
    rows = license_messages(*(license_row(n, person(f"p{n}@acme.com"), tier=f"{n} Users") for n in range(1, 11)))
    sales = [sale(n, addonLicenseId=f"{n}") for n in range(1, 6)]
    bad = [sale(n, date="never") for n in (20, 21, 22)]
    fake.load([*rows, *sales, *bad], dry_run=True, flush_every=7)
    page = page_of(fake)
    assert len(page.all("article")) == 3
    assert page.texts("*[@id='more']") == [
        "Not shown here, but part of what would be sent: 7 accounts, 7 people, 1 events."
    ]
    assert len(page.rows("rejected")) == 1
    assert "and 2 more" in page.texts("section[@id='rejected']/p")
    assert page.texts("dl/div/dd")[0] == "10"


def test_long_texts_do_not_add_up(fake: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "ROOM", 30_000)
    rows = license_messages(*(license_row(n, tier="x" * 9_000) for n in range(1, 30)))
    fake.load(rows, dry_run=True)
    assert (fake.folder / "report.html").stat().st_size < 100_000
    assert "27 accounts" in page_of(fake).texts("*[@id='more']")[0]


def test_a_larger_run_has_no_page_and_leaves_none_behind(fake: World) -> None:
    fake.load(FIRST)
    assert (fake.folder / "report.html").exists()
    rows = license_messages(*(license_row(n) for n in range(1, 52)))
    assert len(rows) == 204
    fake.load(rows[:200])
    assert len(page_of(fake).all("article")) == 51
    fake.load(rows, flush_every=50)
    page = fake.folder / "report.html"
    assert not page.exists()
    page.touch(0o600)
    page.write_text("somebody else's")
    fake.load(rows)
    assert page.read_text() == "somebody else's"


def test_who_asks_for_the_page_gets_the_summary_beside_it(fake: World) -> None:
    fake.load(FIRST, report_path=str(fake.folder / "report.html"))
    assert page_of(fake).texts("h1") == ["What a run did"]


def test_names_and_addresses_stay_out_of_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger="target_journy"):
        world.load(SECOND, dry_run=True)
    assert "report.html" in caplog.text
    assert not [text for text in ("acme.com", "Bob Ray", "Company 1") if text in caplog.text]


def test_a_page_that_cannot_be_written_is_told(fake: World) -> None:
    (fake.folder / "other.html").mkdir()
    loader = Loader(fake.config(report_path=str(fake.folder / "other.json")))
    loader.open_stream("licenses", {}, ["id"])
    loader.finish()
    with pytest.raises(SettingsError, match="'report_path'"):
        loader.close()
