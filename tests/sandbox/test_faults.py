"""Each fault by name: what a plain client sees of it, and what the stand-in then holds."""

import itertools
import json
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import pytest
import requests

from marketplace_sandbox import credentials
from marketplace_sandbox.faults import FAULTS
from marketplace_sandbox.server import running

REPORTS = f"/rest/3/reporting/developer-space/{credentials.DEVELOPER_ID}"
AUTH = (credentials.VENDOR_EMAIL, credentials.API_TOKEN)
KEY = {"X-Api-Key": credentials.JOURNY_KEY}
EXPORTS_ONLY = {name for name, trouble in FAULTS.items() if trouble.kinds}
BODY = {"identification": {"accountId": "E-1"}, "properties": {"name": "Acme"}}
LICENSE = {
    "email": "ada@acme.example",
    "firstName": "Ada",
    "lastName": "Byron",
    "organisationName": "Acme",
    "isoCountryCode": "DE",
    "startDate": "2025-01-01",
    "endDate": "2027-01-01",
    "licenseType": "COMMERCIAL",
    "users": 25,
}
NUMBERS = itertools.count()
NOTHING = requests.exceptions.ConnectionError
CUT = requests.exceptions.ChunkedEncodingError

# What a client gets of an upsert, and of the start of an export or the import of a licence: a status, or an exception
# of requests.
SEEN = {
    "429-seconds": 429,
    "429-date": 429,
    "429-plain": 429,
    "500": 500,
    "502": 502,
    "502-after": 502,
    "503": 503,
    "401": 401,
    "403": 403,
    "410": 410,
    "non-json": 200,
    "redirect": 302,
    "slow": (201, 200),
    "slow-body": (201, 200),
    "cut-body": CUT,
    "cut-body-chunked": CUT,
    "half-answer": (201, 200),
    "drop-before": NOTHING,
    "drop-after": NOTHING,
    "empty": (201, 200),
}
TAKES_EFFECT = ("502-after", "slow", "slow-body", "cut-body", "cut-body-chunked", "half-answer", "drop-after", "empty")


def upsert(sandbox, body=BODY, **kwargs):
    url = f"{sandbox.journy_url}/accounts/upsert"
    return requests.post(url, json=body, headers=KEY, timeout=10, allow_redirects=False, **kwargs)


def call(sandbox, method, path, **kwargs):
    return requests.request(
        method, sandbox.marketplace_url + path, auth=AUTH, timeout=10, allow_redirects=False, **kwargs
    )


def start(sandbox, report="licenses"):
    return call(sandbox, "POST", f"{REPORTS}/{report}/async/export")


def import_license(sandbox):
    url = f"{sandbox.license_service_url}/rest/1.0/plugins/com.sandbox.forms/license"
    body = {**LICENSE, "id": f"L-{next(NUMBERS)}"}
    return requests.post(url, json=body, auth=AUTH, timeout=10, allow_redirects=False)


def send_messages(sandbox, url):
    message = {"type": "group", "groupId": "E-1", "anonymousId": "E-1", "messageId": f"m-{next(NUMBERS)}"}
    auth = (credentials.WRITE_KEY, "")
    return requests.post(f"{url}/v1/batch", json={"batch": [message]}, auth=auth, timeout=10, allow_redirects=False)


CALLERS = {
    "journy": upsert,
    "marketplace": start,
    "license-service": import_license,
    "journy_segment": lambda sandbox: send_messages(sandbox, sandbox.journy_segment_url),
    "segment": lambda sandbox: send_messages(sandbox, sandbox.segment_url),
}


def export(sandbox, report="licenses"):
    """The id of an export that is ready."""
    export_id = start(sandbox, report).json()["export"]["id"]
    status = call(sandbox, "GET", f"{REPORTS}/{report}/async/export/{export_id}/status").json()
    assert status["export"]["status"] == "COMPLETED"
    return export_id


def download(sandbox, export_id, report="licenses"):
    return call(sandbox, "GET", f"{REPORTS}/{report}/async/export/{export_id}")


def outcome(function, *args):
    try:
        return function(*args)
    except requests.RequestException as error:
        return type(error)


def test_every_fault_is_tested_here():
    assert set(SEEN) == set(FAULTS) - EXPORTS_ONLY


