"""Input that no list of licences is: one line says so, and nothing is sent before all of it was read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.licence_import.rows import STREAM, lines, messages, row, rows

if TYPE_CHECKING:
    from tests.licence_import.runs import Import

BATCH = {
    "type": "BATCH",
    "stream": STREAM,
    "encoding": {"format": "jsonl", "compression": "gzip"},
    "manifest": ["file:///tmp/x.json.gz"],
}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (json.dumps(BATCH), "batch_config"),
        ("id,email,firstName", "no JSON"),
        ('{"type":"RECORD"', "no JSON"),
        ("[]", "no Singer message"),
        ('{"type":"LICENCE"}', "no Singer message"),
        ('{"type":"RECORD","stream":"license_imports"}', "RECORD message"),
        ('{"type":"RECORD","stream":"license_imports","record":[]}', "RECORD message"),
        ('{"type":"SCHEMA","stream":"license_imports","schema":{},"key_properties":[]}', "SCHEMA message"),
        ('{"type":"RECORD","stream":"license_imports","record":{"id":"\\ud800"}}', "no JSON"),
        ('{"type":"RECORD","stream":"license_imports","record":{"id":"A","users":NaN}}', "no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("\udcff", "no JSON"),
    ],
)
def test_garbage_stops_the_run(work: Import, line: str, says: str) -> None:
    text = lines(messages(rows(3))).encode() + line.encode(errors="surrogateescape") + b"\n"
    run = work.run(text=text, code=1)
    assert says in run.errors[0]
    assert (run.states, work.calls) == ([], [])
    assert not list(work.folder.glob("license-*"))


def test_records_before_their_schema_stop_the_run(work: Import) -> None:
    run = work.run(text=lines(messages(rows(1))[1:]), code=1)
    assert "schema" in run.errors[0].lower()


@pytest.mark.parametrize(
    "value", [10**30, -(10**30), 1e308, True, None, [], {"a": {"b": []}}, "x" * 100_000, "\u0000", 25.5, "ß" * 3000]
)
@pytest.mark.parametrize("field", ["id", "users", "city"])
def test_a_value_of_any_kind_hurts_no_other_record(work: Import, field: str, value: Any) -> None:
    is_fine = isinstance(value, str) and value != "\0" and field != "users"
    is_fine = is_fine or (value is None and field == "city")
    records = [row("OLD-1"), {**row("OLD-2"), field: value}, row("OLD-3")]
    run = work.run(records, code=0 if is_fine else 3)
    assert run.counts() == ({"delivered": 3} if is_fine else {"delivered": 2, "rejected": 1})
    assert work.sandbox.license_service.faulty == {}
    assert run.states == [1]


def test_a_record_without_its_key_is_a_broken_tap(work: Import) -> None:
    run = work.run([row("OLD-1"), row(id=None)], code=1)
    assert "id" in run.errors[0]
    assert work.calls == []


def test_a_record_with_no_key_to_miss_is_rejected(work: Import) -> None:
    text = lines(messages([row("OLD-1"), row(id=None)])).replace('["id"]', "[]")
    assert work.run(text=text, code=3).counts() == {"delivered": 1, "rejected": 1}
    assert work.rejected[0]["reason"] == "id: it is missing"


def test_the_schema_may_come_again_and_the_records_in_parts(work: Import) -> None:
    text = lines([*messages(rows(2), state=1), *messages(rows(2, 3), state=2), *messages(rows(1), state=3)])
    run = work.run(text=text, code=3)
    assert run.counts() == {"delivered": 3, "rejected": 2}
    assert run.states == [3]


def test_long_lists_of_faults_are_named_once(work: Import) -> None:
    run = work.run([row(f"OLD-{number}", users="x") for number in range(50)], code=3)
    named = run.warnings
    assert len(named) == 21
    assert len(work.rejected) == 50
