"""Every status and every fault of the service: all keys in the end, or one line that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.licence_import.rows import row, rows, sydney_today

from marketplace_sandbox import credentials
from marketplace_sandbox.faults.catalogue import FAULTS

if TYPE_CHECKING:
    from tests.licence_import.runs import Import

HITTING = [name for name, trouble in FAULTS.items() if trouble.kinds is None]
REFUSED = {"401": "'api_token'", "403": "support portal", "410": "has retired", "redirect": "'api_url'"}
HARMLESS = {"slow", "slow-body", "empty"}  # a conflict is never empty: the repeat tells
IDS = [f"OLD-{number}" for number in range(1, 6)]


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("fault", HITTING)
def test_a_fault_that_lasts(work: Import, fault: str, after: int) -> None:
    trouble = work.sandbox.faults.add(fault, kind="license", after=after, seconds=0.02)
    run = work.end(work.start(rows(5)))
    assert trouble.hits
    work.sandbox.faults.clear()
    counts = run.counts()
    assert len(work.results) == counts.get("delivered", 0)
    if fault in HARMLESS:
        assert (run.code, run.states, counts) == (0, [1], {"delivered": 5})
    else:
        assert (run.code, run.states) == (1, [])
        assert counts["failed"] + counts.get("waiting", 0) + counts.get("delivered", 0) == 5
        (line,) = run.errors
        assert REFUSED.get(fault, "run again") in line
        assert len(line) < 450
        if fault in REFUSED:
            assert trouble.hits <= 4  # tried once, by each call under way
    run = work.run(rows(5))
    assert run.states == [1]
    work.check_keys(IDS)
    assert work.sandbox.foreign.calls == []


@pytest.mark.parametrize("fault", [name for name in HITTING if name not in REFUSED])
def test_a_fault_that_passes(work: Import, fault: str) -> None:
    for after in (0, 2, 3):
        work.sandbox.faults.add(fault, kind="license", after=after, times=1, seconds=0)
    run = work.run(rows(5))
    assert (run.counts(), run.states) == ({"delivered": 5}, [1])
    work.check_keys(IDS)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"api_token": "wrong-token-1234"}, "Settings 'email' and 'api_token'"),
        ({"email": "nobody@private.example"}, "Settings 'email' and 'api_token'"),
        ({"email": credentials.OTHER_VENDOR_EMAIL}, "must belong to the vendor of the app in 'app_key'"),
        ({"email": credentials.UNAPPROVED_EMAIL}, "Atlassian must have approved that vendor"),
        ({"app_key": "com.sandbox.nothing"}, "Setting 'app_key'"),
        ({"app_key": "com/sandbox/../../nothing?x"}, "Setting 'app_key'"),
        ({"api_url": "http://127.0.0.1:9"}, "'api_url'"),
    ],
)
def test_what_cannot_succeed_stops_at_once_and_says_what_to_do(
    work: Import, settings: dict[str, str], says: str
) -> None:
    run = work.run(rows(5), code=1, **settings)
    assert says in run.errors[0]
    assert run.counts() == {"waiting": 4, "failed": 1}
    assert len(work.calls) <= 1
    assert run.states == []
    work.run(rows(5))
    work.check_keys(IDS)


def test_a_journal_of_calls_shows_each_retry(work: Import) -> None:
    work.sandbox.faults.add("503", kind="license")
    work.run(rows(1), code=1)
    assert len(work.calls) == 6


def test_a_record_that_the_service_refuses_is_kept_with_its_reason(work: Import) -> None:
    records = [row("OLD-1"), row("OLD-2", expertEmail="nobody@private.example"), row("OLD-3")]
    run = work.run(records, code=3)
    assert run.counts() == {"delivered": 2, "rejected": 1}
    assert run.states == [1]
    (kept,) = work.rejected
    assert (kept["key"], kept["record"]) == ("OLD-2", records[1])
    assert kept["reason"] == "HTTP 400: expertEmail does not belong to an Atlassian Solution Partner."
    assert "HTTP 400" in run.log
    assert "Solution Partner" not in run.log  # who knows what else a service quotes
    work.check_keys(["OLD-1", "OLD-3"])


def test_a_day_that_the_service_sees_otherwise_is_its_own_refusal(work: Import) -> None:
    """Midnight passes between the check and the call."""
    yesterday = (
        "import datetime as dt, target_atlassian_marketplace.validation as v\n"
        "real = dt.datetime.now(v._SYDNEY).date()\n"
        "check = v.check\n"
        "import target_atlassian_marketplace.importer as i, dataclasses\n"
        "i.check = lambda values, rules: check(values, dataclasses.replace(rules, "
        "today=lambda: real - dt.timedelta(days=1)))\n"
    )
    today = sydney_today().isoformat()
    run = work.run([row(startDate=today)], first=yesterday, allow_future_start=True, code=3)
    assert run.counts() == {"rejected": 1}
    assert "startDate" in work.rejected[0]["reason"]
    assert len(work.calls) == 1


OTHER_ID = """
import target_atlassian_marketplace.service as service
original = service.LicenseService._post
service.LicenseService._post = lambda self, *args: (200, {**original(self, *args)[1], "id": "OLD-9"})
"""


def test_a_licence_of_another_id_is_not_kept(work: Import) -> None:
    run = work.run(rows(2), first=OTHER_ID, code=1)
    assert "another id" in run.errors[0]
    assert work.results == work.unverified == []
    work.run(rows(2))
    work.check_keys(["OLD-1", "OLD-2"])


@pytest.mark.parametrize("body", [None, [], {"id": "OLD-1", "sen": "", "licenseKey": "x"}, {"id": "OLD-1", "sen": "S"}])
def test_an_answer_that_is_no_licence_stops_the_run(work: Import, body: object) -> None:
    first = OTHER_ID.replace('{**original(self, *args)[1], "id": "OLD-9"}', f"original(self, *args) and {body!r}")
    run = work.run(rows(2), first=first, code=1)
    assert "no licence" in run.errors[0]
    work.run(rows(2))
    work.check_keys(["OLD-1", "OLD-2"])
