"""A mapping that has changed is told by each run until what it maps was read as a whole."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text
from tests.target.runs import refuse

from target_journy.loader import Loader
from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from tests.target.runs import Message, World


def mapping(*properties: str, **more: Any) -> dict[str, Any]:
    account = {"id": "id", "properties": {name: name for name in properties}}
    return {"streams": {"clients": {"key": "id", "account": account}, **more}}


ONE, OTHER = mapping("name"), mapping("name", "size")
NOTES = {"key": "id", "account": {"id": "client", "properties": {"note": "note"}}}
CLIENTS: list[Message] = [("clients", {"id": f"C{number}", "name": "Acme", "size": 1}) for number in range(3)]


@pytest.fixture(autouse=True)
def no_preset(request: pytest.FixtureRequest) -> None:
    for name in {"world", "fake"} & {*request.fixturenames}:
        request.getfixturevalue(name).settings["preset"] = None


def told(world: World, messages: list[Message] = CLIENTS, **settings: Any) -> list[str]:
    """The streams that a run tells of."""
    return [*world.load(messages, **settings).report["changed_mapping"]]


def change_ledger(world: World, statement: str) -> None:
    engine = create_engine(world.config()["ledger_url"].replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def whole(world: World, **settings: Any) -> list[str]:
    """The same of a full refresh by a tap that tells when a stream is complete."""
    return told(world, whole=["clients"], **settings)


def test_it_is_told_until_all_was_read(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert whole(world, mapping=ONE, version=1) == []
    assert told(world, CLIENTS[:1], mapping=ONE, version=1) == []
    assert "run a full refresh once" not in caplog.text
    first = world.load(CLIENTS[:1], mapping=OTHER, version=1).report["changed_mapping"]
    assert [*first] == ["clients"]
    assert "the mapping of clients has changed. Records that do not come again stay as they were sent" in caplog.text
    assert "run a full refresh once" in caplog.text
    assert world.load([CLIENTS[1]], mapping=OTHER, version=1).report["changed_mapping"] == first
    assert world.load([], mapping=OTHER).report["changed_mapping"] == {}  # the stream did not come, nobody knows of it
    assert "size" not in world.state.accounts["C2"].properties
    caplog.clear()
    assert whole(world, mapping=OTHER, version=2) == []
    assert "full refresh" not in caplog.text
    assert {"size": 1}.items() <= world.state.accounts["C2"].properties.items()
    assert told(world, CLIENTS[:1], mapping=OTHER, version=2) == []


def test_a_change_back_is_a_change(fake: World) -> None:
    whole(fake, mapping=ONE, version=1)
    assert told(fake, mapping=OTHER, version=1) == ["clients"]
    assert told(fake, mapping=ONE, version=1) == ["clients"]
    assert whole(fake, mapping=ONE, version=2) == []


def test_a_tap_that_cannot_tell_when_a_stream_is_complete_makes_one_run_tell_it(fake: World) -> None:
    told(fake, mapping=ONE)
    assert told(fake, mapping=OTHER) == ["clients"]
    assert told(fake, mapping=OTHER) == []


def test_a_version_that_is_told_before_the_records_makes_one_run_tell_it(fake: World) -> None:
    told(fake, mapping=ONE, version=1)
    for expected in (["clients"], []):
        loader = Loader(fake.config(mapping=OTHER))
        loader.open_stream("clients", {}, ["id"])
        loader.activate("clients", 2)
        for record in CLIENTS:
            loader.load(*record, version=2)
        loader.finish()
        loader.close()
        assert [*loader.report.changed_mapping] == expected


def test_a_stream_that_is_empty_has_been_read(fake: World) -> None:
    told(fake, mapping=ONE, version=1)
    loader = Loader(fake.config(mapping=OTHER))
    loader.open_stream("clients", {}, ["id"])
    assert [*loader.report.changed_mapping] == ["clients"]
    loader.activate("clients", 2)
    loader.finish()
    loader.close()
    assert loader.report.changed_mapping == {}


def test_only_streams_whose_own_mapping_changed_are_named(fake: World) -> None:
    both: list[Message] = [*CLIENTS, ("notes", {"id": "N1", "client": "C1", "note": "x"})]
    told(fake, both, mapping=mapping("name", notes=NOTES), version=1)
    assert told(fake, both, mapping=mapping("name", "size", notes=NOTES), version=1) == ["clients"]
    assert told(fake, both, mapping={**mapping("name", "size", notes=NOTES), "variables": {"a": 1}}, version=1) == [
        "clients",
        "notes",
    ]


def test_a_group_that_is_sent_from_now_on_is_a_change(fake: World) -> None:
    grouped = mapping("name")
    grouped["streams"]["clients"]["account"]["properties"]["size"] = {"value": "size", "group": "usage"}
    told(fake, mapping=grouped, property_groups="core", version=1)
    assert told(fake, mapping=grouped, version=1) == ["clients"]


@pytest.mark.parametrize(
    ("settings", "expected"), [({}, ["notes"]), ({"unknown_streams": "default"}, [])], ids=["skipped", "mapped"]
)
def test_a_stream_that_was_skipped_before(fake: World, settings: dict[str, Any], expected: list[str]) -> None:
    notes: list[Message] = [("notes", {"id": "N1", "client": "C1", "note": "x"})]
    assert told(fake, notes, mapping=ONE, version=1, **settings) == []
    assert told(fake, notes, mapping=ONE, version=1, **settings) == []
    assert told(fake, notes, mapping=mapping("name", notes=NOTES), version=1) == ["notes"]
    assert told(fake, notes, mapping=ONE, version=1, **settings) == (["notes"] if settings else [])


def test_two_mappings_of_different_streams_take_turns(fake: World) -> None:
    """Two jobs may share a ledger."""
    notes: list[Message] = [("notes", {"id": "N1", "client": "C1", "note": "x"})]
    for _ in range(2):
        assert told(fake, mapping=ONE, version=1) == []
        assert told(fake, notes, mapping={"streams": {"notes": NOTES}}, version=1) == []


def test_another_destination_has_a_mapping_of_its_own(fake: World) -> None:
    told(fake, mapping=ONE, version=1)
    assert told(fake, mapping=OTHER, workspace="other", version=1) == []


def test_a_dry_run_tells_it_and_changes_nothing(world: World) -> None:
    whole(world, mapping=ONE, version=1)
    assert told(world, mapping=OTHER, dry_run=True) == ["clients"]
    assert whole(world, mapping=OTHER, version=2, dry_run=True) == []
    assert told(world, mapping=ONE, version=1) == []
    assert told(world, mapping=OTHER, version=1) == ["clients"]


def test_a_careful_run_decides_nothing(fake: World) -> None:
    """What it reads comes again."""
    assert told(fake, mapping=OTHER, max_accounts=1, version=1) == []
    assert told(fake, mapping=ONE, version=1) == []
    assert told(fake, mapping=OTHER, max_accounts=1, version=1) == []
    assert told(fake, mapping=OTHER, version=1) == ["clients"]
    assert whole(fake, mapping=OTHER, max_accounts=1, version=2) == []
    assert told(fake, mapping=OTHER, version=1) == ["clients"]


def test_a_run_that_adopts_all_has_read_all(fake: World) -> None:
    whole(fake, mapping=ONE, version=1)
    assert whole(fake, mapping=OTHER, version=2, adopt=True) == []
    assert told(fake, mapping=OTHER, version=2) == []


def test_a_run_that_fails_tells_it_and_so_does_the_next(fake: World) -> None:
    def fail(path: str, body: dict[str, Any]) -> None:
        raise DeliveryError("journy.io cannot be reached")

    whole(fake, mapping=ONE, version=1)
    fake.door.before = fail
    run = fake.load(CLIENTS, mapping=OTHER, version=2, whole=["clients"])
    assert (run.exit_code, [*run.report["changed_mapping"]]) == (1, ["clients"])
    fake.door.before = lambda path, body: None
    assert told(fake, CLIENTS[:1], mapping=OTHER, version=2) == ["clients"]
    assert whole(fake, mapping=OTHER, version=3) == []


def test_records_that_are_refused_have_been_read_too(fake: World) -> None:
    def bad(path: str, body: dict[str, Any]) -> None:
        if body["identification"] == {"accountId": "C1"}:
            raise refuse()

    whole(fake, mapping=ONE, version=1)
    fake.door.before = bad
    assert whole(fake, mapping=OTHER, version=2, max_rejected_percent=100) == []


@pytest.mark.parametrize(("days", "expected"), [(29, ["clients"]), (31, [])])
def test_it_is_told_for_a_month_at_most(fake: World, days: int, expected: list[str]) -> None:
    """A tap that is set up to read a part never tells that it read all."""
    whole(fake, mapping=ONE, version=1)
    told(fake, mapping=OTHER, version=1)
    before = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=days)
    change_ledger(fake, f"UPDATE stream_mappings SET changed = '{before.isoformat(timespec='seconds')}'")
    for _ in range(2):
        assert told(fake, mapping=OTHER, version=1) == expected
    assert told(fake, mapping=ONE, version=1) == ["clients"]  # another change begins anew


def test_a_ledger_that_knows_nothing_of_mappings_learns_it(world: World) -> None:
    told(world, mapping=ONE, version=1)
    change_ledger(world, "DROP TABLE stream_mappings")
    assert told(world, mapping=OTHER, version=1) == []
    assert told(world, mapping=ONE, version=1) == ["clients"]
