"""A refusal is kept before it is taken note of: whatever happens between, its line is there and it is counted once."""

from __future__ import annotations

import json
import threading
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.rows import license_messages, license_row, person, sale, with_email
from tests.target.runs import assert_counts_add_up, refuse

from marketplace_singer import SettingsError
from marketplace_singer.quarantine import Quarantine
from target_journy.loader import Loader
from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.target.runs import Message, World

SIZE = {"value": "size", "type": "number"}
MAPPING = {"streams": {"clients": {"key": "id", "account": {"id": "id", "properties": {"size": SIZE, "name": "name"}}}}}
CONTACT = license_messages(license_row(1, person("ann@acme.com")))


def client(number: int, **fields: Any) -> Message:
    return "clients", {"id": str(number), "name": "Acme", **fields}


class Killed(BaseException):
    """Stands for the end of the process."""


def refuse_fields(path: str, body: dict[str, Any]) -> None:
    if "size" in body["properties"]:
        raise refuse(properties__size="Too large.")


def refuse_all(path: str, body: dict[str, Any]) -> None:
    raise refuse()


def refuse_members(path: str, body: dict[str, Any]) -> None:
    if path == "/accounts/users/add":
        raise refuse()


def refuse_events(path: str, body: dict[str, Any]) -> None:
    if path == "/track":
        raise refuse()


def accept(path: str, body: dict[str, Any]) -> None:
    pass


@pytest.mark.parametrize("is_kept", [False, True], ids=["before its line", "after its line"])
@pytest.mark.parametrize(
    ("messages", "answer"),
    [
        ([client(1, size="many")], accept),
        ([client(1, size=5)], refuse_fields),
        ([client(1, size=5)], refuse_all),
        (CONTACT[:2], refuse_members),
        ([CONTACT[0], sale(1)], refuse_events),
        ([sale(1), CONTACT[0]], refuse_events),
        ([("transactions", {**sale(1)[1], "purchaseDetails": {}})], accept),
    ],
    ids=["unreadable", "property", "account", "member", "event", "event that waited", "unmappable"],
)
def test_killed_around_the_line_of_a_refusal(
    fake: World, monkeypatch: pytest.MonkeyPatch, messages: list[Message], answer: Callable[..., None], is_kept: bool
) -> None:
    fake.settings.update(mapping=MAPPING, max_rejected_percent=100)
    fake.door.before = answer
    add = Quarantine.add

    def be_killed(*args: Any, **options: Any) -> None:
        if is_kept:
            add(*args, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Quarantine, "add", be_killed)
        with pytest.raises(Killed):
            fake.load(messages, flush_every=1)
    assert len(fake.quarantine()) == is_kept
    run = fake.load(messages, flush_every=1)
    assert (len(run.quarantined), run.report["rejected_again"]) == (1, 0)
    assert len({line["reason"] for line in fake.quarantine()}) == 1
    again = fake.load(messages, flush_every=1)
    assert again.calls == []
    assert again.quarantined == []


def test_what_an_earlier_run_left_and_is_refused_now_has_its_line(fake: World) -> None:
    def fail(path: str, body: dict[str, Any]) -> None:
        raise DeliveryError("no answer")

    fake.settings.update(preset=None, mapping=MAPPING, max_rejected_percent=100)
    fake.door.before = fail
    assert fake.load([client(1, size=5)]).counts == {"clients": {"failed": 1}}
    fake.door.before = refuse_fields
    newer = {"clients": {**MAPPING["streams"]["clients"]}, "others": {"key": "id", "account": {"id": "client"}}}
    run = fake.load([("others", {"id": "7", "client": "1"})], mapping={"streams": newer})
    assert run.counts == {"others": {"delivered": 1}}
    assert [(line["record"], line["reason"]) for line in run.quarantined] == [({"account": "1"}, "size: Too large.")]