@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize("side", CALLERS)
def test_what_is_seen_and_what_took_effect(sandbox, name, side):
    sandbox.journy.accounts.clear()
    sandbox.license_service.licenses.clear()
    sandbox.journal.clear()
    sandbox.faults.clear()
    sandbox.faults.add(name, side=side, times=1, seconds=0.1)
    seen = outcome(CALLERS[side], sandbox)
    expected = SEEN[name][side != "journy"] if isinstance(SEEN[name], tuple) else SEEN[name]
    assert (seen if isinstance(seen, type) else seen.status_code) == expected
    (entry,) = sandbox.journal.calls
    assert (entry["fault"], entry["stored"]) == (name, name in TAKES_EFFECT)
    if side == "journy":
        assert list(sandbox.journy.accounts) == (["E-1"] if name in TAKES_EFFECT else [])
        assert entry["body"] == BODY
        assert sum(sandbox.journal.accepted().values()) == entry["stored"]
    if side in ("journy_segment", "segment"):
        assert list(sandbox.journy.accounts) == (["E-1"] if name in TAKES_EFFECT else [])
        assert entry["kind"] == "batch"
    if side == "license-service":
        assert len(sandbox.license_service.licenses) == entry["stored"]
        assert entry["kind"] == "license"
    if isinstance(expected, int):
        assert entry["status"] == expected
    elif expected is NOTHING:
        assert entry["status"] is None
    # Once spent, it is gone.
    assert CALLERS[side](sandbox).ok
    assert sandbox.journal.calls[-1]["fault"] is None


def test_retry_after_in_seconds_as_a_date_and_not_at_all(fresh):
    fresh.faults.add("429-seconds", times=1, seconds=3)
    fresh.faults.add("429-date", times=1, seconds=3)
    fresh.faults.add("429-plain", times=1)
    assert upsert(fresh).headers["Retry-After"] == "3"
    before = datetime.now(timezone.utc)
    wait = (parsedate_to_datetime(start(fresh).headers["Retry-After"]) - before).total_seconds()
    assert 3 <= wait < 5
    assert "Retry-After" not in upsert(fresh).headers
    assert upsert(fresh).status_code == 201


@pytest.mark.parametrize("name", ["429-plain", "401", "403", "410", "500"])
def test_errors_are_in_the_apis_own_words(sandbox, name):
    sandbox.faults.clear()
    sandbox.faults.add(name, times=3)
    of_journy, of_marketplace, of_licenses = upsert(sandbox), start(sandbox), import_license(sandbox)
    assert of_journy.json()["meta"]["status"] == of_journy.status_code
    assert "X-RateLimit-Remaining" in of_journy.headers
    assert of_marketplace.json().keys() & {"errors", "message"}
    assert of_licenses.status_code == of_journy.status_code
    (entry,) = of_licenses.json()["errors"]
    assert ("retired" in entry["message"]) == (name == "410")


@pytest.mark.parametrize("name", ["502", "503", "502-after", "non-json"])
def test_a_gateway_speaks_html(sandbox, name):
    sandbox.faults.clear()
    sandbox.faults.add(name, times=2)
    for answer in (upsert(sandbox), start(sandbox)):
        assert answer.headers["content-type"].startswith("text/html")
        with pytest.raises(ValueError, match="Expecting value"):
            answer.json()


def test_slow_takes_effect_before_the_client_loses_patience(fresh):
    fresh.faults.add("slow", seconds=30)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(f"{fresh.journy_url}/accounts/upsert", json=BODY, headers=KEY, timeout=0.3)
    assert list(fresh.journy.accounts) == ["E-1"]


@pytest.mark.parametrize("name", ["slow", "slow-body"])
def test_slow_lasts_as_long_as_it_is_told(fresh, name):
    fresh.faults.add(name, seconds=0.5, times=1)
    began = time.monotonic()
    answer = upsert(fresh)
    assert time.monotonic() - began >= 0.5
    assert answer.json()["meta"]["status"] == 201


def test_a_slow_body_comes_in_pieces(fresh):
    export_id = export(fresh)
    fresh.faults.add("slow-body", seconds=0.4)
    url = f"{fresh.marketplace_url}{REPORTS}/licenses/async/export/{export_id}"
    began = time.monotonic()
    with requests.get(url, auth=AUTH, timeout=10, stream=True) as response:
        first = next(response.iter_content(10))
        assert len(first) == 10
        assert time.monotonic() - began < 0.4
        rows = json.loads(first + b"".join(response.iter_content(4096)))
    assert len(rows) > 50
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize(("name", "length_told"), [("cut-body", True), ("cut-body-chunked", False)])
def test_a_cut_body_breaks_off_in_the_middle(fresh, name, length_told):
    export_id = export(fresh)
    whole = download(fresh, export_id).content
    fresh.faults.add(name)
    url = f"{fresh.marketplace_url}{REPORTS}/licenses/async/export/{export_id}"
    pieces = []
    with requests.get(url, auth=AUTH, timeout=10, stream=True) as response:
        assert response.status_code == 200
        assert ("Content-Length" in response.headers) == length_told
        with pytest.raises(CUT):
            pieces.extend(response.iter_content(1000))
    received = b"".join(pieces)
    assert 0 < len(received) <= len(whole) // 2
    assert whole.startswith(received)


