"""How far a load is: told while it goes on, in counts alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.command import command, settings, singer_lines
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import SandboxDoor, World

from target_journy.loader import Loader
from target_journy.target import TargetJourny

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.target.command import Result

    from marketplace_sandbox.server import Sandbox

MESSAGES = [*license_messages(license_row(1, person("ann@acme.com", "Ann Lee"))), sale(1)]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Callable[..., Result]]:
    with command(tmp_path, monkeypatch, capsys) as run:
        yield run


@pytest.fixture
def loader(tmp_path: Path, sandbox: Sandbox) -> Iterator[Loader]:
    world = World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/ledger.db")
    loader = Loader(world.config())
    yield loader
    loader.close()


def test_a_run_tells_how_far_it_is_on_stderr_alone(
    run: Callable[..., Result], sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace_singer.progress._SECONDS_BETWEEN_LINES", 0.01)
    sandbox.gates.hold("before-store", side="journy", kind="upsert_user", times=1)
    how_far = TargetJourny._how_far
    told = []

    def tell(target: TargetJourny) -> Any:
        told.append(how_far(target).text)
        if told[-1] == "5 records read, 2 calls made":
            sandbox.gates.release()
        return how_far(target)

    monkeypatch.setattr(TargetJourny, "_how_far", tell)
    try:
        result = run(singer_lines(MESSAGES), settings(sandbox, tmp_path))
    finally:
        sandbox.gates.clear()
    assert result.returncode == 0, result.stderr
    assert "5 records read, 2 calls made." in result.stderr
    assert "records read" not in result.stdout
    assert "@" not in result.stderr


def test_a_wait_for_the_rate_limit_is_named(loader: Loader) -> None:
    assert loader.how_far().text == "0 records read, 0 calls made"
    loader._door._limiter.refused(30.0)
    assert loader.how_far().text == "0 records read, 0 calls made, the rate limit holds the next one back for 30 s"


def test_before_the_first_stream_nothing_is_opened(tmp_path: Path) -> None:
    target = TargetJourny(config={"api_key": "masked-in-every-log-from-here", "ledger_url": f"sqlite:///{tmp_path}/l"})
    assert target._how_far().text == "waiting for the first stream"
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_makes_no_calls_to_tell_of(tmp_path: Path, sandbox: Sandbox) -> None:
    world = World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/ledger.db")
    loader = Loader(world.config(dry_run=True))
    loader.open_stream("licenses", {}, ["id"])
    loader.load(*MESSAGES[0])
    loader.flush()
    assert loader.how_far().text == "1 records read"
    loader.close()
