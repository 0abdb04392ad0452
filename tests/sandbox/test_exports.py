"""Asynchronous exports: start, poll, download, and what goes wrong on request."""

import pytest
import requests

from marketplace_sandbox import credentials
from marketplace_sandbox.marketplace.exports import EXPORT_FAILED, EXPORT_NEVER_READY, EXPORT_REUSED
from marketplace_sandbox.server import running

REPORTS = f"/rest/3/reporting/developer-space/{credentials.DEVELOPER_ID}"
BOTH = ["licenses", "sales/transactions"]


class Exporter:
    def __init__(self, sandbox, report):
        self._base = f"{sandbox.marketplace_url}{REPORTS}/{report}/async/export"

    def call(self, method, path="", **params):
        auth = (credentials.VENDOR_EMAIL, credentials.API_TOKEN)
        return requests.request(method, self._base + path, params=params, auth=auth, timeout=10)

    def start(self, **params):
        response = self.call("POST", **params)
        assert response.status_code == 200, response.text
        return response.json()["export"]["id"]

    def status(self, export):
        return self.call("GET", f"/{export}/status").json()["export"]["status"]

    def download(self, export):
        return self.call("GET", f"/{export}")


@pytest.mark.parametrize("report", BOTH)
def test_an_export_is_404_until_a_poll_says_completed(fresh, report):
    exporter = Exporter(fresh, report)
    export = exporter.start()
    early = exporter.download(export)
    assert (early.status_code, early.json()["errors"][0]["detail"]) == (404, "Export is being processed")
    assert exporter.status(export) == "COMPLETED"
    rows = exporter.download(export).json()
    assert isinstance(rows, list)
    assert len(rows) > 50


def test_polls_pass_from_queued_over_in_progress_to_completed():
    with running(polls_until_ready=4) as sandbox:
        exporter = Exporter(sandbox, "licenses")
        export = exporter.start()
        assert exporter.download(export).status_code == 404
        states = [exporter.status(export) for _ in range(5)]
    assert states == ["QUEUED", "IN_PROGRESS", "IN_PROGRESS", "COMPLETED", "COMPLETED"]


def test_links_are_given_without_the_version(fresh):
    links = Exporter(fresh, "licenses").call("POST", status="active").json()["_links"]
    assert all(link["href"].startswith("/reporting/developer-space/") for link in links.values())
    assert links["query"]["href"].endswith("?status=active")
    assert links["status"]["href"] == links["download"]["href"] + "/status"


def test_parameters_count_at_the_start_only(fresh):
    exporter = Exporter(fresh, "licenses")
    export = exporter.start(status="inactive")
    exporter.status(export)
    rows = exporter.call("GET", f"/{export}", status="active").json()
    assert {row["status"] for row in rows} == {"inactive"}


def test_the_content_is_that_of_the_start(fresh):
    exporter = Exporter(fresh, "licenses")
    before, _ = exporter.start(), fresh.world.step(1)
    after = exporter.start()
    first, second = (exporter.status(export) and exporter.download(export).json() for export in (before, after))
    assert max(row["lastUpdated"] for row in first) < fresh.world.today
    assert max(row["lastUpdated"] for row in second) == fresh.world.today


@pytest.mark.parametrize("report", BOTH)
def test_an_export_may_be_given_again_for_the_same_question_however_it_ended(fresh, report):
    exporter = Exporter(fresh, report)
    fresh.faults.add(EXPORT_FAILED, times=1)
    failed = exporter.start(endDate="2030-01-01")
    fresh.faults.add(EXPORT_REUSED)
    assert exporter.start(endDate="2030-01-01") == failed
    assert exporter.status(failed) == "FAILED"
    first, _ = exporter.start(endDate="2030-01-02"), fresh.world.step(1)
    assert first != failed
    assert exporter.start(endDate="2030-01-02") == first
    exporter.status(first)
    assert max(row["lastUpdated"] for row in exporter.download(first).json()) < fresh.world.today
    fresh.faults.clear()
    assert exporter.start(endDate="2030-01-02") != first


def test_a_bad_parameter_is_refused_at_the_start(fresh):
    assert Exporter(fresh, "licenses").call("POST", startDate="yesterday").status_code == 400


def test_csv_if_started_so(fresh):
    exporter = Exporter(fresh, "sales/transactions")
    export = exporter.start(accept="csv")
    exporter.status(export)
    assert exporter.download(export).headers["content-type"].startswith("text/csv")


def test_an_export_belongs_to_its_report(fresh):
    export = Exporter(fresh, "licenses").start()
    other = Exporter(fresh, "sales/transactions")
    assert other.call("GET", f"/{export}/status").status_code == 404
    assert other.download(export).status_code == 404
    assert other.call("GET", "/no-such-export/status").status_code == 404


def test_an_empty_export_is_an_empty_array(fresh):
    exporter = Exporter(fresh, "licenses")
    export = exporter.start(productId="com.sandbox.diagrams")
    exporter.status(export)
    assert exporter.download(export).text == "[]"


def test_starting_needs_credentials_and_permission(fresh):
    url = f"{fresh.marketplace_url}{REPORTS}/licenses/async/export"
    assert requests.post(url, timeout=10).status_code == 401
    no_reports = (credentials.NO_REPORTS_EMAIL, credentials.API_TOKEN)
    assert requests.post(url, auth=no_reports, timeout=10).status_code == 403


@pytest.mark.parametrize(("fault", "status"), [(EXPORT_FAILED, "FAILED"), (EXPORT_NEVER_READY, "IN_PROGRESS")])
def test_a_fault_lasts_as_long_as_it_is_on(fault, status):
    with running(faults=[fault]) as sandbox:
        exporter = Exporter(sandbox, "licenses")
        export = exporter.start()
        assert [exporter.status(export) for _ in range(3)] == [status] * 3
        assert exporter.download(export).status_code == 404
        sandbox.faults.clear()
        later = exporter.start()
        assert exporter.status(later) == "COMPLETED"


def test_an_unknown_fault_is_named():
    with pytest.raises(ValueError, match="no-such-fault"), running(faults=["no-such-fault"]):
        pytest.fail("it must not start")
