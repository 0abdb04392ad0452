"""The command line: what it says and does when something is wrong, and that it never says too much."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.command import SCHEMAS
from tests.target.processes import processes
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import assert_counts_add_up

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.target.processes import Processes

    from marketplace_sandbox.server import Sandbox

KEY = "very-secret-key-123"
ADDRESS = "ann@private.example"
RECORDS = [
    {"type": "RECORD", "stream": stream, "record": record}
    for stream, record in [*license_messages(license_row(1, person(ADDRESS, "Ann Lee"))), sale(1)]
]
GOOD = [*SCHEMAS, *RECORDS, {"type": "STATE", "value": {"at": 1}}]


@pytest.fixture(scope="module")
def commands() -> Iterator[Processes]:
    with processes() as commands:
        yield commands


class Done:
    """What came of a command."""

    def __init__(self, code: int, out: str, log: str) -> None:
        self.code = code
        self.out = out
        self.log = log
        self.errors = [line for line in log.splitlines() if "ERROR" in line or line.startswith("Error:")]

    def says(self, *parts: str) -> None:
        """It failed, with one line that holds these parts."""
        assert self.code == 1, self.log
        assert len(self.errors) == 1, self.log
        assert "Traceback" not in self.log
        for part in parts:
            assert part in self.errors[0]


@pytest.fixture
def command(tmp_path: Path, sandbox: Sandbox, commands: Processes) -> Callable[..., Done]:
    """Run `target-journy` in a folder of its own; neither a secret nor anybody's address may come out."""

    def run(*options: str, lines: list[Any] = GOOD, env: dict[str, str] | None = None, **settings: Any) -> Done:
        config = {
            "api_key": credentials.JOURNY_KEY,
            "api_url": sandbox.journy_url,
            "preset": "marketplace-raw",
            "requests_per_minute": 100_000,
            **settings,
        }
        given = {name: value for name, value in config.items() if value is not None}
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        process = commands.start(tmp_path, text, given, *options, env=env)
        done = Done(process.wait(), process.out, process.log)
        for secret in (KEY, credentials.JOURNY_KEY, credentials.JOURNY_DISABLED_KEY, ADDRESS, "Ann Lee", "pass-word"):
            assert secret not in done.out + done.log
        return done

    return run


