from __future__ import annotations

import stat
import threading
import time

import pytest
import requests_mock
from tests.tap.fake_marketplace import CONFIG, license_row, run, transaction_row

from marketplace_http import RetryPolicy
from tap_atlassian_marketplace import exports
from tap_atlassian_marketplace.client import MarketplaceClient
from tap_atlassian_marketplace.errors import MarketplaceError, SettingError
from tap_atlassian_marketplace.exports import Export, ExportRequest
from tap_atlassian_marketplace.settings import Settings
from tap_atlassian_marketplace.spool import Spool
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

REQUEST = ExportRequest("licenses", (("accept", "json"), ("startDate", "2018-07-01")))


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
    waiting = Waiting()
    export = Export(client(), REQUEST, timeout=timeout, stop=waiting, clock=waiting.clock)
    try:
        export.fetch(path)
    finally:
        waiting.seen = waiting.waits
    return waiting.waits


def test_polls_at_once_and_then_ever_more_rarely(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    assert fetch(tmp_path / "a") == []
    fake.statuses = ["QUEUED"] + ["IN_PROGRESS"] * 14
    waits = fetch(tmp_path / "b")
    assert waits[:4] == [0.25, 0.375, 0.5625, 0.84375]
    assert waits[-1] == max(waits) == 15.0


def test_links_of_the_answer_are_not_followed(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    fetch(tmp_path / "a")
    assert {request.hostname for request in fake.mock.request_history} == {"api.atlassian.com"}
    assert fake.started("licenses") == [{"accept": ["json"], "startDate": ["2018-07-01"]}]


def test_a_failed_export_is_started_again(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    fake.statuses = ["FAILED", "IN_PROGRESS", "FAILED", "COMPLETED"]
    fetch(tmp_path / "a")
    assert len(fake.starts) == 3


def test_an_export_that_keeps_failing_is_an_error(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    fake.statuses = ["FAILED"] * 3
    with pytest.raises(MarketplaceError, match=r"FAILED 3 times.*[Rr]un again later"):
        fetch(tmp_path / "a")
    assert len(fake.starts) == 3


def test_an_export_that_is_never_ready_is_an_error(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    fake.statuses = ["IN_PROGRESS"] * 100
    with pytest.raises(MarketplaceError, match=r"not ready after 20 seconds.*IN_PROGRESS.*`export_timeout`"):
        fetch(tmp_path / "a", timeout=20)


def test_content_that_is_not_there_yet_is_asked_for_again(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    not_ready = {"status_code": 404, "json": {"message": "Export is being processed"}}
    fake.mock.get(requests_mock.ANY, [not_ready, not_ready, {"text": "[]"}], additional_matcher=is_download)
    fetch(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "[]"
    fake.mock.get(requests_mock.ANY, [not_ready] * 9, additional_matcher=is_download)
    with pytest.raises(MarketplaceError, match="content cannot be found"):
        fetch(tmp_path / "a")


def test_an_export_that_the_server_forgets_is_an_error(marketplace, tmp_path):
    fake = marketplace([license_row(1)])
    fake.mock.get(requests_mock.ANY, status_code=404, additional_matcher=lambda r: r.path.endswith("/status"))
    with pytest.raises(MarketplaceError, match="does not know the licenses export"):
        fetch(tmp_path / "a")


def is_download(request):
    return "/async/export/" in request.path and not request.path.endswith("/status")


@pytest.mark.parametrize("content", [b'[{"addonLicenseId": "1"}', b"<html>", b'{"code": 401}', b""])
def test_unreadable_content_is_an_error(marketplace, content):
    fake = marketplace()
    fake.content = content
    with pytest.raises(MarketplaceError, match=r"cut off|not readable"):
        run()


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


def test_exports_are_private_and_vanish(marketplace, tmp_path):
    marketplace([license_row(1)])
    directory = tmp_path / "spool"
    settings = Settings.from_config({**CONFIG, "spool_dir": str(directory)})
    spool = Spool(client(), settings)
    spool.start([REQUEST])
    path = spool.file(REQUEST)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.parent.parent == directory
    spool.close()
    assert list(directory.iterdir()) == []


def test_the_spool_of_a_run_vanishes_with_it(marketplace, tmp_path):
    marketplace([license_row(1)])
    tap = TapAtlassianMarketplace(config={**CONFIG, "spool_dir": str(tmp_path)})
    tap.sync_all()
    assert len(list(tmp_path.glob("*/*.json"))) == 3
    tap.reports._spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_spool_that_cannot_be_made_names_the_setting(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="`spool_dir`"):
        Spool(client(), Settings.from_config({**CONFIG, "spool_dir": str(tmp_path / "file")}))


def test_an_error_of_one_export_stops_the_others(marketplace, tmp_path):
    fake = marketplace()
    fake.statuses = ["FAILED"] * 3
    spool = Spool(client(), Settings.from_config({**CONFIG, "spool_dir": str(tmp_path), "max_parallel_requests": 1}))
    other = ExportRequest("licenses", (("startDate", "2010-01-01"),))
    spool.start([REQUEST, other])
    with pytest.raises(MarketplaceError, match="FAILED"):
        spool.file(REQUEST)
    spool.close()
