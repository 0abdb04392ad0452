from __future__ import annotations

import errno
import json
import os
import stat
import threading
import time

import pytest
import requests_mock
from tests.tap.fake_marketplace import CONFIG, license_row, run, transaction_row

from marketplace_http import RetryPolicy
from tap_atlassian_marketplace import exports
from tap_atlassian_marketplace.client import MarketplaceClient
from tap_atlassian_marketplace.errors import MarketplaceError, SpoolError
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
    found = {"text": '[{"a": 1}]'}
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
    for answer in ({"status_code": 502}, {"json": {"_links": {}}}, {"text": "<html>"}):
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


def test_the_exports_that_a_run_needs(marketplace):
    fake = marketplace()
    run(include_free_apps=True, include_manual_invoices=False, include_atlassian_licenses=True)
    shared = {
        "dateType": ["start"],
        "includeAtlassianLicenses": ["true"],
        "cloudComplianceBoundaries": ["commercial", "fedramp_moderate", "isolated_cloud"],
        "accept": ["json"],
    }
    new = {"startDate": ["2018-07-01"], "withDataInsights": ["true"]}
    old = {"startDate": ["2010-01-01"], "endDate": ["2018-06-30"]}
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
        }
    ]


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
