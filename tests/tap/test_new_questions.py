"""No export is asked for twice with the same parameters: the Marketplace may answer with that of the first time."""

from __future__ import annotations

import copy
import re
from datetime import datetime, timezone

import pytest
from tests.tap.fake_marketplace import license_row, run, transaction_row

from tap_atlassian_marketplace.errors import StreamsFailedError
from tap_atlassian_marketplace.free_bounds import STARTS, FreeBound

server = pytest.importorskip("marketplace_sandbox.server", reason="the sandbox is not installed")

HOUR, DAY = 3600.0, 86400.0
STARTED = {
    "licenses": "/licenses/async/",
    "transactions": "/sales/transactions/async/",
    "quotes": "/quotes/async/",
    "marketing_attribution": "/marketing-attribution/async/",
}
CUSTOMERS = ("accounts", "people", "account_events", "mrr_segments")
BOUNDS = {"end": FreeBound("endDate"), "beginning": FreeBound("startDate", before="2010-01-01")}


def day(bound, attempt, now):
    ((_, day),) = bound.moved([], attempt, now)
    return day


@pytest.mark.parametrize("bound", BOUNDS.values(), ids=BOUNDS)
def test_no_day_is_asked_for_again_for_35_days(bound):
    begun = datetime(2026, 11, 26, tzinfo=timezone.utc).timestamp()
    asked = [day(bound, attempt, begun + hour * HOUR) for hour in range(35 * 24) for attempt in range(STARTS)]
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("bound", BOUNDS.values(), ids=BOUNDS)
def test_nightly_runs_ask_first_for_another_day_for_seven_years(bound):
    begun = datetime(2026, 11, 26, 2, 30, tzinfo=timezone.utc).timestamp()
    asked = [day(bound, 0, begun + night * DAY) for night in range(7 * 365)]
    assert len(set(asked)) == len(asked)


def test_no_day_excludes_a_row_or_is_further_off_than_ten_years():
    for hour in range(0, 100 * 365 * 24, 1013):
        today = datetime.fromtimestamp(hour * HOUR, timezone.utc).date()
        for attempt in range(STARTS):
            years = (datetime.fromisoformat(day(BOUNDS["end"], attempt, hour * HOUR)).date() - today).days / 365.25
            assert 3 <= years <= 10
            assert "2003-01-01" <= day(BOUNDS["beginning"], attempt, hour * HOUR) < "2010-01-01"


def test_the_other_parameters_stay_as_they_are():
    given = [("startDate", "2010-01-01"), ("hosting", "cloud"), ("hosting", "server"), ("endDate", "2018-06-30")]
    moved = BOUNDS["beginning"].moved(given, 0, 0)
    assert moved == [*given[1:], ("startDate", "2009-12-31")]


@pytest.mark.parametrize(
    ("report", "stream", "parameter"),
    [
        ("licenses", "licenses", "endDate"),
        ("licenses", "licenses", "startDate"),
        ("sales/transactions", "transactions", "endDate"),
        ("quotes", "quotes", "createdEndDate"),
    ],
)
def test_each_start_is_another_question_and_the_list_always_the_same(marketplace, report, stream, parameter):
    begins = "2015-01-01" if parameter == "startDate" else "2026-01-01"
    row = {"quoteId": "1", "quoteCreatedDate": "2026-01-01"}
    others = {"quotes": [row]}
    fake = marketplace([license_row(1, maintenanceStartDate=begins)], [transaction_row(1, 1)], others=others)
    fake.only_lists = True
    assert len(run(streams=[stream]).records(stream)) == 1
    has_bound = "withDataInsights" if parameter == "endDate" and report == "licenses" else parameter
    ours = [start for start in fake.started(report) if has_bound in start]
    if parameter == "startDate":
        ours = [start for start in ours if "withDataInsights" not in start]
    assert len({start[parameter][0] for start in ours}) == len(ours) == STARTS
    asked = {str(sorted(page.items())) for name, page in fake.pages if name == report}
    assert not [start[parameter][0] for start in ours if start[parameter][0] in str(asked)]


