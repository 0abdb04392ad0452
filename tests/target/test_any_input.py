"""Whatever the input, its order and the machine: journy.io ends up the same, or one line says what is wrong."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.target.command import SCHEMAS, command, settings, singer_lines
from tests.target.processes import processes
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import FakeDoor, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.target.command import Result
    from tests.target.processes import Processes

    from marketplace_sandbox.server import Sandbox

SET = [
    *license_messages(
        license_row(1, person("ann@acme.com", "Ann Lee"), person("bob@acme.com", "Bob"), lastUpdated="2026-03-01"),
        license_row(2, person("ann@acme.com", "Ann Meyer"), lastUpdated="2026-03-02", appEntitlementNumber="E-2"),
        license_row(3, person("ann@acme.com", phone="1"), person("bob@acme.com", "Robert"), lastUpdated="2026-03-03"),
        license_row(4, None, person("cat@acme.com", city="Kiel"), lastUpdated="2026-03-04", status="inactive"),
    ),
    sale(1),
    sale(2, "Renewal", "2026-03-02"),
    sale(3, "Upgrade", "2026-03-03", appEntitlementNumber="E-2"),
    sale(4, "Refund", "2026-03-04", addonLicenseId="4"),
]


def content_after(runs: list[tuple[list[Any], int]]) -> Any:
    """What journy.io holds after some runs, each with what it reads and after how many records it delivers."""
    door = FakeDoor()
    with tempfile.TemporaryDirectory() as folder, patch("target_journy.loader.open_door", lambda *_, **__: door):
        world = World(Path(folder), door, f"sqlite:///{folder}/ledger.db", {"memberships": "sync"})
        for messages, flush_every in runs:
            run = world.load(messages, flush_every=flush_every)
            assert (run.exit_code, run.report["possibly_repeated"]) == (0, 0)
        assert run.report["waiting"] == 0
        assert world.load(SET).calls == []
    snapshot = door.state.snapshot()
    for account in snapshot["accounts"].values():
        account["users"].sort()
    snapshot["events"].sort(key=lambda event: event["metadata"]["event_id"])
    return snapshot


EXPECTED: list[Any] = []


@examples(max_examples=12)
@given(data=st.data())
def test_order_repetition_and_splits_do_not_matter(data: st.DataObject) -> None:
    if not EXPECTED:
        EXPECTED.append(content_after([(SET, 0)]))
    repeated = data.draw(st.lists(st.sampled_from(SET), max_size=6))
    messages = data.draw(st.permutations([*SET, *repeated]))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(messages) - 1), max_size=3)))
    runs = [messages[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
    flushes = [data.draw(st.integers(0, 5)) for _ in runs]
    assert content_after(list(zip(runs, flushes, strict=True))) == EXPECTED[0]


@pytest.fixture
def load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, sandbox: Sandbox
) -> Iterator[Callable[..., Result]]:
    with command(tmp_path, monkeypatch, capsys) as run:
        yield lambda text, **changed: run(text, {**settings(sandbox, tmp_path), **changed})


HOLE = '"in place of this"'
RECORDS = [message for n in (1, 2, 3) for message in license_messages(license_row(n, person(f"p{n}@acme.com")))[:1]]
RECORDS[1][1]["appEdition"] = "in place of this"
LINES = singer_lines(RECORDS)


def everything_is_there(sandbox: Sandbox) -> bool:
    return sorted(sandbox.journy.accounts) == ["SEN-1", "SEN-2", "SEN-3"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"NaN", "no JSON"),
        (b"-Infinity", "no JSON"),
        (b'"\xff\xfe"', "no JSON"),
        (b'"\\ud800"', "no JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'"cut', "no JSON"),
    ],
    ids=["NaN", "infinity", "no UTF-8", "half a character", "100,000 levels", "cut line"],
)
def test_a_line_that_cannot_be_read(load: Callable[..., Result], sandbox: Sandbox, value: bytes, says: str) -> None:
    result = load(LINES.encode().replace(HOLE.encode(), value))
    assert result.returncode == 1
    (line,) = result.errors
    assert says in line
    assert len(line) < 250
    assert result.stdout == ""
    assert load(LINES).states == [3]
    assert everything_is_there(sandbox)


def test_what_only_some_pythons_can_read_costs_a_record_or_ends_the_run(
    load: Callable[..., Result], sandbox: Sandbox
) -> None:
    result = load(LINES.encode().replace(HOLE.encode(), b'{"a":' * 1000 + b"1" + b"}" * 1000))
    if result.returncode == 3:
        assert result.states == [3]
        assert len(sandbox.journy.accounts) == 2
    else:
        assert result.returncode == 1
        assert "nested too deeply" in result.errors[0]
        assert result.stdout == ""
    assert load(LINES).states == [3]
    assert everything_is_there(sandbox)


@pytest.mark.parametrize(
    ("value", "rejected"),
    [
        ('"' + "x" * 10_000_000 + '"', 0),
        ('{"a":' * 300 + "1" + "}" * 300, 1),
        ("1e999999999", 1),
        ('"\\u0000"', 0),
        ('["list", {}]', 1),
    ],
    ids=["10 MB", "300 levels", "a huge number", "a null character", "a list"],
)
def test_a_value_that_nobody_expects(
    load: Callable[..., Result], sandbox: Sandbox, value: str, rejected: int, tmp_path: Path
) -> None:
    result = load(LINES.replace(HOLE, value), max_rejected_percent=50)
    assert (result.returncode, result.errors, result.states) == (0, [], [3])
    assert result.report["streams"]["licenses"]["rejected"] == rejected
    assert len(sandbox.journy.accounts) == 3 - rejected
    if rejected:
        assert len((tmp_path / "rejected.jsonl").read_text().splitlines()) == 1
    assert load(LINES).states == [3]
    assert everything_is_there(sandbox)
    assert sandbox.journy.accounts["SEN-2"].properties["app_edition"] == "in place of this"


def test_names_that_collide(load: Callable[..., Result], sandbox: Sandbox, tmp_path: Path) -> None:
    record = {"id": "1", "a": {"b": 1}, "a.b": 2, "a_b": 3, "A": 4, "events": 5, "type": 6, "rejected": 7, "": 8}
    schema = {"type": "SCHEMA", "stream": "things", "schema": {"properties": {"id": {}}}, "key_properties": ["id"]}
    text = "".join(
        json.dumps(line) + "\n" for line in (schema, {"type": "RECORD", "stream": "things", "record": record})
    )
    result = load(text, unknown_streams="default", max_rejected_percent=100)
    assert (result.returncode, result.errors) == (0, [])
    held = sandbox.journy.accounts["things:1"].properties
    assert held == {**{name: value for name, value in record.items() if name}, "a": '{"b":1}'}
    (line,) = (tmp_path / "rejected.jsonl").read_text().splitlines()
    assert json.loads(line)["reason"] == "a field without a name: a property needs one"
    sandbox.journal.clear()
    result = load(text, unknown_streams="default", max_rejected_percent=0)
    assert (result.returncode, result.report["rejected_again"], sandbox.journal.calls) == (0, 1, [])
    text = text.replace('"A": 4', '"A": 5')
    assert load(text, unknown_streams="default", max_rejected_percent=100).returncode == 0
    assert sandbox.journy.accounts["things:1"].properties["A"] == 5


def test_a_schema_that_changes_in_the_middle(load: Callable[..., Result], sandbox: Sandbox) -> None:
    lines = LINES.splitlines()
    properties = {"id": {"type": "string"}, "tier": {"type": ["string", "null"]}, "new": {"type": "integer"}}
    changed = {**SCHEMAS[0], "schema": {"properties": properties}}
    last = lines.index(next(line for line in lines if '"value": 2' in line))
    result = load("\n".join([*lines[: last + 1], json.dumps(changed), *lines[last + 1 :]]) + "\n")
    assert (result.returncode, result.errors, result.states[-1]) == (0, [], 3)
    assert everything_is_there(sandbox)


def test_a_clock_that_goes_back(load: Callable[..., Result], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(LINES).states == [3]
    sandbox.journal.clear()
    monkeypatch.setattr("time.time", lambda: 86_400.0)  # 1970
    assert load(LINES).states == [3]
    assert sandbox.journal.calls == []
    text = singer_lines([*RECORDS, *license_messages(license_row(4))])
    assert load(text).states[-1] == 7
    assert "SEN-4" in sandbox.journy.accounts


def test_a_ledger_that_somebody_else_locks(
    load: Callable[..., Result], sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("target_journy.ledger.database._LONGEST_WAIT", 0.1)
    load(singer_lines(RECORDS[:1]))
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        result = load(LINES)
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.errors
    assert "'ledger_url'" in line
    assert "database is locked" in line
    assert load(LINES).states == [3]
    assert everything_is_there(sandbox)


@pytest.fixture(scope="module")
def commands() -> Iterator[Processes]:
    with processes() as commands:
        yield commands


def test_a_disk_that_is_full(commands: Processes, sandbox: Sandbox, tmp_path: Path) -> None:
    messages = [m for n in range(150) for m in license_messages(license_row(n, person(f"p{n}@acme.com", "Ann Lee")))]
    text, config = singer_lines(messages), settings(sandbox, tmp_path)
    first = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))"
    process = commands.start(tmp_path, text, config, first=first)
    assert process.wait() == 1, process.log
    (line,) = process.errors
    assert "'ledger_url'" in line
    assert "disk" in line
    assert "@" not in process.log
    passed = [json.loads(state) for state in process.out.splitlines()]
    assert not passed or passed[-1] < len(messages)
    process = commands.start(tmp_path, singer_lines(messages, after=passed[-1] if passed else 0), config)
    assert process.wait() == 0, process.log
    assert json.loads(process.out.splitlines()[-1]) == len(messages)
    assert len(sandbox.journy.accounts) == len(sandbox.journy.users) == 150


def test_a_disk_without_room_for_refused_records(commands: Processes, sandbox: Sandbox, tmp_path: Path) -> None:
    bad = [("transactions", {**sale(n)[1], "purchaseDetails": {}, "pad": "x" * 20_000}) for n in range(30)]
    text, config = singer_lines(bad), {**settings(sandbox, tmp_path), "max_rejected_percent": 100}
    first = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))"
    process = commands.start(tmp_path, text, config, first=first)
    assert process.wait() == 1, process.log
    (line,) = process.errors
    assert "'rejected_path'" in line
    assert process.out == ""
    counts = json.loads((tmp_path / "report.json").read_text())["streams"]["transactions"]
    assert counts["read"] == counts["failed"] == 30
    assert commands.start(tmp_path, text, config).wait() == 0
    lines = [json.loads(line) for line in (tmp_path / "rejected.jsonl").read_text().splitlines()]
    assert len({line["key"] for line in lines}) == 30


@pytest.mark.parametrize("levels", range(970, 990, 3))
def test_a_value_that_can_just_be_read(commands: Processes, sandbox: Sandbox, tmp_path: Path, levels: int) -> None:
    text = LINES.replace('"appEdition": ' + HOLE, '"other": ' + '{"a":' * levels + "1" + "}" * levels)
    process = commands.start(tmp_path, text, settings(sandbox, tmp_path))
    if process.wait():
        assert process.out == ""
        assert [line for line in process.errors if "nested too deeply" in line] == process.errors != []
    else:
        assert everything_is_there(sandbox)
