from __future__ import annotations

import errno
import json
import os
import stat
import threading
import time
from datetime import datetime, timezone

import pytest
import requests_mock
from tests.tap.fake_marketplace import CONFIG, license_row, run, transaction_row

from marketplace_http import RetryPolicy
from tap_atlassian_marketplace import exports
from tap_atlassian_marketplace.client import MarketplaceClient
from tap_atlassian_marketplace.errors import CredentialsError, MarketplaceError, SpoolError
from tap_atlassian_marketplace.exports import Export, ExportRequest
from tap_atlassian_marketplace.settings import Settings

REQUEST = ExportRequest("licenses", (("startDate", "2018-07-01"),))


def client(**settings):
    return MarketplaceClient(Settings.from_config({**CONFIG, **settings}), retry=RetryPolicy(tries=2, base=0))


class Waiting(threading.Event):
    """An event that nobody sets, whose waiting takes no time but is noted."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def wait(self, timeout=None):
        self.waits.append(timeout)
        return False

    def clock(self):
        return sum(self.waits)


def fetch(path, timeout=1800.0):
    """Fetch the export; gives how long it waited, and whether rows may be missing."""
    waiting = Waiting()
    rows = Export(client(), REQUEST, timeout=timeout, stop=waiting, clock=waiting.clock).fetch(path)
    assert rows.path == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return waiting.waits, rows.doubt


def is_status(request):
    return request.path.endswith("/status")


def is_download(request):
    return "/async/export/" in request.path and not is_status(request)


def is_list(request):
    return request.method == "GET" and request.path.endswith("/licenses")


def test_polls_at_once_and_then_ever_more_rarely(marketplace, tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "_FIRST_WAIT", 0.25)
    fake = marketplace([license_row(1)])
    assert fetch(tmp_path / "a") == ([], None)
    fake.statuses = ["QUEUED"] + ["IN_PROGRESS"] * 14
    waits, _ = fetch(tmp_path / "b")
    assert waits[:4] == [0.25, 0.375, 0.5625, 0.84375]
    assert waits[-1] == max(waits) == 15.0


def test_a_state_is_understood_in_small_letters_too(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    fake.statuses = ["queued", "in_progress", "", "completed"]
    assert len(fetch(tmp_path / "a")[0]) == 3
    assert fake.statuses == []
    assert len(fake.starts) == 1


def test_links_of_the_answer_are_not_followed(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    fetch(tmp_path / "a")
    assert {request.hostname for request in fake.mock.request_history} == {"api.atlassian.com"}
    assert fake.started("licenses") == [{"accept": ["json"], "startDate": ["2018-07-01"]}]


def test_a_failed_export_is_started_again_after_a_while(marketplace, tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "_FIRST_RESTART_WAIT", 8.0)
    fake = marketplace([license_row(1)])
    fake.statuses = ["FAILED", "FAILED", "COMPLETED"]
    (first, second), _ = fetch(tmp_path / "a")
    assert 4 <= first <= 8 <= second <= 16
    assert len(fake.starts) == 3
    (asked,) = fake.pages
    assert asked[1]["limit"] == ["1"]


def test_a_list_that_is_out_of_order_does_not_spoil_a_whole_export(marketplace, tmp_path, caplog):
    fake = marketplace([license_row(1)])
    fake.mock.get(requests_mock.ANY, status_code=502, additional_matcher=is_list)
    assert fetch(tmp_path / "a")[1] is None
    assert len(json.loads((tmp_path / "a").read_text())) == 1
    assert len(fake.starts) == 1
    assert "How many rows the licenses export must have could not be asked" in caplog.text


def test_an_export_that_is_never_ready_is_an_error(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    fake.statuses = ["IN_PROGRESS"] * 300
    with pytest.raises(MarketplaceError, match=r"not ready after 20 seconds.*IN_PROGRESS.*`export_timeout`"):
        fetch(tmp_path / "a", timeout=20)
    assert fake.pages == []


def test_content_that_is_not_there_yet_is_asked_for_again(marketplace, tmp_path):
    fake = marketplace()
    not_ready = {"status_code": 404, "json": {"message": "Export is being processed"}}
    found = {"text": '[{"appEntitlementId": "id-1"}]'}
    fake.mock.get(requests_mock.ANY, [not_ready, not_ready, found], additional_matcher=is_download)
    fetch(tmp_path / "a")
    assert (tmp_path / "a").read_text() == found["text"]
    assert len(fake.starts) == 1


BROKEN = {
    "a failed export": lambda fake: fake.statuses.extend(["FAILED"] * 3),
    "an export the server forgets": lambda fake: fake.mock.get(
        requests_mock.ANY, status_code=404, additional_matcher=is_status
    ),
    "content that cannot be found": lambda fake: fake.mock.get(
        requests_mock.ANY, status_code=404, additional_matcher=is_download
    ),
    "a server out of order": lambda fake: fake.mock.get(
        requests_mock.ANY, status_code=502, additional_matcher=is_download
    ),
    "an array cut off": lambda fake: setattr(fake, "content", b'[{"appEntitlementId": "id-1"}'),
    "a row cut off": lambda fake: setattr(fake, "content", b'[{"appEntitlementId": "id'),
    "a page for people": lambda fake: setattr(fake, "content", b"<html>sign in</html>"),
    "an error instead": lambda fake: setattr(fake, "content", b'{"code": 401, "message": "no"}'),
    "a document of errors": lambda fake: setattr(fake, "content", b'{"errors": [{"message": "try later"}]}'),
    "an array of errors": lambda fake: setattr(fake, "content", json.dumps([{"message": "try later"}] * 120).encode()),
    "a state that nobody knows": lambda fake: fake.statuses.extend(["QUEUED", "CANCELLED", "ERROR", "failed"]),
    "nothing": lambda fake: setattr(fake, "content", b""),
    "an empty array": lambda fake: setattr(fake, "content", b"[]"),
    "an array without its last rows": lambda fake: setattr(fake, "content", b'[{"appEntitlementId": "id-1"}]'),
    "something after the array": lambda fake: setattr(fake, "content", b'[{"appEntitlementId": "id-1"}]]'),
    "a number instead of a row": lambda fake: setattr(fake, "content", b"[{}, 1]"),
    "text that is no UTF-8": lambda fake: setattr(fake, "content", b'[{"a": "\xff"}]'),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_export_that_stays_broken_is_read_page_by_page(marketplace, tmp_path, name, caplog):
    rows = [license_row(n) for n in range(120)]
    fake = marketplace(rows)
    BROKEN[name](fake)
    assert fetch(tmp_path / "a")[1] is None
    assert json.loads((tmp_path / "a").read_text()) == rows
    assert len(fake.starts) == 3
    assert caplog.text.count("page by page instead") == 1
    assert "person1@" not in caplog.text.lower()


@pytest.mark.parametrize("name", ["a failed export", "an array cut off", "an empty array"])
def test_an_export_that_breaks_once_is_started_again(marketplace, tmp_path, name):
    rows = [license_row(1)]
    fake = marketplace(rows)
    BROKEN[name](fake)
    fake.statuses = fake.statuses[:1]

    def whole_from_the_second_on(report, row, parameters):
        fake.content = None if len(fake.starts) > 1 else fake.content
        return True

    fake.matches = whole_from_the_second_on
    fetch(tmp_path / "a")
    assert json.loads((tmp_path / "a").read_text()) == rows
    assert len(fake.starts) == 2


def test_an_empty_export_is_believed_when_its_list_is_empty_too(marketplace, tmp_path):
    fake = marketplace()
    fetch(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "[]"
    assert len(fake.starts) == 1
    assert fake.pages == [("licenses", {"startDate": ["2018-07-01"], "limit": ["1"]})]


def test_a_start_that_keeps_failing_leads_to_the_list(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    failures = [{"status_code": status} for status in (408, 425, 500, 502, 503, 504)]
    for answer in (*failures, {"json": {"_links": {}}}, {"text": "<html>"}, {"text": "[" * 200_000}):
        fake.mock.post(requests_mock.ANY, **answer)
        fetch(tmp_path / "a")
        assert len(json.loads((tmp_path / "a").read_text())) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429])
def test_what_another_way_cannot_cure_is_not_tried(marketplace, tmp_path, status):
    fake = marketplace([license_row(1)])
    fake.mock.post(requests_mock.ANY, status_code=status)
    with pytest.raises(MarketplaceError, match=str(status)):
        fetch(tmp_path / "a")
    assert fake.pages == []


def test_when_the_list_fails_too_both_are_told(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    fake.statuses = ["FAILED"] * 3
    fake.mock.get(requests_mock.ANY, status_code=503, additional_matcher=lambda r: r.path.endswith("/licenses"))
    with pytest.raises(MarketplaceError, match=r"FAILED.*3 times.*page by page failed too.*503.*run again later"):
        fetch(tmp_path / "a")


def test_a_full_disk_names_the_setting(marketplace, tmp_path, monkeypatch):
    marketplace([license_row(1)])

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tap_atlassian_marketplace.row_file.os.open", full)
    with pytest.raises(SpoolError, match=r"`spool_dir`.*No space left.*make room"):
        fetch(tmp_path / "a")


def test_a_disk_that_is_full_when_the_list_is_read_names_the_setting(marketplace, tmp_path, monkeypatch):
    fake = marketplace([license_row(1)])
    fake.statuses = ["FAILED"] * 3

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tap_atlassian_marketplace.row_file.os.fdopen", full)
    with pytest.raises(SpoolError, match=r"`spool_dir`.*No space left.*make room"):
        fetch(tmp_path / "a")


def test_all_exports_of_a_run_start_before_the_first_is_ready(marketplace, monkeypatch):
    monkeypatch.setattr(exports, "_FIRST_WAIT", 0.01)
    fake = marketplace([license_row(1)], [transaction_row(1, 1)])
    fake.statuses = ["QUEUED"] * 20
    output = run(include_free_apps=True)
    calls = list(enumerate(fake.mock.request_history))
    posts = [number for number, request in calls if request.method == "POST"]
    downloads = [number for number, request in calls if is_download(request)]
    assert max(posts) < min(downloads)
    assert len(posts) == 5
    assert output.ids("transactions") == ["IN-1"]


def test_the_exports_that_a_run_needs(marketplace, hour_of_starts):
    hour_of_starts.seconds = datetime(2026, 4, 19, 13, tzinfo=timezone.utc).timestamp()
    fake = marketplace()
    run(include_free_apps=True, include_manual_invoices=False, include_atlassian_licenses=True)
    shared = {
        "dateType": ["start"],
        "includeAtlassianLicenses": ["true"],
        "cloudComplianceBoundaries": ["commercial", "fedramp_moderate", "isolated_cloud"],
        "accept": ["json"],
    }
    # No licence and no sale is of the days beyond, so that each start may ask for others of them.
    no_end = {"endDate": ["2029-04-19"]}
    new = {"startDate": ["2018-07-01"], "withDataInsights": ["true"], **no_end}
    old = {"startDate": ["2009-12-31"], "endDate": ["2018-06-30"]}
    expected = [
        {**shared, **window, "showLifeTimeFreeLicenses": [free]} for free in ("false", "true") for window in (new, old)
    ]
    assert sorted(map(str, (sorted(start.items()) for start in fake.started("licenses")))) == sorted(
        map(str, (sorted(start.items()) for start in expected))
    )
    assert fake.started("sales/transactions") == [
        {
            "includeManualInvoice": ["false"],
            "cloudComplianceBoundaries": shared["cloudComplianceBoundaries"],
            "accept": ["json"],
            **no_end,
        }
    ]
    asked = [parameters for report, parameters in fake.pages if report == "licenses"]
    assert {(each["startDate"][0], each.get("endDate", [""])[0]) for each in asked} == {
        ("2018-07-01", ""),
        ("2010-01-01", "2018-06-30"),
    }
    assert not [each for report, each in fake.pages if report == "sales/transactions" and "endDate" in each]


def test_only_what_the_selected_streams_need_is_exported(marketplace):
    fake = marketplace()
    run(streams=["contacts"])
    assert {report for report, _ in fake.starts} == {"licenses"}
    fake.starts.clear()
    run(streams=["transactions"])
    assert {report for report, _ in fake.starts} == {"sales/transactions"}


def test_no_more_calls_at_a_time_than_allowed(marketplace):
    fake = marketplace([license_row(n) for n in range(6)])
    under_way, most, lock = [0], [0], threading.Lock()

    def slow(report, row, parameters):
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.002)
        with lock:
            under_way[0] -= 1
        return True

    fake.matches = slow
    run(entitlement_numbers=[f"E-{n}" for n in range(6)], max_parallel_requests=1)
    assert most == [1]
    assert {thread.name for thread in threading.enumerate() if thread.name == "export"} == set()


@pytest.mark.parametrize("status", [400, 403, 404, 408, 413, 429, 502])
def test_a_list_that_cannot_be_asked_spoils_no_whole_export_but_tells_nothing_gone(marketplace, caplog, status):
    fake = marketplace([license_row(1), license_row(2)])
    fake.mock.get(requests_mock.ANY, status_code=status, additional_matcher=is_list)
    with caplog.at_level("INFO"):
        output = run(streams=["licenses"])
    assert output.ids("licenses") == ["id-1", "id-2"]
    assert output.bookmark("licenses") == "2026-02-01"
    assert not [message for message in output.messages if message["type"] == "ACTIVATE_VERSION"]
    assert "How many rows the licenses export must have could not be asked." in caplog.text
    assert "not marked as such, since how many rows licenses must have could not be asked" in caplog.text
    assert len(fake.starts) == 3  # that of the days before, which is empty, once more


@pytest.mark.parametrize("status", [401, 410])
def test_a_list_that_is_refused_ends_the_run(marketplace, status):
    fake = marketplace([license_row(1)])
    fake.mock.get(requests_mock.ANY, status_code=status, additional_matcher=is_list)
    with pytest.raises(CredentialsError, match=str(status)):
        run(streams=["licenses"])


@pytest.mark.parametrize(
    ("exported", "listed", "starts", "tells_gone"),
    [
        (3, 3, 1, True),
        (2, 3, 3, False),  # the list, of one page, has them all, as far as one can see
        (3, 2, 1, False),  # which rows these are nobody knows
        (1, 1, 1, True),
        (1, 9, 3, False),
        (0, 1, 3, False),
        (0, 0, 1, True),
    ],
)
def test_a_list_without_a_total_is_asked_whether_it_ends_where_the_export_does(
    marketplace, tmp_path, exported, listed, starts, tells_gone
):
    fake = marketplace([license_row(n) for n in range(listed)])
    fake.content, fake.totals = json.dumps([license_row(n) for n in range(exported)]).encode(), False
    rows = Export(client(), REQUEST, timeout=1800, stop=Waiting()).fetch(tmp_path / "a")
    assert len(rows.keys) == max(exported, listed)
    assert len(fake.starts) == starts
    assert rows.doubt is None
    assert (rows.gap is None) == tells_gone


def test_nothing_is_started_after_the_time_is_up(tmp_path):
    waiting = Waiting()

    def slow(_, answer):
        waiting.waits.append(1000)
        answer.status_code = 500

    request = ExportRequest("licenses", (), at_once=True, has_list=False)
    with requests_mock.Mocker() as mock:
        mock.get(requests_mock.ANY, text=slow)
        export = Export(client(), request, timeout=1800, stop=waiting, clock=waiting.clock)
        with pytest.raises(MarketplaceError, match="did not come within 1800 seconds"):
            export.fetch(tmp_path / "rows")
    assert mock.call_count == 2
