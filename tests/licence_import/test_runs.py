"""What a run sends, keeps and says, and that it can be repeated at any time."""

from __future__ import annotations

import datetime as dt
import json
import stat
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from tests.licence_import.rows import FIELDS, STREAM, as_csv, lines, messages, row, rows, sent, sydney_today, tap_csv

from marketplace_sandbox.world.apps import FORMS, TIMESHEETS

if TYPE_CHECKING:
    from tests.licence_import.runs import Import

ALL_FIELDS = {
    "address1": "Long Street 17",
    "address2": "Rear, 2nd floor",
    "city": "Ulm",
    "state": "BW",
    "postcode": "02134",
    "expertEmail": "sales@tooling-house-sbx.com",
}


def test_a_list_becomes_licences(work: Import) -> None:
    records = [row("OLD-1", **ALL_FIELDS, colour="green"), row("OLD-2", users="-1", licenseType="ACADEMIC", city="")]
    run = work.run(text=tap_csv(as_csv(records)))
    assert run.counts() == {"delivered": 2}
    assert run.states == [{"bookmarks": {STREAM: {}}}]
    assert list(work.bodies["OLD-1"]) == list(FIELDS)
    expected = {name: value for name, value in records[0].items() if name != "colour"}
    assert work.bodies == {"OLD-1": sent(expected), "OLD-2": sent(row("OLD-2", users="-1", licenseType="ACADEMIC"))}
    assert "colour" in run.log
    work.check_keys(["OLD-1", "OLD-2"])
    assert [(call["method"], call["path"]) for call in work.calls] == [
        ("POST", f"/license-service/rest/1.0/plugins/{TIMESHEETS}/license")
    ] * 2


