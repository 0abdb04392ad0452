"""A list that changes while it is read loses no row, and no row that it merely passed over is told gone."""

from __future__ import annotations

import json

import pytest
import requests_mock
from tests.tap.every_other_field import row_of
from tests.tap.fake_marketplace import license_row, run, transaction_row

from tap_atlassian_marketplace.streams import BY_DEFAULT

FEEDBACK = "feedback/details"


def feedback(count):
    return [row_of(FEEDBACK, cloudId=f"site-{number}", date="2026-02-01") for number in range(count)]


def activated(output):
    return {message["stream"] for message in output.messages if message["type"] == "ACTIVATE_VERSION"}


def comes_twice(rows):
    """A row of a later page comes to the first place, so that one of the first page comes again, and itself not."""
    return lambda: rows.insert(0, rows.pop(70))


def comes_and_goes(rows, new):
    """A row of the first page goes while a new one comes, so that the first of the next page is passed over."""

    def change():
        del rows[3]
        rows.append(new)

    return change


@pytest.fixture
def fake(marketplace):
    """A Marketplace with 100 rows of each of some reports, in pages of 50."""
    made = marketplace([license_row(number) for number in range(100)], others={FEEDBACK: feedback(100)})
    made.rows["reviews"] = [{"id": f"review-{number}", "stars": 5} for number in range(100)]
    made.rows["app_versions"] = [{"buildNumber": number} for number in range(100)]
    made.rows["apps"] = [
        {"appKey": "com.example.one", "productId": "product-1"},
        *({"appKey": f"app-{number}", "productId": f"p-{number}"} for number in range(99)),
    ]
    return made


STREAMS = {"feedback": FEEDBACK, "reviews": "reviews", "app_versions": "app_versions", "apps": "apps"}
NEW = {
    "feedback": row_of(FEEDBACK, cloudId="new", date="2026-02-02"),
    "reviews": {"id": "new", "stars": 1},
    "app_versions": {"buildNumber": 1000},
    "apps": {"appKey": "new", "productId": "new"},
}


def read(fake, stream):
    if stream in ("reviews", "app_versions"):
        fake.rows["apps"] = []
    return run(streams=[stream])


@pytest.mark.parametrize("stream", STREAMS)
def test_a_row_that_comes_twice_hides_none(fake, stream):
    fake.changes = [comes_twice(fake.rows[STREAMS[stream]])]
    assert len(read(fake, stream).records(stream)) == 100
    assert not fake.changes


@pytest.mark.parametrize("stream", STREAMS)
def test_a_row_that_is_passed_over_is_not_told_gone(fake, stream, caplog):
    fake.changes = [comes_and_goes(fake.rows[STREAMS[stream]], NEW[stream])]
    with caplog.at_level("INFO"):
        output = read(fake, stream)
    assert not activated(output)
    assert f"{stream}: rows that are no longer there are not marked as such, since" in caplog.text
    assert activated(run(streams=[stream])) == {stream}, "the next run, of a list that stands still"


@pytest.mark.parametrize("stream", ["feedback", "apps"])
def test_where_nothing_is_told_gone_several_pages_are_read_once(fake, stream):
    report = STREAMS[stream]
    calls = "product-listing" if stream == "apps" else report

    def count(**settings):
        before = len(fake.mock.request_history)
        run(streams=[stream], **settings)
        return sum(calls in request.path for request in fake.mock.request_history[before:])

    fake.rows[report] = fake.rows[report][:50]
    single = count()
    fake.rows[report].append(NEW[stream])
    assert (single, count(), count(emit_activate_version_messages=False)) == (1, 4, 2)
    if stream == "feedback":
        assert count(start_date="2026-01-01") == 2


def test_feedback_is_read_twice_where_events_of_accounts_are_told_gone_by_it(fake):
    run(streams=["accounts", "account_events"])
    assert len([place for report, place in fake.pages if report == FEEDBACK]) == 4
    fake.pages.clear()
    run(streams=["accounts"])
    assert len([place for report, place in fake.pages if report == FEEDBACK]) == 2


@pytest.mark.parametrize("stream", ["reviews", "app_versions"])
def test_a_second_reading_that_lacks_rows_spoils_no_whole_one(fake, stream):
    later = []

    def lacks_rows(request):
        if "cursor=" not in request.url:
            return None
        later.append(request.url)
        nothing = {stream.removeprefix("app_"): [], "count": 100, "totalCount": 100}
        return requests_mock.create_response(request, json=nothing) if len(later) == 2 else None

    fake.mock.add_matcher(lacks_rows)
    output = read(fake, stream)
    assert len(output.records(stream)) == 100
    assert not activated(output)
    assert len(later) == 2


def test_a_list_in_place_of_an_export_tells_nothing_gone(fake, caplog):
    fake.only_lists = True
    fake.changes = [comes_and_goes(fake.rows["licenses"], license_row(100))]
    with caplog.at_level("INFO"):
        output = run(streams=BY_DEFAULT)
    assert "id-50" not in output.ids("licenses")
    assert "the list of licenses was read in several pages, between which its rows may have moved" in caplog.text
    assert output.bookmark("licenses") == "2026-02-01"
    assert not activated(output)
    fake.rows["licenses"] = fake.rows["licenses"][:50]
    with caplog.at_level("INFO"):
        output = run(streams=["licenses"])
    assert len(output.records("licenses")) == 50
    assert not activated(output), "nor does a single page, which need not tell how many there are"
    assert "since the list of licenses stands in for its export" in caplog.text


def test_a_list_of_licences_in_which_one_comes_twice_is_read_again(fake):
    fake.only_lists = True
    fake.changes = [comes_twice(fake.rows["licenses"])]
    assert len(run(streams=["licenses"]).records("licenses")) == 100


def test_rows_that_are_alike_are_believed_the_second_time(fake, caplog):
    fake.rows[FEEDBACK] = fake.rows[FEEDBACK][:60] + fake.rows[FEEDBACK][:1]
    output = run(streams=["feedback"])
    assert len(output.records("feedback")) == 60
    assert len(fake.pages) == 4
    assert activated(output) == {"feedback"}
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_an_export_in_which_a_row_comes_twice_is_started_again(marketplace):
    rows = [transaction_row(number, 1) for number in range(4)]
    fake = marketplace(transactions=rows)

    def content(report, row, parameters):
        fake.content = json.dumps([rows[0], *rows[:3]] if len(fake.starts) == 1 else rows).encode()
        return True

    fake.matches = content
    output = run(streams=["transactions"])
    assert output.ids("transactions") == ["IN-0", "IN-1", "IN-2", "IN-3"]
    assert len(fake.starts) == 2
    assert activated(output) == {"transactions"}


def test_rows_that_an_export_truly_has_twice_are_believed_of_the_second(marketplace):
    fake = marketplace([license_row(0), license_row(0), license_row(1)])
    assert run(streams=["licenses"]).ids("licenses") == ["id-0", "id-1"]
    assert len(fake.starts) == 3  # two of these days, and one of those before
    assert not [parameters for _, parameters in fake.pages if parameters["limit"] == ["50"]]
