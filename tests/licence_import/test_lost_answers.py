"""An answer was lost, and by the next run the start of the licence lies within the last 30 days.

Such a start is refused, but the licence may be there already: the very call that was cut off is made again, no other.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.licence_import.rows import row, sydney_today

if TYPE_CHECKING:
    from tests.licence_import.runs import Import, Run

RECORD = row(startDate=(sydney_today() + dt.timedelta(days=2)).isoformat())
SOON, MUCH_LATER = 10, 40  # days; the start is refused, and taken again
LATER = """
import dataclasses, datetime as dt
import target_atlassian_marketplace.importer as importer, target_atlassian_marketplace.validation as validation
check, today = validation.check, validation.Rules().today
importer.check = lambda values, rules: check(
    values, dataclasses.replace(rules, today=lambda: today() + dt.timedelta(days={days}))
)
"""


def lose_the_answer(work: Import, *, is_made: bool = True) -> None:
    work.sandbox.gates.hold("after-store" if is_made else "before-store", kind="license")
    process = work.start([RECORD], allow_future_start=True)
    try:
        work.sandbox.gates.wait(20)
    finally:
        process.kill()
        work.sandbox.gates.release(drop=True)
        work.sandbox.gates.clear()
    assert process.wait() == -9
    assert bool(work.sandbox.license_service.licenses) is is_made
    assert work.results == []
    end = time.monotonic() + 10
    while not work.calls and time.monotonic() < end:  # it is written down once the sandbox is done with it
        time.sleep(0.01)
    work.calls.clear()


def run_after(work: Import, days: int, record: dict[str, Any] = RECORD, **more: Any) -> Run:
    work.sandbox.license_service.today = lambda: sydney_today() + dt.timedelta(days=days)
    return work.run([record], first=LATER.format(days=days), **more)


def check_told(run: Run, work: Import) -> None:
    assert run.counts() == {"rejected": 1}
    assert "may have been made" in work.rejected[-1]["reason"]
    assert "may have been made" in run.log
    assert work.results == work.unverified == []


def test_the_service_gives_the_key_where_it_knows_the_id(work: Import) -> None:
    lose_the_answer(work)
    work.sandbox.license_service.knows_ids_first = True
    assert run_after(work, SOON, dry_run=True).counts() == {"delivered": 1}
    run = run_after(work, SOON)
    assert (run.counts(), run.states) == ({"delivered": 1}, [1])
    assert "1 of them had been made before" in run.log
    assert "look at those before you hand them out" in run.log
    work.check_keys(["OLD-1"])
    assert work.results[0]["http_status"] == 409
    assert run_after(work, SOON).counts() == {"unchanged": 1}
    assert len(work.calls) == 1


@pytest.mark.parametrize("is_made", [True, False])
def test_where_it_looks_at_the_start_first_time_helps(work: Import, is_made: bool) -> None:
    """The refusal does not tell whether there is a licence, so what is known of the call is not forgotten."""
    lose_the_answer(work, is_made=is_made)
    for _ in range(2):
        run = run_after(work, SOON, code=3)
        check_told(run, work)
        assert work.rejected[-1]["reason"].startswith("HTTP 400: startDate")
    run = run_after(work, MUCH_LATER)
    assert run.counts() == {"delivered": 1}
    assert ("had been made before" in run.log) is is_made
    work.check_keys(["OLD-1"])


def test_other_data_are_not_sent(work: Import) -> None:
    lose_the_answer(work)
    run = run_after(work, SOON, {**RECORD, "users": "50"}, code=3)
    assert run.counts() == {"rejected": 1}
    assert "may have been made" not in run.log
    assert work.calls == []


@pytest.mark.parametrize("settings", [{"country_codes": "US"}, {"country_codes": ["FR"], "dry_run": True}])
def test_a_rule_that_does_not_come_with_time_holds(work: Import, settings: dict[str, Any]) -> None:
    """The service would make the licence now, if it did not before."""
    lose_the_answer(work, is_made=False)
    run = run_after(work, SOON, **settings, code=3)
    assert "may have been made" in run.log
    assert work.calls == []
    work.sandbox.license_service.knows_ids_first = True
    assert run_after(work, MUCH_LATER, **settings, code=3).counts() == {"rejected": 1}
    assert work.calls == []


def test_a_call_that_certainly_made_nothing_is_not_made_again(work: Import) -> None:
    work.run([RECORD], allow_future_start=True, api_token="wrong-token", code=1)
    work.calls.clear()
    run = run_after(work, SOON, code=3)
    assert "may have been made" not in run.log
    assert work.calls == []


def test_a_refusal_after_a_lost_answer_says_so(work: Import) -> None:
    """Within one run: the first try breaks off, the second is refused."""
    work.sandbox.faults.add("drop-after", kind="license", times=1)
    work.sandbox.faults.add("502-after", kind="license", times=1)
    record = row(expertEmail="nobody@acme.example")
    check_told(work.run([record], code=3), work)
    assert len(work.calls) == 3
