"""`make demo` shows the main job; whatever happens, its sandbox stops and its exit code follows."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from scripts import demo
from scripts.setup import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def listens(address: str) -> bool:
    parts = urlsplit(address.strip())
    with socket.socket() as client:
        return client.connect_ex((parts.hostname, parts.port)) == 0


def test_a_job_that_fails_is_shown_and_the_sandbox_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / ".demo"
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    monkeypatch.setattr(demo, "FOLDER", folder)
    monkeypatch.setattr(demo, "LOG", folder / "meltano.log")
    seen = []

    def failing(*_: str, output: IO[str], **__: Any) -> int:
        seen.append(listens((folder / "sandbox.url").read_text()))
        output.write("2026-03-02T05:00:00Z [info     ] meltano      Run started\n")
        output.write("2026-03-02T05:00:01Z [error    ] target-journy the key is wrong\n")
        return 1

    monkeypatch.setattr(demo, "install", lambda *_, **__: 0)
    monkeypatch.setattr(demo, "meltano", failing)

    code = demo.main()

    shown = capsys.readouterr()
    assert code == 1
    assert seen == [True]
    assert not listens((folder / "sandbox.url").read_text())
    assert "error target-journy the key is wrong" in shown.err
    assert "Run started" not in shown.err
    assert ".demo/meltano.log" in shown.err


@pytest.mark.long
def test_the_demo_shows_two_days() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.demo"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    first, second = (json.loads((demo.FOLDER / f"report-{number}.json").read_text()) for number in (1, 2))
    journy = json.loads((demo.FOLDER / "journy.json").read_text())
    assert len(journy["accounts"]) == first["created"]["accounts"] + second["created"]["accounts"] > 0
    assert len(journy["users"]) == first["created"]["users"] + second["created"]["users"] > 0
    assert 0 < sum(second["calls"].values()) < sum(first["calls"].values()) / 5
    assert "created in journy.io" in done.stdout
    shown = [
        line for line in done.stdout.splitlines() if any(line.startswith(f"  {name}  ") for name in journy["accounts"])
    ]
    assert any(re.search(r"people, active, .*, MRR \$[\d.]+, renewal \d{4}-\d{2}-\d{2}$", line) for line in shown), (
        shown
    )
    assert not listens((demo.FOLDER / "sandbox.url").read_text())
