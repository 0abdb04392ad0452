"""What docs/in-app-analytics.md shows, as it stands there: events of an app on the accounts of the Marketplace."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from scripts.setup import ROOT
from tests.target.command import command, settings, singer_lines
from tests.target.rows import license_messages, license_row, person

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.target.command import Result

    from marketplace_sandbox.server import Sandbox

NUMBER = "E-1H1-GMZ-Y0K-UJY"
USER = "5b10ac8d82e05b22cc7d4ef5"
TEXT = (ROOT / "docs" / "in-app-analytics.md").read_text(encoding="utf-8")
LICENSE = license_messages(license_row(1, person("ann@acme.com"), appEntitlementNumber=NUMBER))

EVENTS = {
    ("backup_finished", "app:7f1", "2026-03-01T02:00:00Z"),
    ("diagram_created", "app:7f2", "2026-03-01T08:30:00Z"),
    ("diagram_created", "app:7f3", "2026-03-02T11:05:00Z"),
}


def shown(what: str) -> str:
    """The block of code with this label."""
    (found,) = re.findall(rf"<!-- {what} -->\n```\w+\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


@pytest.fixture(params=["journy", "journy_segment", "segment"])
def transport(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Callable[..., Result]]:
    with command(tmp_path, monkeypatch, capsys) as call:
        yield call


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path, transport: str) -> Iterator[dict[str, Any]]:
    """The settings of both runs; what the sandbox could not use, or had to drop, fails the test."""
    yield {**settings(sandbox, tmp_path, transport), "mapping": str(tmp_path / "mapping.yml")}
    for service in (sandbox.segment, sandbox.journy_segment):
        assert (service.discarded, service.unused, service.repeated) == ([], [], [])


def told(sandbox: Sandbox) -> set[tuple[str, str, str]]:
    events = sandbox.journy.events
    found = {(event["name"], event["metadata"]["event_id"], event["triggeredAt"]) for event in events}
    assert len(found) == len(events)
    return found


@pytest.mark.parametrize("licence_first", [True, False])
def test_events_of_another_tap_come_to_the_account(
    sandbox: Sandbox, run: Callable[..., Result], config: dict[str, Any], tmp_path: Path, licence_first: bool
) -> None:
    (tmp_path / "mapping.yml").write_text(shown("mapping accounts"))
    inputs = [singer_lines(LICENSE), shown("records")]
    results = [run(lines, config) for lines in (inputs if licence_first else reversed(inputs))]
    assert [result.returncode for result in results] == [0, 0]
    assert results[0].report["waiting"] == (0 if licence_first else 3)
    assert told(sandbox) == EVENTS
    assert {(event["account"], event["user"]) for event in sandbox.journy.events} == {(NUMBER, None)}
    assert list(sandbox.journy.accounts) == [NUMBER]
    sandbox.journal.clear()
    assert [run(lines, config).returncode for lines in inputs] == [0, 0]
    assert not [call for call in sandbox.journal.calls if call["method"] != "GET"]


def test_events_of_users_within_the_account(
    sandbox: Sandbox, run: Callable[..., Result], config: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "mapping.yml").write_text(shown("mapping users"))
    run(singer_lines(LICENSE), config)
    previewed = run(shown("records"), {**config, "dry_run": True})
    assert previewed.report["preview"] == json.loads(shown("preview"))
    assert sandbox.journy.events == []
    assert run(shown("records"), config).returncode == 0
    assert told(sandbox) == EVENTS
    who = {event["metadata"]["event_id"]: event["user"] for event in sandbox.journy.events}
    assert who == {"app:7f1": None, "app:7f2": USER, "app:7f3": USER}
    assert {event["account"] for event in sandbox.journy.events} == {NUMBER}
    assert sandbox.journy.users.keys() == {"ann@acme.com", USER}
    assert sandbox.journy.users[USER].user_id == USER
    assert sorted(sandbox.journy.accounts[NUMBER].users) == [USER, "ann@acme.com"]


def call_as_shown(what: str, folder: Path, url: str) -> None:
    """Run the code that the document shows, with the environment that it asks for."""
    name = {"curl": "call.sh", "javascript": "track.mjs"}[what]
    program = {"curl": "bash", "javascript": "node"}[what]
    if not shutil.which(program) or not shutil.which("curl"):
        pytest.skip(f"there is no {program} or no curl here to run what the document shows")
    (folder / name).write_text(shown(what))
    environment = {"PATH": os.environ["PATH"], "SEGMENT_URL": url, "SEGMENT_WRITE_KEY": credentials.WRITE_KEY}
    done = subprocess.run([program, name], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("door", ["segment_url", "journy_segment_url"])
def test_what_the_app_tells_itself_comes_to_the_same_account(
    sandbox: Sandbox, run: Callable[..., Result], config: dict[str, Any], tmp_path: Path, door: str
) -> None:
    (tmp_path / "mapping.yml").write_text(shown("mapping users"))
    for lines in (singer_lines(LICENSE), shown("records")):
        assert run(lines, config).returncode == 0
    accounts, users = list(sandbox.journy.accounts), list(sandbox.journy.users)
    sandbox.journy.events.clear()
    for what in ("curl", "javascript"):
        call_as_shown(what, tmp_path, getattr(sandbox, door))
    assert [(event["name"], event["account"], event["user"]) for event in sandbox.journy.events] == [
        ("report_exported", NUMBER, None),
        ("diagram_shared", NUMBER, USER),
    ]
    assert [event["metadata"] for event in sandbox.journy.events] == [{"format": "pdf"}, {"people": 3}]
    assert (list(sandbox.journy.accounts), list(sandbox.journy.users)) == (accounts, users)


def test_an_anonymous_id_alone_is_no_account(sandbox: Sandbox, tmp_path: Path) -> None:
    """Why the document asks for both."""
    call = shown("curl").replace(f'  "context": {{"groupId": "{NUMBER}"}},\n', "")
    assert call != shown("curl")
    (tmp_path / "call.sh").write_text(call)
    environment = {
        "PATH": os.environ["PATH"],
        "SEGMENT_URL": sandbox.segment_url,
        "SEGMENT_WRITE_KEY": credentials.WRITE_KEY,
    }
    subprocess.run(["bash", "call.sh"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert sandbox.journy.accounts == {}
    assert [lost["reason"] for lost in sandbox.segment.unused] == ["an event of neither a user nor an account"]