def test_a_whole_run(command: Callable[..., Done], sandbox: Sandbox, tmp_path: Path) -> None:
    done = command(report_path="report.json")
    assert done.code == 0, done.log
    assert json.loads(done.out) == {"at": 1}
    assert sandbox.journy.accounts["SEN-1"].users == [ADDRESS]
    assert len(sandbox.journy.events) == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert_counts_add_up(report)
    assert report["created"] == {"accounts": 1, "users": 1, "memberships": 1, "events": 1}
    assert "new in journy 127.0.0.1" in done.log
    for name in ("target-journy-ledger.db", "report.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    sandbox.journal.clear()
    assert command().code == 0
    assert sandbox.journal.calls == []


def test_rejected_records(command: Callable[..., Done], tmp_path: Path) -> None:
    record = {**sale(2)[1], "purchaseDetails": {}}
    done = command(lines=[*SCHEMAS, {"type": "RECORD", "stream": "transactions", "record": record}])
    assert done.code == 3
    path = tmp_path / "target-journy-rejected.jsonl"
    assert len(path.read_text().splitlines()) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_check(command: Callable[..., Done]) -> None:
    done = command("--check", lines=[])
    assert done.code == 0
    assert done.out.startswith("ok: journy 127.0.0.1:")
    assert "TrackData" in done.out


def test_check_with_a_wrong_key(command: Callable[..., Done]) -> None:
    command("--check", lines=[], api_key=KEY).says("'api_key'", "HTTP 401", "Settings, API access")


@pytest.mark.off_contract(reason="the address is wrong on purpose")
def test_check_at_a_wrong_address(command: Callable[..., Done], sandbox: Sandbox) -> None:
    command("--check", lines=[], api_url=f"{sandbox.url}/_calls").says("'api_url'")
    command("--check", lines=[], api_url=f"{sandbox.url}/journy/nowhere").says("'api_url'", "404")


def test_about(command: Callable[..., Done]) -> None:
    about = json.loads(command("--about", "--format", "json", lines=[]).out)
    properties = about["settings"]["properties"]
    assert {"api_key", "preset", "mapping", "ledger_url", "memberships"} <= set(properties)
    sdks_own = {"load_method"}
    for name in properties.keys() - sdks_own:
        assert properties[name]["title"], name
        assert properties[name]["description"], name
    assert properties["api_key"]["secret"] is True


def test_version(command: Callable[..., Done]) -> None:
    done = command("--version", lines=[])
    assert done.code == 0
    assert "target-journy" in done.out


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"api_key": None}, ["api_key"]),
        ({"api_key": ""}, ["'api_key'", "Settings, API access"]),
        ({"api_key": 12345678901234567}, ["api_key"]),
        ({"api_key": "two\nlines"}, ["'api_key'"]),
        ({"api_key": "schlüssel→"}, ["'api_key'"]),
        ({"api_key": KEY}, ["'api_key'", "HTTP 401", "permission to track data", "Settings, API access"]),
        ({"api_key": credentials.JOURNY_DISABLED_KEY}, ["'api_key'", "HTTP 403", "disabled"]),
        ({"api_url": "api.journy.io"}, ["'api_url'", "https://"]),
        ({"api_url": "ftp://api.journy.io"}, ["'api_url'", "https://"]),
        ({"api_url": "https://"}, ["'api_url'"]),
        ({"preset": "other"}, ["preset"]),
        ({"unknown_streams": "fail", "preset": None}, ["'unknown_streams'", "'licenses'", "'mapping'"]),
        ({"mapping": "nowhere.yml"}, ["'mapping'", "nowhere.yml"]),
        ({"mapping": "streams:\n  x: ["}, ["'mapping'", "no YAML", "line 2"]),
        ({"mapping": {"streams": {"licenses": {"key": "id", "acount": {}}}}}, ["'mapping'", "acount"]),
        ({"mapping": {"streams": {"licenses": {"key": "Id"}}}}, ["'licenses'", "no field 'Id'", "did you mean 'id'"]),
        ({"mapping": {"streams": {"licenses": {"key": "join("}}}}, ["'licenses'", "'join('", "JMESPath"]),
        ({"events_since": "yesterday"}, ["'events_since'", "2026-01-31"]),
        ({"ledger_url": "no url"}, ["'ledger_url'", "sqlite:///"]),
        ({"ledger_url": "mysql://x:pass-word@y/z"}, ["'ledger_url'", "PostgreSQL"]),
        ({"ledger_url": "postgresql://x:pass-word@127.0.0.1:9/z"}, ["'ledger_url'", "cannot be opened", "refused"]),
        ({"ledger_url": "postgresql://x:pass-word@nowhere.invalid/z"}, ["'ledger_url'", "cannot be opened", "host"]),
        ({"ledger_url": "postgresql://x:pass-word@host:port/z"}, ["'ledger_url'"]),
        ({"ledger_url": "sqlite:////proc/nowhere/ledger.db"}, ["'ledger_url'", "cannot be opened"]),
        ({"ledger_url": "sqlite:///config.json"}, ["'ledger_url'"]),
        ({"require_ledger": True}, ["'ledger_url'", "empty", "'events_since'", "--adopt"]),
        ({"max_rejected_percent": 101}, ["max_rejected_percent"]),
        ({"timeout": 0}, ["timeout"]),
        ({"memberships": "both"}, ["memberships"]),
        ({"report_path": "/proc/nowhere/report.json"}, ["'report_path'"]),
    ],
)
def test_a_setting_that_cannot_be_used(
    command: Callable[..., Done], sandbox: Sandbox, settings: dict[str, Any], parts: list[str]
) -> None:
    done = command(**settings)
    done.says(*parts)
    if "report_path" not in settings:
        assert done.out == ""
        assert len(sandbox.journy.accounts) == 0
    assert str(settings.get("api_key") or "no such text") not in done.log


def test_in_a_ci_job_an_empty_ledger_is_an_error(command: Callable[..., Done], sandbox: Sandbox) -> None:
    command(env={"CI": "true"}).says("'ledger_url'", "--adopt")
    assert command("--adopt", env={"CI": "true"}).code == 0
    assert sandbox.journal.calls == []
    assert command(env={"CI": "true"}).code == 0
    assert sandbox.journal.calls == []


def test_rejected_records_that_cannot_be_kept(command: Callable[..., Done]) -> None:
    record = {**sale(2)[1], "purchaseDetails": {}}
    lines = [*SCHEMAS, {"type": "RECORD", "stream": "transactions", "record": record}]
    command(lines=lines, rejected_path="/proc/nowhere/rejected.jsonl").says("'rejected_path'")