def test_half_an_answer_lacks_headers_and_body(fresh):
    fresh.faults.add("half-answer")
    answer = upsert(fresh)
    assert "X-RateLimit-Remaining" not in answer.headers
    assert answer.content == b""


def test_an_answer_without_a_body_cannot_be_cut(fresh):
    upsert(fresh)
    fresh.faults.add("cut-body")
    body = {"account": {"accountId": "E-1"}, "users": []}
    answer = requests.post(f"{fresh.journy_url}/accounts/users/remove", json=body, headers=KEY, timeout=10)
    assert answer.status_code == 204


@pytest.mark.parametrize(("name", "state"), [("export-failed", "FAILED"), ("export-never-ready", "IN_PROGRESS")])
def test_one_export_goes_wrong_and_the_next_one_does_not(fresh, name, state):
    fresh.faults.add(name, path="/licenses/", times=1)
    sales = export(fresh, "sales/transactions")
    assert download(fresh, sales, "sales/transactions").status_code == 200
    spoiled = start(fresh).json()["export"]["id"]
    for _ in range(3):
        status = call(fresh, "GET", f"{REPORTS}/licenses/async/export/{spoiled}/status").json()["export"]["status"]
        assert status == state
    assert download(fresh, spoiled).status_code == 404
    assert download(fresh, export(fresh)).status_code == 200


def test_a_truncated_export_is_whole_to_http_and_no_json(fresh):
    export_id = export(fresh)
    whole = download(fresh, export_id).content
    fresh.faults.add("export-truncated", times=1)
    answer = download(fresh, export_id)
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content) < len(whole)
    with pytest.raises(ValueError, match="line 1"):
        json.loads(answer.content)
    assert download(fresh, export_id).content == whole


def test_an_export_that_is_gone_stays_gone(fresh):
    gone, other = export(fresh), export(fresh)
    fresh.faults.add("export-gone", times=1)
    assert download(fresh, gone).status_code == 404
    assert call(fresh, "GET", f"{REPORTS}/licenses/async/export/{gone}/status").status_code == 404
    assert download(fresh, other).status_code == 200


@pytest.mark.parametrize("report", ["licenses", "sales/transactions"])
def test_rows_come_twice_or_not_at_all(fresh, report):
    export_id, name = export(fresh, report), report.rpartition("/")[2]
    rows = download(fresh, export_id, report).json()
    page = call(fresh, "GET", f"{REPORTS}/{report}").json()[name]
    fresh.faults.add("duplicate-rows")
    assert download(fresh, export_id, report).json() == rows + rows
    assert call(fresh, "GET", f"{REPORTS}/{report}").json()[name] == page + page
    fresh.faults.clear()
    fresh.faults.add("empty")
    assert download(fresh, export_id, report).json() == []
    assert call(fresh, "GET", f"{REPORTS}/{report}").json()[name] == []
    assert start(fresh, report).content == b""


def test_foreign_links_and_redirects_lead_to_a_host_that_tells_who_came(fresh):
    fresh.faults.add("foreign-links", times=2)
    links = start(fresh).json()["_links"]
    assert all(link["href"].startswith(f"{fresh.foreign.url}/marketplace/rest/3/reporting/") for link in links.values())
    following = call(fresh, "GET", f"{REPORTS}/licenses?limit=1").json()["_links"]["next"]["href"]
    assert following.startswith(fresh.foreign.url)
    requests.get(following, auth=AUTH, timeout=10)
    fresh.faults.clear()
    fresh.faults.add("redirect")
    redirected = upsert(fresh)
    assert redirected.headers["Location"] == f"{fresh.foreign.url}/journy/accounts/upsert"
    requests.get(redirected.headers["Location"], headers=KEY, timeout=10)
    requests.get(fresh.foreign.url, timeout=10)
    assert [entry["credentials"] for entry in fresh.foreign.calls] == [["authorization"], ["x-api-key"], []]
    assert requests.get(f"{fresh.url}/_foreign", timeout=10).json()["calls"] == fresh.foreign.calls


