"""Runs that end early: nothing is lost, nothing is sent twice but the call that was in flight."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.fakes import faked
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import SandboxDoor, World

from marketplace_sandbox import credentials
from target_journy.loader import Loader
from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

ANN, BOB, CAT = (person(f"{name}@acme.com", name) for name in ("ann", "bob", "cat"))
RTBF = person("RTBF", "RTBF")

FIRST = [
    sale(1, addonLicenseId="2"),
    *license_messages(license_row(1, ANN, BOB), license_row(2, ANN, CAT)),
    sale(2),
    sale(3, "Renewal", "2026-03-02"),
]
SECOND = [
    *license_messages(
        license_row(1, BOB, BOB, lastUpdated="2026-03-02", appEntitlementNumber="E-1"),
        license_row(2, RTBF, CAT, lastUpdated="2026-03-02"),
    ),
    sale(4, "Upgrade", "2026-03-02", appEntitlementNumber="E-1"),
]


class Killed(BaseException):
    """Stands for the end of the process."""


def interrupt(door: Any, call: int, moment: str, kind: type[BaseException]) -> None:
    """Let a call fail, before or after the server has carried it out."""
    seen = 0

    def count(path: str, body: dict[str, Any]) -> None:
        nonlocal seen
        seen += 1
        if seen == call:
            raise kind("interrupted")

    setattr(door, moment, count)


def calm(door: Any) -> None:
    door.before = door.after = lambda path, body: None


def state_of(world: World) -> dict[str, Any]:
    snapshot = world.state.snapshot()
    for account in snapshot["accounts"].values():
        account["users"] = sorted(account["users"])
        account["removed"] = sorted(account["removed"])
    return snapshot


def events_of(snapshot: dict[str, Any]) -> Counter[str]:
    return Counter(event["metadata"]["event_id"] for event in snapshot.pop("events"))


SETTINGS: dict[str, dict[str, Any]] = {
    "journy": {"memberships": "sync"},
    "journy_segment": {"max_rejected_percent": 100},  # who is to be forgotten cannot be passed on there
    "segment": {"max_rejected_percent": 100},
}


WAYS = [("journy", 1), ("journy", 8), ("segment", 8), pytest.param(("journy_segment", 1), marks=pytest.mark.long)]


@pytest.fixture(scope="module", params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> tuple[str, int]:
    """A transport, and how many calls are made at once."""
    found: tuple[str, int] = request.param
    return found


@pytest.fixture(scope="module")
def undisturbed(way: tuple[str, int], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What journy.io holds after both inputs, and the number of calls of each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CI", raising=False)
        world = faked(way[0], tmp_path_factory.mktemp("undisturbed"), patch, **SETTINGS[way[0]])
        calls = [len(world.load(messages, flush_every=4).calls) for messages in (FIRST, SECOND)]
    return {"calls": calls, "state": state_of(world)}


@pytest.fixture
def over(way: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A loader over a fake of each transport."""
    transport, parallel = way
    return faked(transport, tmp_path, monkeypatch, max_parallel_requests=parallel, **SETTINGS[transport])


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("kind", [DeliveryError, Killed])
@pytest.mark.parametrize("disturbed", [0, 1])
def test_a_run_that_was_cut_short_ends_as_if_it_had_not_been(
    over: World, undisturbed: dict[str, Any], disturbed: int, kind: type[BaseException], moment: str
) -> None:
    door = over.door
    parallel = over.settings["max_parallel_requests"]
    assert undisturbed["calls"][disturbed] > 2
    for call in range(1, undisturbed["calls"][disturbed] + 1):
        door.renew(f"fake{call}.example")  # a destination of its own in the same ledger
        if disturbed:
            over.load(FIRST, flush_every=4)
        messages = (FIRST, SECOND)[disturbed]
        interrupt(door, call, moment, kind)
        if kind is DeliveryError:
            run = over.load(messages, flush_every=4)
            assert (run.exit_code, run.error) == (1, "interrupted")
            assert call <= len(run.calls) < call + parallel
            assert sum(row.get("failed", 0) + row.get("waiting", 0) for row in run.counts.values())
        else:
            with pytest.raises(Killed):
                over.load(messages, flush_every=4)
        calm(door)
        run = over.load(messages, flush_every=4)
        assert (run.exit_code, run.report["waiting"]) == (0, 0)
        if disturbed == 0:
            over.load(SECOND, flush_every=4)
        found, expected = state_of(over), {**undisturbed["state"]}
        twice = events_of(found) - events_of(expected)
        assert found == expected
        most = 0 if door.knows_repeats else 1
        assert sum(twice.values()) <= (most if moment == "after" else 0)
        assert run.report["possibly_repeated"] >= sum(twice.values())
        assert run.report["possibly_repeated"] <= most
        sales = [message for message in FIRST if message[0] == "transactions"]
        assert over.load([*sales, *SECOND], flush_every=4).calls == [], call


