"""The control endpoints and the command line."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import requests

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running
from marketplace_sandbox.world import World

AUTH = (credentials.VENDOR_EMAIL, credentials.API_TOKEN)
REPORTS = f"/rest/3/reporting/developer-space/{credentials.DEVELOPER_ID}"
SECONDS = 20


def test_the_front_page_says_what_is_here(fresh):
    page = requests.get(fresh.url, timeout=10)
    assert page.headers["content-type"].startswith("text/plain")
    for word in (
        "/marketplace",
        "/license-service",
        "/journy",
        credentials.API_TOKEN,
        credentials.JOURNY_KEY,
        "/_step",
    ):
        assert word in page.text


def test_the_world_is_shown_with_its_hidden_rows(fresh):
    content = requests.get(f"{fresh.url}/_world", timeout=10).json()
    assert content["today"] == "2026-03-02"
    assert content["licenses"] == fresh.world.licenses
    assert content["transactions"] == fresh.world.transactions
    assert any(row.get("licenseSourceType") == "Atlassian" for row in content["licenses"])


def test_a_step_moves_the_world_that_is_served(fresh):
    step = requests.post(f"{fresh.url}/_step?days=1", timeout=10).json()
    assert step == World().step()
    url = f"{fresh.marketplace_url}{REPORTS}/licenses/export"
    rows = requests.get(url, params={"lastUpdated": step["today"]}, auth=AUTH, timeout=10).json()
    touched = [change for change in step["changes"] if change["entity"] == "license"]
    assert len(rows) == len(touched)


@pytest.mark.parametrize("days", ["0", "-1", "two", "1.5", ""])
def test_days_must_be_a_number(fresh, days):
    response = requests.post(f"{fresh.url}/_step", params={"days": days} if days else {"days": " "}, timeout=10)
    assert response.status_code == 400
    assert fresh.world.today == "2026-03-02"


def test_calls_are_journalled_with_bodies_and_without_credentials(fresh):
    body = {"identification": {"accountId": "E-1"}}
    headers = {"X-Api-Key": credentials.JOURNY_KEY}
    requests.post(f"{fresh.journy_url}/accounts/upsert", json=body, headers=headers, timeout=10)
    requests.post(f"{fresh.journy_url}/accounts/upsert", json={}, headers=headers, timeout=10)
    requests.get(f"{fresh.marketplace_url}{REPORTS}/licenses?limit=1", auth=AUTH, timeout=10)
    requests.get(f"{fresh.url}/_world", timeout=10)
    answer = requests.get(f"{fresh.url}/_calls", timeout=10)
    first, second, third = answer.json()["calls"]
    upsert = {"side": "journy", "kind": "upsert_account", "method": "POST", "path": "/journy/accounts/upsert"}
    upsert |= {"query": "", "fault": None}
    assert first == {**upsert, "status": 201, "stored": True, "body": body}
    assert second == {**upsert, "status": 400, "stored": False, "body": {}}
    assert (third["side"], third["kind"], third["query"]) == ("marketplace", "list", "limit=1")
    assert (third["status"], third["stored"]) == (200, False)
    assert "body" not in third
    assert answer.json()["counters"] == {
        "POST /journy/accounts/upsert": 2,
        "GET /marketplace/rest/3/reporting/developer-space/{id}/licenses": 1,
    }
    assert credentials.JOURNY_KEY not in answer.text


def test_reset_forgets_the_calls_and_keeps_the_contents(fresh):
    headers = {"X-Api-Key": credentials.JOURNY_KEY}
    body = {"identification": {"accountId": "E-1"}}
    requests.post(f"{fresh.journy_url}/accounts/upsert", json=body, headers=headers, timeout=10)
    assert requests.post(f"{fresh.url}/_reset", timeout=10).status_code == 204
    assert requests.get(f"{fresh.url}/_calls", timeout=10).json() == {"calls": [], "counters": {}}
    journy = requests.get(f"{fresh.url}/_journy", timeout=10).json()
    assert (list(journy["accounts"]), journy["counts"]) == (["E-1"], {})


def test_a_world_of_given_rows_is_served():
    row = {"addonLicenseId": "7", "hosting": "Server", "lastUpdated": "2020-01-01"}
    with running(World.from_rows(licenses=[row])) as sandbox:
        rows = requests.get(f"{sandbox.marketplace_url}{REPORTS}/licenses/export", auth=AUTH, timeout=10).json()
    assert rows == [row]


def test_a_stopped_sandbox_frees_its_port():
    with running() as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), running(port=port):
            pytest.fail("the port is taken")
    with running(port=port) as again:
        assert requests.get(again.url, timeout=10).ok


def command(*args, **kwargs):
    return [sys.executable, "-W", "error", "-m", "marketplace_sandbox", *args]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_told_to_stop(tmp_path, number):
    ready = tmp_path / "ready"
    args = ("--port", "0", "--customers", "2", "--seed", "5", "--today", "2025-06-30", "--ready-file", str(ready))
    args += ("--license-service-today", "2026-01-31")
    args += ("--fault", "429-seconds:kind=start,times=2,seconds=3", "--fault", "502")
    process = subprocess.Popen(command(*args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + SECONDS
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        url = ready.read_text(encoding="utf-8").strip()
        content = requests.get(f"{url}/_world", timeout=10).json()
        faults = requests.get(f"{url}/_faults", timeout=10).json()["faults"]
        licenses = requests.get(f"{url}/_licenses", timeout=10).json()
        process.send_signal(number)
        out, err = process.communicate(timeout=SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert content == json.loads(json.dumps(World(seed=5, customers=2, today="2025-06-30").content()))
    assert [(fault["name"], fault["kind"], fault["times"], fault["seconds"]) for fault in faults] == [
        ("429-seconds", "start", 2, 3),
        ("502", None, None, 0),
    ]
    assert (process.returncode, err) == (0, "")
    assert f"{url}/marketplace" in out
    assert f"{url}/journy" in out
    assert f"{url}/license-service" in out
    assert licenses == {"today": "2026-01-31", "licenses": [], "accounts": {}}


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--today", "2025-6-1"], "--today"),
        (["--today", "20250601"], "--today"),
        (["--license-service-today", "now"], "--license-service-today"),
        (["--fault", "earthquake"], "export-failed"),
        (["--fault", "429-seconds:kind=begin"], "upsert_account"),
        (["--fault", "502:times=often"], "--fault"),
        (["--port", "many"], "--port"),
    ],
)
def test_a_wrong_option_is_named(args, word):
    done = subprocess.run(command(*args), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 2
    assert word in done.stderr


def test_a_taken_port_is_one_clear_line(fresh):
    port = fresh.url.rpartition(":")[2]
    done = subprocess.run(
        command("--port", port), capture_output=True, text=True, timeout=SECONDS, check=False, env=dict(os.environ)
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert port in done.stderr