def refuse_days_to_come(fake):
    """Let the Marketplace take no last day that is far ahead."""

    def is_far(request):
        return request.qs.get("enddate", [""])[0] > "2028"

    refusal = {"errors": [{"message": "endDate is too far ahead", "path": "endDate"}]}
    fake.mock.post(re.compile("/licenses/async/export"), status_code=400, json=refusal, additional_matcher=is_far)


def test_a_day_that_the_marketplace_does_not_take_is_left_out(marketplace, caplog):
    refuse_days_to_come(marketplace([license_row(1)]))
    assert len(run(streams=["licenses"]).records("licenses")) == 1
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any("asked once more without the day that makes each question a new one" in each for each in warnings)


def test_a_refusal_of_the_plain_question_ends_the_stream(marketplace):
    fake = marketplace([license_row(1)])
    refusal = {"errors": [{"message": "no such app", "path": "addon"}]}
    fake.mock.post(re.compile("/licenses/async/export"), status_code=400, json=refusal)
    with pytest.raises(StreamsFailedError, match="rejected a parameter"):
        run(streams=["licenses"])


@pytest.fixture
def sandbox():
    """A sandbox that answers an export's old question with the old export."""
    with server.running(customers=5, faults=["export-reused"]) as running:
        yield running


@pytest.fixture
def records(sandbox, config):
    """Run the tap; gives the output and its records as text, by stream."""

    def read(state=None, *, streams):
        output = run(copy.deepcopy(state), streams=streams, **config)
        return output, {name: sorted(map(str, output.records(name))) for name in streams}

    return read


def fresh(sandbox, records, state, streams):
    """What a run gives that can get no old export."""
    sandbox.faults.clear()
    return records(state, streams=streams)[1]


@pytest.mark.parametrize(
    ("streams", "refresh"),
    [(tuple(STARTED), False), (tuple(STARTED), True), (CUSTOMERS, True)],
    ids=["what is new", "everything", "customers"],
)
def test_the_next_run_sees_what_has_changed(sandbox, records, hour_of_starts, caplog, streams, refresh):
    first, before = records(streams=streams)
    sandbox.world.step(40)
    state = None if refresh else first.state
    hour_of_starts.seconds += HOUR
    after = records(state, streams=streams)[1]
    hour_of_starts.seconds += HOUR
    assert "page by page" not in caplog.text
    assert after == fresh(sandbox, records, state, streams)
    assert {name for name in streams if after[name] == before[name]} == set()


def test_in_the_same_hour_the_question_is_the_same_and_so_is_the_answer(sandbox, records, hour_of_starts):
    """Where a list counts the rows, what is old is seen by that."""
    _, before = records(streams=("marketing_attribution",))
    sandbox.world.step(40)
    assert records(streams=("marketing_attribution",))[1] == before


@pytest.mark.parametrize("stream", ["licenses", "transactions"])
def test_the_next_run_sees_what_has_changed_though_the_list_counts_as_many_rows(
    sandbox, records, hour_of_starts, stream
):
    records(streams=(stream,))
    for row in getattr(sandbox.world, stream):
        row["invented"] = "since"
    hour_of_starts.seconds += HOUR
    assert all("since" in row for row in records(streams=(stream,))[1][stream])


def test_a_restart_does_not_get_the_export_that_lacks_rows(sandbox, records, hour_of_starts, caplog):
    streams = ("licenses", "contacts", "transactions", "quotes")
    _, before = records(streams=streams)
    sandbox.world.step(40)
    after = records(streams=streams)[1]  # in the same hour, so that the first start gets the old export
    assert "page by page" not in caplog.text
    hour_of_starts.seconds += HOUR
    assert after == fresh(sandbox, records, None, streams)
    assert all(len(after[name]) > len(before[name]) for name in streams)


@pytest.mark.parametrize("stream", STARTED)
def test_a_restart_does_not_get_the_export_that_failed(sandbox, records, hour_of_starts, caplog, stream):
    expected = fresh(sandbox, records, None, (stream,))
    hour_of_starts.seconds += HOUR
    failed = sandbox.faults.add("export-failed", path=STARTED[stream], times=1)
    reused = sandbox.faults.add("export-reused", path=STARTED[stream])
    assert records(streams=(stream,))[1] == expected
    assert failed.hits == 1
    assert reused.hits >= 1
    assert "page by page" not in caplog.text