def test_a_result_tells_what_it_is_of(work: Import) -> None:
    before = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
    work.run([row()])
    (line,) = work.results
    licence = work.sandbox.license_service.licenses[TIMESHEETS, "OLD-1"]
    request = json.dumps(sent(row()), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert before <= dt.datetime.fromisoformat(line.pop("time")) <= dt.datetime.now(dt.timezone.utc)
    assert line == {
        "id": "OLD-1",
        "sen": licence.sen,
        "licenseKey": licence.license_key,
        "app_key": TIMESHEETS,
        "host": work.sandbox.url.removeprefix("http://"),
        "status": "imported",
        "http_status": 200,
        "request": sha256(request.encode()).hexdigest(),
    }
    for path in work.folder.glob("license-*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_second_run_asks_for_nothing(work: Import) -> None:
    work.run(rows(6))
    before = work.results
    work.calls.clear()
    run = work.run(rows(7))
    assert run.counts() == {"delivered": 1, "unchanged": 6}
    assert [call["body"]["id"] for call in work.calls] == ["OLD-7"]
    assert work.results[:6] == before
    work.check_keys(f"OLD-{number}" for number in range(1, 8))


def test_what_was_imported_stays_so_when_the_rules_have_changed(work: Import) -> None:
    """A start in the future comes to lie within the last 30 days, a country is sold to no more."""
    start = sydney_today() + dt.timedelta(days=10)
    records = [row("OLD-1", startDate=start.isoformat()), row("OLD-2")]
    work.run(records, allow_future_start=True)
    run = work.run(records, country_codes="US")
    assert (run.counts(), run.states) == ({"unchanged": 2}, [1])
    assert work.rejected == []


def test_changed_data_is_named_and_not_sent(work: Import) -> None:
    work.run(rows(2))
    work.calls.clear()
    run = work.run([row("OLD-1", users="50"), row("OLD-2")])
    assert run.counts() == {"unchanged": 2}
    assert work.calls == []
    # On Python 3.10 the SDK warns that it reached its end of life.
    (warning,) = run.warnings
    assert "'OLD-1'" in warning
    assert "differs" in warning


def test_changed_data_that_breaks_a_rule_is_rejected(work: Import) -> None:
    work.run([row()])
    assert work.run([row(users="none")], code=3).counts() == {"rejected": 1}


def test_a_faulty_field_that_came_to_it_is_a_change(work: Import) -> None:
    """What was imported had none; taken away, the record would look as it was."""
    work.run([row("OLD-1"), row("OLD-2")])
    run = work.run([row("OLD-1", expertEmail="nobody"), row("OLD-2")], code=3)
    assert run.counts() == {"unchanged": 1, "rejected": 1}
    assert [(kept["key"], kept["reason"].partition(":")[0]) for kept in work.rejected] == [("OLD-1", "expertEmail")]


def test_an_invalid_record_is_kept_with_all_its_problems(work: Import) -> None:
    bad = row("OLD-2", email="jane", isoCountryCode="USA", users="0", lastName=None, endDate="2020-01-31")
    run = work.run([row("OLD-1"), bad, row("OLD-3")], code=3)
    assert run.counts() == {"delivered": 2, "rejected": 1}
    assert run.states == [1]
    (kept,) = work.rejected
    assert (kept["stream"], kept["key"], kept["record"]) == (STREAM, "OLD-2", bad)
    assert [problem.partition(":")[0] for problem in kept["reason"].split("; ")] == [
        *("email", "lastName", "isoCountryCode", "users", "endDate")
    ]
    work.check_keys(["OLD-1", "OLD-3"])


def test_an_id_that_occurs_twice_is_held_back_in_each_place(work: Import) -> None:
    records = [row("OLD-1"), row("OLD-2"), row("OLD-1", users="5"), row("OLD-3"), row("OLD-1")]
    run = work.run(records, code=3)
    assert run.counts() == {"delivered": 2, "rejected": 3}
    assert [kept["reason"] for kept in work.rejected] == [
        "id: it occurs 3 times in the input, in the records 1, 3, 5"
    ] * 3
    work.check_keys(["OLD-2", "OLD-3"])


@pytest.mark.parametrize(("percent", "code"), [(0, 3), (49, 3), (50, 0), (100, 0)])
def test_the_exit_code_tells_of_too_many_rejected(work: Import, percent: float, code: int) -> None:
    run = work.run([row("OLD-1"), row("OLD-2", users="")], max_rejected_percent=percent, code=code)
    assert run.states == [1]


def test_a_trial_asks_for_few_and_passes_no_state(work: Import) -> None:
    run = work.run([row("OLD-0", users="x"), *rows(4)], max_records=2, max_rejected_percent=100)
    assert run.counts() == {"delivered": 2, "rejected": 1, "waiting": 2}
    assert run.states == []
    assert len(work.calls) == 2
    run = work.run(rows(4), max_records=2)
    assert (run.counts(), run.states) == ({"delivered": 2, "unchanged": 2}, [1])
    work.check_keys(f"OLD-{number}" for number in range(1, 5))


def test_a_dry_run_shows_everything_and_sends_nothing(work: Import) -> None:
    records = [row("OLD-1", **ALL_FIELDS), row("OLD-2", users="x", email="y"), row("OLD-3")]
    run = work.run(records, dry_run=True, api_token="none yet", code=3)
    assert run.counts() == {"delivered": 2, "rejected": 1}
    assert (run.states, work.calls) == ([], [])
    assert {path.name for path in work.folder.iterdir()} == {
        *("config.json", "in", "out", "log", "license-results.dry-run.jsonl")
    }
    shown = work.file("license-results.dry-run.jsonl")
    assert [(line["record"], line["would"]) for line in shown] == [(1, "send"), (2, "reject"), (3, "send")]
    assert shown[0]["request"] == {
        "id": "OLD-1",
        "email": "j***.o***-1***@p***.e***",
        "firstName": "J***",
        "lastName": "Q***",
        "organisationName": "Q*** L***",
        "isoCountryCode": "DE",
        "startDate": "2020-01-31",
        "endDate": "2030-01-31",
        "licenseType": "COMMERCIAL",
        "users": 25,
        "address1": "L*** S*** 1***",
        "address2": "R***, 2*** f***",
        "city": "U***",
        "state": "B***",
        "postcode": "0***",
        "expertEmail": "s***@t***-h***-s***.c***",
    }
    assert [problem.partition(":")[0] for problem in shown[1]["problems"]] == ["email", "users"]
    mode = (work.folder / "license-results.dry-run.jsonl").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_dry_run_knows_what_was_imported(work: Import) -> None:
    work.run(rows(1))
    before = {path.name: path.read_bytes() for path in work.folder.glob("license-*")}
    assert work.run(rows(2), dry_run=True).counts() == {"delivered": 1, "unchanged": 1}
    (work.folder / "license-results.dry-run.jsonl").unlink()
    assert {path.name: path.read_bytes() for path in work.folder.glob("license-*")} == before


def test_other_streams_are_skipped_and_named(work: Import) -> None:
    text = lines([*messages(rows(1), stream="licenses", state=None), *messages(rows(2))])
    run = work.run(text=text)
    assert run.counts("licenses") == {"skipped": 1}
    assert run.counts() == {"delivered": 2}
    assert run.states == [1]
    assert "'licenses' is skipped" in run.log


def test_nothing_to_read_is_no_error(work: Import) -> None:
    assert work.run(text="").states == []
    assert work.run([]).states == [1]


def test_apps_share_a_file_and_have_ids_of_their_own(work: Import) -> None:
    work.run(rows(2))
    assert work.run(rows(2), app_key=FORMS).counts() == {"delivered": 2}
    assert {(line["app_key"], line["id"]) for line in work.results} == set(work.sandbox.license_service.licenses)
    assert work.run(rows(2)).counts() == {"unchanged": 2}


def test_keys_of_a_trial_service_are_not_taken_for_real_ones(work: Import) -> None:
    work.run(rows(2))
    run = work.run(rows(2), api_url="https://marketplace.atlassian.com", code=1)
    assert "'results_path'" in run.errors[0]
    assert "'marketplace.atlassian.com'" in run.errors[0]


@pytest.mark.parametrize("names", [str.upper, str.lower, lambda name: f"_{name}", lambda name: name.replace("C", "_C")])
def test_columns_may_be_spelt_as_databases_do(work: Import, names: Any) -> None:
    work.run(text=lines([*messages([{names(name): value for name, value in row().items()}])]).replace('["id"]', "[]"))
    assert work.bodies == {"OLD-1": sent(row())}


def test_two_columns_for_one_field_are_a_problem(work: Import) -> None:
    work.run([{**row(), "first_name": "Joan"}, {**row("OLD-2"), "first_name": ""}], code=3)
    assert work.rejected[0]["reason"].startswith("firstName: the columns firstName and first_name")
    work.check_keys(["OLD-2"])


def test_a_few_calls_are_in_flight_at_one_time(work: Import) -> None:
    work.sandbox.gates.hold("before-store", kind="license", times=None, after=1)
    process = work.start(rows(8))
    work.sandbox.gates.wait(20, calls=4)
    assert len(work.sandbox.gates.held()) == 4
    work.sandbox.gates.clear()
    assert work.end(process).counts() == {"delivered": 8}


def test_the_first_call_goes_alone(work: Import) -> None:
    run = work.run(rows(8), api_token="wrong-token", code=1)
    assert len(work.calls) == 1
    assert run.counts() == {"waiting": 7, "failed": 1}