@pytest.mark.parametrize(
    ("scope", "hit"),
    [
        ({}, "mmjjj"),
        ({"side": "journy"}, "jjj"),
        ({"kind": "list"}, "mm"),
        ({"path": "/sales/"}, "m"),
        ({"path": "/licenses"}, "m"),
        ({"kind": "track"}, "j"),
        ({"kind": "write"}, "jj"),
        ({"kind": "validate"}, "j"),
        ({"kind": "license"}, ""),
        ({"side": "license-service"}, ""),
        ({"times": 2}, "mm"),
        ({"after": 3}, "jj"),
        ({"side": "journy", "after": 1, "times": 1}, "j"),
        ({"side": "marketplace", "kind": "track"}, ""),
        ({"path": "j*/upsert"}, "j"),
        ({"query": "limit="}, "m"),
        ({"query": "2*5"}, "m"),
        ({"query": "limit=7"}, ""),
    ],
)
def test_a_scope_chooses_the_calls(fresh, scope, hit):
    fresh.faults.add("503", **scope)
    call(fresh, "GET", f"{REPORTS}/licenses")
    call(fresh, "GET", f"{REPORTS}/sales/transactions?limit=2&offset=5")
    upsert(fresh)
    requests.post(f"{fresh.journy_url}/track", json={}, headers=KEY, timeout=10)
    requests.get(f"{fresh.journy_url}/validate", headers=KEY, timeout=10)
    assert "".join(entry["side"][0] for entry in fresh.journal.calls if entry["status"] == 503) == hit


def test_the_fault_that_was_first_wins_and_only_its_hit_counts(fresh):
    first, second = fresh.faults.add("502", times=1), fresh.faults.add("503", times=1)
    assert [upsert(fresh).status_code for _ in range(3)] == [502, 503, 201]
    assert (first.hits, second.hits) == (1, 1)
    assert "502" not in fresh.faults
    assert not fresh.faults


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"name": "earthquake"}, "drop-after"),
        ({"name": "502", "side": "salesforce"}, "side"),
        ({"name": "502", "kind": "upsert"}, "upsert_account"),
        ({"name": "502", "times": "many"}, "times"),
        ({"name": "502", "after": -1}, "after"),
        ({"name": "slow", "seconds": "long"}, "seconds"),
        ({"name": "502", "color": "red"}, "path"),
        ({"name": "502", "query": 5}, "query"),
        ({"name": "export-failed", "kind": "track"}, "start"),
        ({"name": "duplicate-rows", "side": "journy"}, "download"),
        ({"name": "foreign-links", "side": "license-service"}, "start"),
        ({"name": "export-failed", "kind": "license"}, "start"),
        ({"side": "journy"}, "name"),
        ("502", "name"),
    ],
)
def test_a_wrong_fault_is_named(sandbox, fault, word):
    sandbox.faults.clear()
    answer = requests.post(f"{sandbox.url}/_faults", json=fault, timeout=10)
    assert answer.status_code == 400
    assert word in answer.json()["message"]
    assert not sandbox.faults


def test_faults_are_switched_over_http(fresh):
    url = f"{fresh.url}/_faults"
    assert requests.post(url, json=[{"name": "502", "times": 1}, {"name": "403"}], timeout=10).status_code == 201
    assert [upsert(fresh).status_code for _ in range(2)] == [502, 403]
    shown = requests.get(url, timeout=10).json()["faults"]
    assert [(fault["name"], fault["seen"], fault["hits"]) for fault in shown] == [("502", 1, 1), ("403", 2, 1)]
    assert requests.delete(url, timeout=10).status_code == 204
    assert upsert(fresh).status_code == 201


def test_faults_of_the_beginning():
    with running(faults=["502", "drop-before"]) as sandbox:
        assert list(sandbox.faults) == ["502", "drop-before"]
        assert upsert(sandbox).status_code == 502


def test_a_sandbox_ends_at_once_though_a_call_is_slow():
    with running(faults=["slow-body"]) as sandbox:
        sandbox.faults.clear()
        sandbox.faults.add("slow-body", seconds=60)
        url = f"{sandbox.journy_url}/validate"
        response = requests.get(url, headers=KEY, timeout=10, stream=True)
        assert response.status_code == 200
        began = time.monotonic()
    assert time.monotonic() - began < 2
    response.close()