def test_a_line_that_cannot_be_written_stops_the_run_and_the_counts_add_up(fake: World) -> None:
    bad = ("transactions", {**sale(2)[1], "purchaseDetails": {}})
    fake.load(CONTACT[:1])
    (fake.folder / "file").touch(0o600)
    offered = [*CONTACT[:1], bad]
    with pytest.raises(SettingsError, match="'rejected_path'"):
        fake.load(offered, rejected_path=str(fake.folder / "file" / "rejected.jsonl"))
    report = json.loads((fake.folder / "report.json").read_text())
    assert_counts_add_up(report)
    assert sum(counts["read"] for counts in report["streams"].values()) == len(offered)
    run = fake.load(offered)
    assert (len(run.quarantined), run.report["rejected_again"]) == (1, 0)


def test_what_is_under_way_when_a_line_cannot_be_written_is_noted(fake: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.settings.update(preset=None, mapping=MAPPING, max_rejected_percent=100, max_parallel_requests=2)
    failed = threading.Event()

    def answer(path: str, body: dict[str, Any]) -> None:
        account = body["identification"]["accountId"]
        if account == "1":
            raise refuse()
        if account == "2":
            assert failed.wait(20)

    def fail(*_: Any, **__: Any) -> None:
        failed.set()
        raise SettingsError("no space")

    fake.door.before = answer
    clients = [client(number) for number in range(4)]
    with monkeypatch.context() as patch:
        patch.setattr(Quarantine, "add", fail)
        with pytest.raises(SettingsError, match="no space"):
            fake.load(clients)
    fake.door.take_calls()
    run = fake.load(clients)
    assert sorted(body["identification"]["accountId"] for _, body in run.calls) == ["1", "3"]
    assert run.counts == {"clients": {"unchanged": 2, "rejected": 1, "delivered": 1}}


def test_what_could_not_be_mapped_is_looked_at_again_on_request(world: World) -> None:
    bad = [("transactions", {**sale(1)[1], "purchaseDetails": {}})]
    assert len(world.load(bad).quarantined) == 1
    assert world.load(bad).report["rejected_again"] == 1
    loader = Loader(world.config(), retry_rejected=True)
    loader.finish()
    loader.close()
    run = world.load(bad)
    assert (len(run.quarantined), run.report["rejected_again"]) == (1, 0)


@pytest.mark.parametrize("email", ["a\0b@acme.com", f"{token_hex(1000)}@acme.com"], ids=["null character", "too long"])
def test_an_id_that_no_ledger_holds_is_refused_alone(world: World, email: str) -> None:
    rows = license_messages(license_row(1, person("bad@acme.com")), license_row(2, person("ann@acme.com")))
    run = world.load(with_email(rows, "bad@acme.com", email), max_rejected_percent=50)
    assert (run.exit_code, run.counts["contacts"]["rejected"], run.counts["contacts"]["delivered"]) == (0, 1, 1)
    assert list(world.state.users) == ["ann@acme.com"]
    (line,) = run.quarantined
    assert "e-mail address" in line["reason"]
    assert email not in line["reason"]


def test_a_version_that_no_ledger_holds_is_refused_alone(world: World) -> None:
    good, bad = (
        ("contacts", {**row, "lastUpdated": at}) for (_, row), at in zip(CONTACT[1:3], ("2026", "2026\0"), strict=True)
    )
    bad[1]["email"] = "bob@acme.com"
    run = world.load([CONTACT[0], good, bad], max_rejected_percent=100)
    assert (run.exit_code, run.counts["contacts"]) == (0, {"delivered": 1, "rejected": 1})
    assert run.quarantined[0]["reason"] == "the version holds a null character"


def test_keys_of_many_parts_are_of_any_length(world: World) -> None:
    part = {"id": "a", "properties": {"c": "c"}}
    world.settings.update(preset=None, mapping={"streams": {"clients": {"key": ["a", "b", "c"], "account": part}}})
    first = {name: token_hex(490) for name in "abc"}
    rows = [("clients", row) for row in (first, {**first, "c": token_hex(490)})]
    assert world.load(rows).counts == {"clients": {"delivered": 2}}
    assert world.load(rows).counts == {"clients": {"unchanged": 2}}
