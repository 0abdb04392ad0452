"""`max_minutes` holds whatever the loader waits for; what waits then is kept, and the next run delivers it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import SandboxDoor, World

from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

MESSAGES = [
    *license_messages(*(license_row(number, person(f"p{number}@acme.com")) for number in range(1, 6))),
    *(sale(number) for number in range(1, 4)),
]
SOON = 0.02  # minutes


@pytest.fixture
def tight() -> Iterator[Sandbox]:
    """A journy.io that allows four calls a minute."""
    with running(rate_limit=4) as sandbox:
        yield sandbox


def world(sandbox: Sandbox, folder: Path) -> World:
    return World(folder, SandboxDoor(sandbox), f"sqlite:///{folder}/ledger.db")


def assert_stops_in_time(world: World, **settings: int) -> None:
    began = time.monotonic()
    run = world.load(MESSAGES, max_minutes=SOON, **settings)
    assert time.monotonic() - began < 30
    assert (run.exit_code, run.error) == (0, "")
    assert run.report["out_of_time"]
    assert run.report["waiting"]
    assert not any(counts.keys() & {"failed", "rejected"} for counts in run.counts.values())


@pytest.mark.parametrize("fault", ["429-seconds", "429-date"])
@pytest.mark.parametrize("kind", ["upsert_account", "track"])
def test_an_answer_that_asks_for_minutes_is_not_waited_for(
    sandbox: Sandbox, tmp_path: Path, fault: str, kind: str
) -> None:
    loader = world(sandbox, tmp_path)
    sandbox.faults.add(fault, side="journy", kind=kind, seconds=300)
    try:
        assert_stops_in_time(loader)
    finally:
        sandbox.faults.clear()
    assert loader.load([]).report["waiting"] == 0
    assert len(sandbox.journy.events) == 3
    assert loader.load(MESSAGES).calls == []


def test_a_minute_that_is_used_up_is_not_waited_for(tight: Sandbox, tmp_path: Path) -> None:
    loader = world(tight, tmp_path)
    assert_stops_in_time(loader, requests_per_minute=4)
    assert 0 < len(tight.journy.accounts) + len(tight.journy.users) < 10