def test_what_a_run_left_is_delivered_without_being_read_again(fake: World) -> None:
    interrupt(fake.door, 1, "before", DeliveryError)
    fake.load(FIRST)
    calm(fake.door)
    run = fake.load([])
    assert run.report["resumed"] == len(run.calls) + 2  # two calls carry two members each
    assert len(fake.state.events) == 3
    assert fake.load(FIRST).calls == []


def test_a_refused_connection_stops_at_once(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace_http.retry.RetryPolicy.pause", lambda *_: None)
    world = World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/ledger.db")
    run = world.load(FIRST, api_url="http://127.0.0.1:9")
    assert run.exit_code == 1
    assert "127.0.0.1:9" in run.error
    assert "'api_url'" in run.error
    assert run.report["possibly_repeated"] == 0
    assert run.report["calls"] == {"accounts": 1}


@pytest.mark.parametrize(
    ("key", "says"),
    [("wrong-key-123", "HTTP 401"), (credentials.JOURNY_DISABLED_KEY, "HTTP 403")],
)
def test_a_key_that_does_not_work_stops_at_once(sandbox: Sandbox, tmp_path: Path, key: str, says: str) -> None:
    world = World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/ledger.db")
    run = world.load(FIRST, api_key=key)
    assert run.exit_code == 1
    assert "'api_key'" in run.error
    assert says in run.error
    assert key not in run.error
    assert len(run.calls) == 1
    run = world.load(FIRST)
    assert (run.exit_code, run.report["possibly_repeated"]) == (0, 0)
    assert world.load(FIRST).calls == []


def test_an_event_that_certainly_did_not_arrive_is_no_repeat(sandbox: Sandbox, tmp_path: Path) -> None:
    world = World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/ledger.db")
    world.load(license_messages(license_row(1)))
    assert world.load([sale(2)], api_key="wrong").exit_code == 1
    run = world.load([sale(2)])
    assert (run.counts, run.report["possibly_repeated"]) == ({"transactions": {"delivered": 1}}, 0)


def test_a_ledger_that_fails_counts_its_records_as_failed(fake: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    from target_journy.ledger import LedgerTransaction

    def fail(*_: Any) -> None:
        raise OperationalError("", {}, Exception("disk full"))

    with monkeypatch.context() as patch:
        patch.setattr(LedgerTransaction, "save_events", fail)
        run = fake.load(FIRST)
    assert run.exit_code == 1
    assert "'ledger_url'" in run.error
    assert run.calls == []
    assert {name for row in run.counts.values() for name in row} == {"failed"}
    assert fake.load(FIRST).exit_code == 0


def test_closing_without_a_run_says_what_was_read(fake: World) -> None:
    loader = Loader(fake.config())
    loader.open_stream("licenses", {}, ["id"])
    loader.close()
    assert (fake.folder / "report.json").exists()