NO_KEY = {"contactDetails": {"technicalContact": {"email": ADDRESS}}}


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        ([f"no JSON {ADDRESS}"], ["no JSON"]),
        ([""], ["no JSON"]),
        ([[ADDRESS]], ["no Singer message"]),
        ([{"record": {"email": ADDRESS}}], ["no Singer message"]),
        ([{"type": ADDRESS}], ["no Singer message"]),
        ([{"type": [ADDRESS]}], ["no Singer message"]),
        ([{"type": "RECORD", "record": {"email": ADDRESS}}], ["RECORD", "stream"]),
        ([*SCHEMAS, {"type": "RECORD", "stream": "licenses"}], ["RECORD", "record"]),
        ([*SCHEMAS, {"type": "RECORD", "stream": "licenses", "record": [ADDRESS]}], ["RECORD", "record"]),
        ([*SCHEMAS, {"type": "RECORD", "stream": "licenses", "record": ADDRESS}], ["RECORD", "record"]),
        ([*SCHEMAS, {"type": "RECORD", "stream": "licenses", "record": NO_KEY}], ["id"]),
        ([*SCHEMAS, {"type": "RECORD", "stream": "licenses", "record": {**NO_KEY, "id": None}}], ["no id"]),
        ([{"type": "RECORD", "stream": "licenses", "record": NO_KEY}], ["licenses", "schema"]),
        ([{"type": "SCHEMA", "stream": "licenses", "schema": [ADDRESS]}], ["SCHEMA"]),
        ([{"type": "SCHEMA", "stream": "licenses"}], ["SCHEMA"]),
        ([{"type": "STATE"}], ["STATE", "value"]),
        ([*SCHEMAS, {"type": "BATCH", "stream": "licenses", "encoding": {}, "manifest": []}], ["BATCH"]),
    ],
)  # fmt: skip
def test_an_input_that_no_tap_writes(command: Callable[..., Done], lines: list[Any], parts: list[str]) -> None:
    done = command(lines=[*lines, {"type": "STATE", "value": {"at": 9}}])
    done.says(*parts)
    assert done.out == ""


def test_a_crash_quotes_no_data(tmp_path: Path) -> None:
    crashing = (
        "import target_journy.__main__ as command, target_journy.mapping as mapping\n"
        "def crash(self, record): raise RuntimeError(record)\n"
        "mapping.StreamMapping.operations = crash\n"
        "command.main()\n"
    )
    (tmp_path / "config.json").write_text(json.dumps({"api_key": KEY, "preset": "marketplace-raw"}))
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        check=False,
        args=[sys.executable, "-c", crashing, "--config", "config.json"],
        input="".join(json.dumps(line) + "\n" for line in GOOD),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=60,
    )
    Done(done.returncode, done.stdout, done.stderr).says("Unexpected RuntimeError", "please report it")
    assert done.stdout == ""
    assert ADDRESS not in done.stderr


def test_the_module_is_the_command() -> None:
    shown = subprocess.check_output([sys.executable, "-m", "target_journy", "--version"], timeout=60)
    assert b"target-journy" in shown


def test_a_key_that_may_not_write_fails_the_check(tmp_path: Path, requests_mock: Any, capsys: Any) -> None:
    from target_journy.target import TargetJourny
    from target_journy.transports import DeliveryError

    answer = {"meta": {"requestId": "1", "status": 200}, "data": {"permissions": ["ReadEvents"]}}
    requests_mock.get("https://api.journy.io/validate", json=answer)
    target = TargetJourny(config={"api_key": "masked-from-here-on"})
    with pytest.raises(DeliveryError, match="may not track data, only ReadEvents"):
        target.check()
    answer["data"]["permissions"] = ["ReadEvents", "TrackData"]  # type: ignore[index]
    requests_mock.get("https://api.journy.io/validate", json=answer)
    assert target.check() == 0
    assert "TrackData" in capsys.readouterr().out


def test_the_key_is_masked_in_whatever_a_library_logs(tmp_path: Path) -> None:
    program = (
        "import logging; from target_journy.target import TargetJourny;"
        f"logging.basicConfig(); TargetJourny(config={{'api_key': {KEY!r}}});"
        f"logging.getLogger('urllib3').error('header X-Api-Key: %s', {KEY!r})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "header X-Api-Key: ***" in done.stderr
    assert KEY not in done.stderr
