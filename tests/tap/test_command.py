"""The command as a person or Meltano runs it, over real sockets where it calls."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.tap.command import errors
from tests.tap.fake_marketplace import Output

server = pytest.importorskip("marketplace_sandbox.server", reason="the sandbox is not installed")
credentials = pytest.importorskip("marketplace_sandbox.credentials")

MISLED = pytest.mark.off_contract(reason="the setting is wrong on purpose")


@pytest.fixture(scope="module")
def sandbox():
    with server.running(customers=2) as running:
        yield running


def test_a_run_against_real_sockets(tap, config):
    result = tap(config)
    output = Output(result.stdout)
    assert result.returncode == 0, result.stderr
    assert len(output.records("contacts")) == 3 * len(output.records("licenses")) > 0
    assert output.records("transactions")
    again = tap(config, state=output.state)
    assert Output(again.stdout).state == output.state


def test_unknown_parameters_of_the_real_thing_do_no_harm(tap, config):
    result = tap({**config, "license_statuses": ["active"], "hostings": ["Data Center"], "include_free_apps": True})
    records = Output(result.stdout).records("licenses")
    assert records
    assert {(record["status"], record["hosting"]) for record in records} == {("active", "Data Center")}


KINDS = [
    "licenses, contacts",
    "transactions",
    "churn, conversion and renewal events",
    "feedback",
    "quotes",
    "marketing attribution",
    "recurring revenue",
    "apps, versions and reviews",
]


@pytest.mark.parametrize("option", ["--check", "--test"])
def test_check(tap, config, sandbox, option):
    sandbox.journal.clear()
    result = tap(config, option)
    assert result.returncode == 0
    *kinds, last = result.stdout.splitlines()
    assert kinds == [f"{kind}: may be read" for kind in KINDS]
    assert last == f"ok: the token may read the reports of developer {credentials.DEVELOPER_ID}"
    assert len(sandbox.journal.calls) == len(KINDS) + 2  # the vendor, and the index of reports


def test_check_tells_what_may_not_be_read_and_goes_on(tap, config, sandbox):
    sandbox.faults.add("403", side="marketplace", path="/quotes")
    try:
        result = tap(config, "--check")
    finally:
        sandbox.faults.clear()
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert [line for line in lines[:-1] if not line.endswith(": may be read")] == [
        "quotes: the account may not read these (HTTP 403)"
    ]
    assert lines[-1].endswith(f"{credentials.DEVELOPER_ID}, but not quotes")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"api_token": "wrong"}, ["401", "`api_token`", "one year"]),
        ({"email": credentials.NO_REPORTS_EMAIL}, ["403", "View sales reports"]),
        ({"vendor_id": 1}, ["404", "`vendor_id` 1"]),
        ({"vendor_id": None, "developer_id": "nobody"}, ["`developer_id`"]),
        pytest.param({"api_url": "{}/rest/2"}, ["410", "`api_url`"], marks=MISLED),
        ({"vendor_id": None}, ["'vendor_id'", "'developer_id'"]),
    ],
)
def test_check_fails_with_one_line(tap, config, change, words):
    if "{}" in change.get("api_url", ""):
        change = {"api_url": change["api_url"].format(config["api_url"])}
    result = tap({**config, **change}, "--check")
    assert result.returncode == 1
    (line,) = errors(result)
    assert all(word in line for word in words), line
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"app_keys": ["com.example.nothing"]}, ["`app_keys`", "com.example.nothing"]),
        pytest.param({"license_statuses": ["alive"]}, ["400", "active"], marks=MISLED),
        ({"start_date": "yesterday"}, ["'start_date'", "such as 2026-01-31"]),
        ({"api_token": ["sandbox-token"]}, ["setting 'api_token': expected string"]),
        ({"stream_maps": {"licenses": {"__filter__": "("}}}, ["Failed to parse expression"]),
    ],
)
def test_a_run_fails_with_one_line(tap, config, change, words):
    result = tap({**config, **change})
    assert result.returncode == 1
    (line,) = errors(result)
    assert all(word in line for word in words), line


def test_exports_that_are_never_ready(tap, config, sandbox):
    sandbox.faults.add("export-never-ready")
    try:
        result = tap({**config, "export_timeout": 1})
    finally:
        sandbox.faults.discard("export-never-ready")
    assert result.returncode == 1
    for streams, line in zip(("licenses, contacts: ", "transactions: "), errors(result), strict=True):
        assert line.startswith(streams)
        assert all(words in line for words in ("not ready after 1 seconds", "`export_timeout`")), line


def test_settings_from_the_environment(tap, config):
    env = {f"TAP_ATLASSIAN_MARKETPLACE_{name.upper()}": str(value) for name, value in config.items()}
    env |= {
        "TAP_ATLASSIAN_MARKETPLACE_LICENSE_STATUSES": '["active"]',
        "TAP_ATLASSIAN_MARKETPLACE_INCLUDE_FREE_APPS": "true",
    }
    result = tap(None, "--config=ENV", env=env)
    assert result.returncode == 0, result.stderr
    assert {record["status"] for record in Output(result.stdout).records("licenses")} == {"active"}
    wrong = {"TAP_ATLASSIAN_MARKETPLACE_LOOKBACK_DAYS": "many"}
    result = tap(None, "--config=ENV", env={**env, **wrong})
    assert errors(result) == ["environment variable TAP_ATLASSIAN_MARKETPLACE_LOOKBACK_DAYS: expected a number"]
    wrong = {"TAP_ATLASSIAN_MARKETPLACE_LOOKBACK_DAYS": "", "TAP_ATLASSIAN_MARKETPLACE_INCLUDE_FREE_APPS": "maybe"}
    (line,) = errors(tap(None, "--config=ENV", env={**env, **wrong}))
    assert line == "environment variable TAP_ATLASSIAN_MARKETPLACE_INCLUDE_FREE_APPS: expected true or false"


def test_stream_maps_from_the_environment(tap, config):
    name = "TAP_ATLASSIAN_MARKETPLACE_STREAM_MAPS"
    result = tap(config, "--config=ENV", env={name: '{"licenses": {"id": "id", "__else__": null}}'})
    assert {tuple(record) for record in Output(result.stdout).records("licenses")} == {("id",)}
    result = tap(config, "--config=ENV", env={name: "{"})
    assert errors(result) == [f"environment variable {name}: expected JSON"]


def test_an_unforeseen_error_tells_its_kind_and_place_only(tap, config, monkeypatch):
    def fail(*_):
        raise ValueError("jane@customer.example")

    monkeypatch.setattr("tap_atlassian_marketplace.streams.licenses.identity", fail)
    monkeypatch.setenv("TAP_ATLASSIAN_MARKETPLACE_LOGLEVEL", "DEBUG")
    result = tap(config)
    assert result.returncode == 1
    (line,) = errors(result)
    assert line.startswith("licenses: Unexpected ValueError at test_command.py:")
    assert "in added" in result.stderr
    assert "jane" not in result.stderr


@pytest.mark.parametrize("name", ["config", "state", "catalog"])
def test_files_that_are_no_json(tap, config, name):
    result = tap(**{"config": config, name: "{"})
    assert result.returncode == 1
    (line,) = errors(result)
    assert f"--{name}" in line


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("state", content) for content in ("5", "null", "[]", '{"bookmarks": []}', '{"bookmarks": {"licenses": 1}}')),
        ("state", '{"type": "STATE", "value": {"bookmarks": {}}}'),
        ("state", '{"licenses": {"replication_key_value": "2026-01-01"}}'),
        *(("catalog", content) for content in ("{}", "[]", '{"streams": 5}', '{"streams": [5]}')),
    ],
)
def test_files_that_hold_something_else(tap, config, name, content):
    result = tap(**{"config": config, name: content})
    assert result.returncode == 1
    assert errors(result) == [f"The file given by --{name} holds no {name}."]
    assert result.stdout == ""


def test_a_state_of_a_later_version_is_carried_along(tap, config):
    state = {"bookmarks": {"later_stream": {"x": 1}, "licenses": {"replication_key_value": {"a": 1}}}, "version": 9}
    result = tap(config, state=state)
    assert result.returncode == 0, result.stderr
    assert Output(result.stdout).state["bookmarks"]["later_stream"] == {"x": 1}
    assert len(Output(result.stdout).bookmark("licenses")) == 10


def test_no_file_of_rows_is_made(tap, config, tmp_path):
    batches = tmp_path / "batches"
    batches.mkdir()
    storage = {"root": f"file://{batches}"}
    result = tap({**config, "batch_config": {"encoding": {"format": "jsonl"}, "storage": storage}})
    assert result.returncode == 0, result.stderr
    assert Output(result.stdout).records("licenses")
    assert list(batches.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["--about"], ["--about", "--format=json"], ["--discover"], ["--version"], ["--help"]]
)
def test_what_needs_no_settings(tap, arguments):
    result = tap(None, *arguments)
    assert result.returncode == 0
    assert "marketplace" in result.stdout.lower() or '"licenses"' in result.stdout
    assert errors(result) == []


def test_the_help_says_what_a_test_does_here(tap):
    words = " ".join(tap(None, "--help").stdout.split())
    assert "--test TEXT The same as --check;" in words
    assert "single record" not in words


def test_about_describes_every_setting(tap):
    about = json.loads(tap(None, "--about", "--format=json").stdout)
    settings = about["settings"]["properties"]
    assert all(settings[name]["title"] and settings[name]["description"] for name in settings)
    assert [name for name in settings if settings[name].get("secret")] == ["api_token"]
    assert sorted(about["settings"]["required"]) == ["api_token", "email"]
    assert "batch" not in about["capabilities"]


def test_a_loader_that_stops_reading_is_one_line(config, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    with subprocess.Popen(
        [sys.executable, "-m", "tap_atlassian_marketplace", "--config", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        text = process.stderr.read().decode()
        assert process.wait(60) == 1
    assert "The loader stopped reading." in text
    assert "Traceback" not in text
    assert "Exception ignored" not in text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_an_output_that_takes_no_more_is_one_line(config, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    command = [sys.executable, "-m", "tap_atlassian_marketplace", "--config", str(path)]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr.count("| ERROR") == 1
    assert "cannot be written to the output (No space left on device)" in result.stderr
    assert "Exception ignored" not in result.stderr


@pytest.fixture
def process(config, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    command = [sys.executable, "-m", "tap_atlassian_marketplace", "--config", str(path)]
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it would take over that this is ignored
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        signal.signal(signal.SIGHUP, before)
        yield process
        process.kill()


def test_nothing_is_left_on_disk(process, tmp_path):
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_at_once_and_not_as_a_success(sandbox, process, tmp_path, number):
    sandbox.faults.add("export-never-ready")
    try:
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob("spool/*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        _, text = process.communicate(timeout=10)
    finally:
        sandbox.faults.discard("export-never-ready")
    assert process.returncode == 1
    assert text.count("| ERROR") == 1
    assert "Stopped by a signal" in text
    assert list((tmp_path / "spool").iterdir()) == []
