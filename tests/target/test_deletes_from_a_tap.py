"""Deletions as a tap tells them: ACTIVATE_VERSION and `_sdc_deleted_at`, through the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.target.command import command, settings
from tests.target.processes import processes
from tests.target.test_deletes import GONE, MAPPING
from tests.target.test_kills import KILLED_AT

from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.target.command import Result
    from tests.target.processes import Processes

    from marketplace_sandbox.server import Sandbox

SCHEMA = {
    "type": "SCHEMA",
    "stream": "clients",
    "schema": {"properties": {name: {} for name in ("id", "at", "aliases", "name", "size")}},
    "key_properties": ["id"],
}


def record(number: int, version: int | None = None, **fields: Any) -> dict[str, Any]:
    versioned = {} if version is None else {"version": version}
    return {"type": "RECORD", "stream": "clients", "record": {"id": f"C{number}", **fields}, **versioned}


def activate(version: Any = 1, **fields: Any) -> dict[str, Any]:
    return {"type": "ACTIVATE_VERSION", "stream": "clients", "version": version, **fields}


def state(value: int) -> dict[str, Any]:
    return {"type": "STATE", "value": value}


def lines(*messages: Any) -> str:
    return "".join(msgspec.json.encode(message).decode() + "\n" for message in (SCHEMA, *messages))


def read_whole(numbers: Iterable[int], version: int) -> str:
    """A stream from its first record to its last, and then the version that is whole now."""
    return lines(*(record(number, version) for number in numbers), activate(version), state(version))


def config(sandbox: Sandbox, folder: Path) -> dict[str, Any]:
    mapped = {"mapping": {"streams": {"clients": MAPPING["streams"]["clients"]}}}
    return {**settings(sandbox, folder), **mapped, "deletes": "hard", "max_deleted_percent": 50}


@pytest.fixture
def load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, sandbox: Sandbox
) -> Iterator[Callable[..., Result]]:
    with command(tmp_path, monkeypatch, capsys) as run:
        yield lambda text, *options, **changed: run(text, {**config(sandbox, tmp_path), **changed}, *options)


def test_a_tap_that_reads_all(load: Callable[..., Result], sandbox: Sandbox) -> None:
    assert load(read_whole([1, 2, 3], 1)).states == [1]
    result = load(read_whole([1, 3], 2))
    assert (result.returncode, result.states, sorted(sandbox.journy.accounts)) == (0, [2], ["C1", "C3"])
    assert "ended, because no record asks for them any more: 1 accounts" in result.stderr
    assert "_sdc_" not in result.stderr  # what the SDK warns of is not so here
    assert load(lines(record(3, 2, size=1), state(3))).returncode == 0
    assert sorted(sandbox.journy.accounts) == ["C1", "C3"]


def test_more_than_allowed(load: Callable[..., Result], sandbox: Sandbox) -> None:
    load(read_whole([1, 2, 3], 1))
    result = load(read_whole([1], 2))
    assert (result.returncode, result.states) == (3, [2])
    assert len(result.errors) == 1
    assert "nothing was deleted" in result.stderr
    assert len(sandbox.journy.accounts) == 3


def test_deleted_records(load: Callable[..., Result], sandbox: Sandbox) -> None:
    load(lines(record(1), record(2), record(3), state(1)))
    result = load(lines(record(2, _sdc_deleted_at=GONE), record(1, _sdc_deleted_at=None), state(2)))
    assert (result.returncode, sorted(sandbox.journy.accounts)) == (0, ["C1", "C3"])
    assert result.report["streams"]["clients"]["delivered"] == 1


def test_an_input_that_is_cut_deletes_nothing(load: Callable[..., Result], sandbox: Sandbox) -> None:
    load(read_whole([1, 2, 3], 1))
    result = load(read_whole([1, 3], 2) + '{"type": "STATE", "va')
    assert result.returncode == 1
    assert len(sandbox.journy.accounts) == 3
    assert load(lines(state(4))).returncode == 0  # what was told before the cut stands
    assert len(sandbox.journy.accounts) == 2


def test_a_tap_that_fails_in_the_middle_tells_no_version(load: Callable[..., Result], sandbox: Sandbox) -> None:
    load(read_whole([1, 2, 3], 1))
    load(lines(record(1, 2), record(2, 2)))
    assert len(sandbox.journy.accounts) == 3


def test_streams_by_another_name(load: Callable[..., Result], sandbox: Sandbox) -> None:
    maps = {"clients": {"__alias__": "customers"}}
    mapped = {"mapping": {"streams": {"customers": MAPPING["streams"]["clients"]}}, "stream_maps": maps}
    load(read_whole([1, 2], 1), **mapped)
    load(read_whole([1], 2), **mapped)
    assert sorted(sandbox.journy.accounts) == ["C1"]


@pytest.mark.parametrize(
    "message",
    [
        activate(None),
        activate("2"),
        activate(True),
        activate(2**70),
        activate(stream="others"),
        {"type": "ACTIVATE_VERSION"},
    ],
)
def test_a_version_that_cannot_be_one(load: Callable[..., Result], sandbox: Sandbox, message: Any) -> None:
    load(read_whole([1, 2], 1))
    result = load(lines(record(1, 2), message))
    assert result.returncode == 1
    (line,) = result.errors
    assert "ACTIVATE_VERSION" in line
    assert len(sandbox.journy.accounts) == 2


@pytest.mark.parametrize("version", ["2", 2.5, True, 2**70])
def test_a_record_whose_version_is_none_counts_as_without(
    load: Callable[..., Result], sandbox: Sandbox, version: Any
) -> None:
    load(read_whole([1, 2], 1))
    assert load(lines(record(1, version), activate(2))).returncode == 0
    assert len(sandbox.journy.accounts) == 2  # nothing came in version 2


@pytest.fixture(scope="module")
def commands() -> Iterator[Processes]:
    with processes() as commands:
        yield commands


@pytest.mark.long
@pytest.mark.parametrize(
    ("point", "number"),
    [
        *(("target_journy.ledger:Ledger.transaction", number) for number in range(2, 14, 2)),
        ("target_journy.departures:Departures.activate", 1),
        ("target_journy.departures:Departures.carry_out", 1),
        *(("target_journy.deletion_call:DeletionCall.begin", number) for number in (1, 2)),
        *(("target_journy.deletion_call:DeletionCall.settle", number) for number in (1, 3)),
        ("target_journy.target:TargetJourny._write_state_message", 1),
    ],
)
def test_killed_on_the_way_and_run_again(commands: Processes, tmp_path: Path, point: str, number: int) -> None:
    module, name = point.split(":")
    with running(rate_limit=10_000_000) as sandbox:
        told = config(sandbox, tmp_path)
        assert commands.start(tmp_path, read_whole(range(9), 1), told).wait() == 0
        first = KILLED_AT.format(module=module, name=name, number=number)
        assert commands.start(tmp_path, read_whole(range(2, 8), 2), told, first=first).wait() == -9
        # A tap that knows the last STATE has nothing new to tell; one that does not reads all again.
        read_all = tmp_path.joinpath("out").read_text() == ""
        again = read_whole(range(2, 8), 3) if read_all else lines(state(2))
        assert commands.start(tmp_path, again, told).wait() == 0
        assert sorted(sandbox.journy.accounts) == [f"C{n}" for n in range(2, 8)]
        sandbox.journal.clear()
        assert commands.start(tmp_path, read_whole(range(2, 8), 4), told).wait() == 0
        assert sandbox.journal.calls == []
