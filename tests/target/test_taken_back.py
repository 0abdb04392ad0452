"""A value that was refused is forgotten once its record does not say it any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.runs import refuse

from target_journy.transports import Receipt

if TYPE_CHECKING:
    from tests.target.runs import World


def mapping(**rule: Any) -> dict[str, Any]:
    properties = {"plan": "plan", "note": {"value": "note", **rule}}
    account = {"id": "id", "properties": properties}
    event = {"id": "id", "time": "'2026-01-01'", "other_name": "seen", "account": {"id": "id"}}
    return {"streams": {"clients": {"key": "id", "account": account, "event": event}}}


def client(note: Any, plan: str = "a") -> tuple[str, dict[str, Any]]:
    return "clients", {"id": "1", "note": note, "plan": plan}


@pytest.fixture
def door(fake: World) -> World:
    """Takes no note that says `bad`, nor anything that comes with it, and does not say why."""

    def before(_: str, body: dict[str, Any]) -> None:
        if body.get("properties", {}).get("note") == "bad":
            raise refuse()

    fake.door.before = before
    fake.settings.update(preset=None, mapping=mapping(), max_rejected_percent=100)
    return fake


def test_a_record_whose_bad_value_is_gone_arrives_with_all_that_waited_for_it(door: World) -> None:
    run = door.load([client("bad")])
    assert run.report["waiting"] == 1
    run = door.load([client(None)])
    assert run.counts == {"clients": {"delivered": 1}}
    assert door.state.accounts["1"].properties == {"plan": "a"}
    assert (run.report["waiting"], [path for path, _ in run.calls]) == (0, ["/accounts/upsert", "/track"])


def test_what_journy_has_stays_when_a_bad_value_came_and_went(door: World) -> None:
    door.load([client("good")])
    door.load([client("bad", "b")])
    run = door.load([client(None, "b")])
    assert [body["properties"] for _, body in run.calls] == [{"plan": "b"}]
    assert door.state.accounts["1"].properties == {"note": "good", "plan": "b"}
    assert door.load([client("good", "b")]).calls == []


def test_a_property_that_was_refused_by_itself_is_rejected_no_more(door: World) -> None:
    def after(_: str, body: dict[str, Any]) -> Receipt | None:
        return Receipt(rejected={"note": "too odd"}) if "note" in body.get("properties", {}) else None

    door.door.before = lambda *_: None
    door.door.after = after  # type: ignore[assignment]
    door.load([client("odd")])
    assert door.load([client(None)]).counts == {"clients": {"unchanged": 1}}


def test_a_value_that_could_not_be_read_is_rejected_no_more(door: World) -> None:
    door.settings.update(mapping=mapping(type="number"))
    door.load([client(5)])
    assert door.load([client("many")]).counts == {"clients": {"rejected": 1}}
    assert door.load([client(None)]).counts == {"clients": {"unchanged": 1}}


def test_of_values_that_are_filled_in_once_the_first_that_arrives_counts(door: World) -> None:
    door.settings.update(mapping=mapping(fill_once=True))
    for note, held in (("bad", None), ("good", "good"), ("better", "good")):
        door.load([client(note)])
        assert door.state.accounts.get("1") is None or door.state.accounts["1"].properties["note"] == held


def test_a_value_that_cannot_be_read_makes_no_room_for_another_one(door: World) -> None:
    door.settings.update(mapping=mapping(fill_once=True, type="number"))
    for note in (5, "many", 9):
        run = door.load([client(note)])
        assert door.state.accounts["1"].properties["note"] == 5
    assert run.counts == {"clients": {"unchanged": 1}}
