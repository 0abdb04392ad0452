"""SIGTERM: the calls under way are finished and their keys kept, nothing else is sent, no STATE passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.licence_import.rows import lines, messages, rows

if TYPE_CHECKING:
    from tests.licence_import.runs import Import

IDS = [f"OLD-{number}" for number in range(1, 9)]
# The signal comes while a function is at its n-th call.
TERMINATED_AT = """
import os, signal
import {module} as module
original, left = module.{name}, [{number}]
def call(*args, **options):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGTERM)
    return original(*args, **options)
module.{name} = call
"""


def test_calls_under_way_are_finished(work: Import) -> None:
    work.sandbox.gates.hold("before-store", kind="license", times=None, after=1)
    process = work.start(rows(8))
    work.sandbox.gates.wait(20, calls=4)
    process.terminate()
    work.sandbox.gates.clear()
    run = work.end(process)
    assert (run.code, run.states) == (1, [])
    counts = run.counts()
    assert counts == {"delivered": 5, "waiting": 3}
    assert len(work.results) == len(work.sandbox.license_service.licenses) == 5
    assert "run again" in run.errors[0]
    assert work.run(rows(8)).counts() == {"delivered": 3, "unchanged": 5}
    work.check_keys(IDS)


THE_REAL_WAIT = """
import os, marketplace_http.retry as retry
retry.RetryPolicy.pause = lambda self, failures, asked=None: (os.kill(os.getpid(), 15), self.sleep(asked))
"""


def test_a_wait_before_a_repeat_is_cut_short(work: Import) -> None:
    work.sandbox.faults.add("429-seconds", kind="license", seconds=300)
    run = work.end(work.start(rows(2), first=THE_REAL_WAIT))
    assert (run.code, run.states) == (1, [])
    assert run.counts() == {"waiting": 1, "failed": 1}
    work.sandbox.faults.clear()
    work.run(rows(8))
    work.check_keys(IDS)


def test_told_while_the_input_is_read_it_sends_nothing(work: Import) -> None:
    first = TERMINATED_AT.format(module="target_atlassian_marketplace.intake", name="Intake.add", number=3)
    run = work.end(work.start(rows(8), first=first))
    assert (run.code, run.states, work.calls) == (1, [], [])
    (line,) = run.errors
    assert "Stopped before anything was sent" in line


def test_told_when_all_is_done_it_ends_well(work: Import) -> None:
    first = TERMINATED_AT.format(module="target_atlassian_marketplace.importer", name="Importer._settle", number=8)
    run = work.end(work.start(rows(8), first=first))
    assert (run.code, run.states) == (0, [1])
    work.check_keys(IDS)


def test_a_tap_that_stops_in_the_middle_of_a_line_has_nothing_imported(work: Import) -> None:
    text = lines(messages(rows(8)))
    run = work.run(text=text[: len(text) // 2], code=1)
    assert "no JSON" in run.errors[0]
    assert work.calls == []
