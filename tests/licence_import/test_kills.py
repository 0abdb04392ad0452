"""Killed hard at any moment and run again: each licence imported once, each key deliverable, none lost or doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.licence_import.rows import rows
from tests.licence_import.runs import killed_at

if TYPE_CHECKING:
    from tests.licence_import.runs import Import
    from tests.target.processes import Process

COUNT = 7
IDS = [f"OLD-{number}" for number in range(1, COUNT + 1)]


def check(work: Import, killed: Process) -> None:
    assert (killed.wait(), killed.out) == (-9, "")
    run = work.run(rows(COUNT))
    counts = run.counts()
    assert counts.pop("delivered", 0) + counts.pop("unchanged", 0) == COUNT
    assert counts == {}
    assert run.states == [1]
    work.check_keys(IDS)
    work.calls.clear()
    assert work.run(rows(COUNT)).counts() == {"unchanged": COUNT}
    assert work.calls == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("results", "Results.attempt"),
        ("service", "LicenseService.issue"),
        ("results", "Results.keep"),
        ("journal", "Journal.add"),
        ("importer", "Importer._settle"),
    ],
)
@pytest.mark.parametrize("number", [1, 4])
def test_killed_at_a_step(work: Import, module: str, name: str, number: int) -> None:
    check(work, work.start(rows(COUNT), first=killed_at(module, name, number)))


def test_killed_before_the_state(work: Import) -> None:
    killed = work.start(rows(COUNT), first=killed_at("target", "TargetAtlassianMarketplace._write_state_message"))
    check(work, killed)


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("when", ["before-store", "after-store", "mid-answer"])
def test_killed_while_calls_are_under_way(work: Import, when: str, after: int) -> None:
    calls = 4 if after else 1  # the first goes alone
    work.sandbox.gates.hold(when, kind="license", times=None, after=after)
    process = work.start(rows(COUNT))
    try:
        work.sandbox.gates.wait(20, calls=calls)
    finally:
        process.kill()
        work.sandbox.gates.release(drop=True)
        work.sandbox.gates.clear()
    check(work, process)


HALF_A_LINE = """
import os
original = os.write

def write(descriptor, content):
    if {name!r} in os.readlink(f"/proc/self/fd/{{descriptor}}"):
        original(descriptor, content[:-10])
        os.kill(os.getpid(), 9)
    return original(descriptor, content)

os.write = write
"""


@pytest.mark.parametrize("name", ["license-results.jsonl", "license-results.attempts.jsonl"])
def test_killed_in_the_middle_of_a_line(work: Import, name: str) -> None:
    work.run(rows(2))
    check(work, work.start(rows(COUNT), first=HALF_A_LINE.format(name=name)))


def test_killed_between_the_file_of_the_unverified_and_its_end(work: Import) -> None:
    """Another import had the ids; after a kill they are still nobody's here."""
    work.run(rows(2), results_path="theirs.jsonl")
    first = HALF_A_LINE.format(name="license-results.unverified.jsonl")
    assert work.start(rows(3), first=first).wait() == -9
    assert work.run(rows(3)).counts() == {"delivered": 1, "already imported": 2}
    assert {line["id"] for line in work.unverified} == {"OLD-1", "OLD-2"}
    assert [line["id"] for line in work.results] == ["OLD-3"]


KILLED_IN_QUARANTINE = """
import os, marketplace_singer
marketplace_singer.Quarantine.add = lambda *_: os.kill(os.getpid(), 9)
"""


def test_killed_before_a_refusal_was_kept(work: Import) -> None:
    records = [{**rows(1)[0], "expertEmail": "nobody@acme.example"}, *rows(2, 2)]
    assert work.start(records, first=KILLED_IN_QUARANTINE).wait() == -9
    assert work.rejected == []
    assert work.run(records, code=3).counts() == {"delivered": 2, "rejected": 1}
    assert [kept["key"] for kept in work.rejected] == ["OLD-1"]
