"""Runs that are told to stop or that fail: every record that was taken is counted, and the ledger is sound."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.fakes import SEGMENT_DOORS, WORLDS
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import assert_counts_add_up
from tests.target.test_ledger import rows

from target_journy.calls import EntityCall
from target_journy.dispatch import StoppedError
from target_journy.loader import Loader
from target_journy.planning import Planner
from target_journy.target import TargetJourny

if TYPE_CHECKING:
    from tests.target.runs import World

MESSAGES = [*license_messages(license_row(1, person("ann@acme.com")), license_row(2)), sale(1), sale(2)]


def report_of(world: World) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((world.folder / "report.json").read_text())
    assert_counts_add_up(report)
    assert sum(counts["read"] for counts in report["streams"].values()) == len(MESSAGES)
    return report


def load(world: World, *, adopt: bool = False, flushes: bool = True, finishes: bool = False) -> None:
    loader = Loader(world.config(), adopt=adopt)
    try:
        for stream, record in MESSAGES:
            loader.open_stream(stream, {}, ["id"])
            loader.load(stream, record)
        if flushes:
            loader.flush()
        if finishes:
            loader.finish()
    finally:
        loader.close()


over_all = pytest.mark.parametrize("world", [*WORLDS, *SEGMENT_DOORS], indirect=True)
over_fakes = pytest.mark.parametrize("world", ["fake, SQLite", *SEGMENT_DOORS], indirect=True)


@pytest.fixture
def signals(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Lets a signal come while a batch is planned."""
    plan = Planner.plan
    loaders: list[Loader] = []
    create = Loader.__init__

    def remember(self: Loader, *args: Any, **options: Any) -> None:
        create(self, *args, **options)
        loaders.append(self)

    def be_signalled(self: Planner, *args: Any) -> None:
        plan(self, *args)
        if len(loaders) == 1:
            loaders[0].stop.signal()

    monkeypatch.setattr(Loader, "__init__", remember)
    monkeypatch.setattr(Planner, "plan", be_signalled)
    return world


@over_all
def test_a_signal_while_a_batch_is_planned(signals: World) -> None:
    with pytest.raises(StoppedError):
        load(signals)
    assert signals.door.take_calls() == []
    report = report_of(signals)
    assert sum(counts["waiting"] + counts["skipped"] for counts in report["streams"].values()) == len(MESSAGES)
    assert report["waiting"] == 6  # two accounts, a user, a membership, two events
    run = signals.load([])
    assert (run.report["waiting"], run.report["resumed"]) == (0, 6)
    assert signals.load(MESSAGES).calls == []


@over_all
def test_a_signal_to_a_run_that_adopts_leaves_the_ledger_as_it_was(signals: World) -> None:
    with pytest.raises(StoppedError):
        load(signals, adopt=True)
    report = report_of(signals)
    assert all(counts["failed"] + counts["skipped"] == counts["read"] for counts in report["streams"].values())
    assert (report["waiting"], set(report["created"].values())) == (0, {0})
    assert set(rows(signals).values()) == {0}


@over_fakes
def test_what_was_read_but_not_delivered_counts_as_failed(world: World) -> None:
    load(world, flushes=False)
    assert all(counts["failed"] == counts["read"] for counts in report_of(world)["streams"].values())


def test_a_signal_before_the_first_stream_opens_nothing(fake: World) -> None:
    target = TargetJourny(config=fake.config(api_key="masked-in-every-log-from-here"))
    with pytest.raises(StoppedError):
        target.stop()
    assert list(fake.folder.iterdir()) == []


@over_all
@pytest.mark.parametrize("call", [1, 2, 3])
def test_killed_while_it_adopts_the_ledger_has_nothing_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    class Killed(BaseException):
        pass

    settle = EntityCall.settle
    left = call

    def be_killed(self: EntityCall, answer: Any) -> Any:
        nonlocal left
        left -= 1
        if not left:
            raise Killed
        return settle(self, answer)

    with monkeypatch.context() as patch:
        patch.setattr(EntityCall, "settle", be_killed)
        with pytest.raises(Killed):
            load(world, adopt=True)
    assert set(rows(world).values()) == {0}
    assert all(counts["failed"] == counts["read"] for counts in report_of(world)["streams"].values())
    load(world, adopt=True, finishes=True)
    assert world.load(MESSAGES).calls == []


@over_fakes
def test_adopting_takes_the_time_that_it_needs(world: World) -> None:
    run = world.load(reversed(MESSAGES), adopt=True, max_minutes=0, flush_every=1)
    assert not run.report["out_of_time"]
    assert run.report["waiting"] == 0
    assert world.load(MESSAGES).calls == []


@over_fakes
def test_a_dry_run_shows_all_whatever_the_time(world: World) -> None:
    run = world.load(reversed(MESSAGES), dry_run=True, max_minutes=0, flush_every=1)
    assert len(run.report["preview"]) == 6
