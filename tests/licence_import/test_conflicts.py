"""A key is handed out only where this import made the licence: never another customer's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from tests.licence_import.rows import row, rows, sent
from tests.licence_import.runs import killed_at

from marketplace_sandbox import credentials
from marketplace_sandbox.world.apps import TIMESHEETS

if TYPE_CHECKING:
    from tests.licence_import.runs import Import

OTHER = row("OLD-2", email="eve@other.example", users="500")


@pytest.fixture
def taken(work: Import) -> Import:
    """Somebody imported the second licence by hand, for another customer."""
    url = f"{work.sandbox.license_service_url}/rest/1.0/plugins/{TIMESHEETS}/license"
    auth = (credentials.VENDOR_EMAIL, credentials.API_TOKEN)
    assert requests.post(url, json=sent(OTHER), auth=auth, timeout=10).status_code == 200
    work.calls.clear()
    return work


def check_apart(work: Import) -> None:
    licence = work.sandbox.license_service.licenses[TIMESHEETS, "OLD-2"]
    (line,) = work.unverified
    assert (line["id"], line["licenseKey"]) == ("OLD-2", licence.license_key)
    assert (line["status"], line["http_status"]) == ("already_imported", 409)
    assert {line["id"] for line in work.results} == {"OLD-1", "OLD-3"}


def test_a_licence_of_unknown_origin_is_kept_apart(taken: Import) -> None:
    run = taken.run(rows(3))
    assert run.counts() == {"delivered": 2, "already imported": 1}
    assert run.states == [1]
    assert "license-results.unverified.jsonl" in run.log
    check_apart(taken)
    taken.calls.clear()
    assert taken.run(rows(3)).counts() == {"unchanged": 2, "already imported": 1}
    assert taken.calls == []


def test_it_stays_so_when_the_file_of_the_unverified_is_cleared(taken: Import) -> None:
    taken.run(rows(3))
    (taken.folder / "license-results.unverified.jsonl").unlink()
    assert taken.run(rows(3)).counts() == {"unchanged": 2, "already imported": 1}
    check_apart(taken)


def test_it_comes_among_the_deliverable_by_a_decision_only(taken: Import) -> None:
    """Neither by a setting that names the other file, nor by one file added to the other."""
    taken.run(rows(3))
    run = taken.run(rows(3), results_path="license-results.unverified.jsonl", code=1)
    assert "line 1 of" in run.errors[0]
    assert "did not make" in run.errors[0]
    apart = (taken.folder / "license-results.unverified.jsonl").read_text()
    results = taken.folder / "license-results.jsonl"
    own = results.read_text()
    results.write_text(own + apart)
    assert "line 3 of" in taken.run(rows(3), code=1).errors[0]
    results.write_text(own + apart.replace('"status":"already_imported"', '"status":"imported"'))
    taken.calls.clear()
    assert taken.run(rows(3)).counts() == {"unchanged": 3}
    assert taken.calls == []


@pytest.mark.parametrize("fault", ["401", "403", "410", "redirect", "429-plain"])
def test_a_refused_call_made_no_licence(taken: Import, fault: str) -> None:
    """Otherwise the next run would take the licence that it finds for one whose answer was lost."""
    taken.sandbox.faults.add(fault, kind="license", times=6 if fault.startswith("429") else 1, after=1)
    taken.run([row("OLD-1")])
    taken.run(rows(2), code=1)
    taken.sandbox.faults.clear()
    taken.run(rows(3))
    check_apart(taken)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://nowhere.invalid"])
def test_a_connection_that_was_never_made_made_no_licence(taken: Import, url: str) -> None:
    taken.run(rows(3), api_url=url, code=1)
    assert (taken.folder / "license-results.attempts.jsonl").exists()
    (taken.folder / "license-results.attempts.jsonl").rename(taken.folder / "seen")
    lines = taken.file("seen")
    assert [line["id"] for line in lines] == ["OLD-1"] * 2
    assert lines[1]["withdrawn"] is True


def test_a_refused_record_made_no_licence(taken: Import) -> None:
    partner = {"expertEmail": "nobody@acme.example"}
    taken.run([row("OLD-2", **partner)], code=3)
    taken.run([row("OLD-1"), row("OLD-2"), row("OLD-3")])
    check_apart(taken)


@pytest.mark.parametrize("fault", ["cut-body", "cut-body-chunked"])
def test_a_conflict_that_breaks_off_is_a_conflict(taken: Import, fault: str) -> None:
    taken.run([row("OLD-1")])
    trouble = taken.sandbox.faults.add(fault, kind="license", times=1)
    taken.run(rows(3))
    assert trouble.hits == 1
    check_apart(taken)


def test_a_conflict_without_its_licence_stops_the_run(taken: Import) -> None:
    taken.run([row("OLD-1")])
    taken.sandbox.faults.add("cut-body", kind="license", times=3)
    assert taken.run(rows(2), code=1).counts() == {"unchanged": 1, "failed": 1}
    taken.sandbox.faults.clear()
    taken.run(rows(3))
    check_apart(taken)


def test_killed_before_the_licence_of_another_was_kept_apart(taken: Import) -> None:
    one_by_one = "import target_atlassian_marketplace.target as target; target._PARALLEL = 1\n"  # so the second is it
    assert taken.start(rows(3), first=one_by_one + killed_at("results", "Results.keep", 2)).wait() == -9
    taken.run(rows(3))
    check_apart(taken)


def test_other_data_than_were_sent_when_the_answer_was_lost(work: Import) -> None:
    """The customer's key, perhaps: but who knows what it is for?"""
    assert work.start([row(users="5")], first=killed_at("results", "Results.keep")).wait() == -9
    assert work.run([row(users="50")]).counts() == {"already imported": 1}
    assert work.results == []
    assert [line["id"] for line in work.unverified] == ["OLD-1"]
