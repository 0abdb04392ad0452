"""The README's lines that adopt and move a ledger: no event is told twice after them, nor after a wrong one."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from scripts.meltano_project import CUSTOMERS, JOURNY, TAP, VENV, install, own_environment, strangers_environment
from scripts.setup import ROOT
from tests.docs.stranger import ACCESS

from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

pytestmark = pytest.mark.long


def line(option: str, program: str) -> str:
    """The line of the README that begins with a program and gives an option."""
    text = (ROOT / JOURNY / "README.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^ {{4,}}({program} .*{option}.*)$", text, re.MULTILINE)
    return str(found)


def paste(script: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running(customers=10) as sandbox:
        yield sandbox


def writes(sandbox: Sandbox) -> list[str]:
    """The calls to journy.io that send anything, since they were looked at last."""
    calls = [call["path"] for call in sandbox.journal.calls if call["side"] == "journy" and call["method"] != "GET"]
    sandbox.journal.clear()
    return calls


def urls(sandbox: Sandbox) -> dict[str, str]:
    return {
        "TAP_ATLASSIAN_MARKETPLACE_API_URL": sandbox.marketplace_url,
        "TARGET_JOURNY_API_URL": sandbox.journy_url,
        "TARGET_JOURNY_REQUIRE_LEDGER": "true",
    }


def test_without_meltano(sandbox: Sandbox, tmp_path: Path) -> None:
    environment = {
        **strangers_environment(),
        **ACCESS,
        **urls(sandbox),
        "PATH": f"{VENV}:{os.environ['PATH']}",
        "TARGET_JOURNY_PRESET": "marketplace-raw",
    }
    every_day = f"{TAP} --config=ENV | {JOURNY} --config=ENV"
    first = paste(every_day, tmp_path, {**environment, "TARGET_JOURNY_EVENTS_SINCE": "all"})
    assert first.returncode == 0, first.stderr[-3000:]
    assert "/journy/track" in writes(sandbox)

    # The ledger is lost; the preset does not fit at first.
    (tmp_path / "target-journy-ledger.db").rename(tmp_path / "lost.db")
    adopt = line("--adopt", TAP)
    wrong = paste(adopt, tmp_path, {**environment, "TARGET_JOURNY_PRESET": "marketplace"})
    assert wrong.returncode == 1
    assert "nothing was adopted" in wrong.stderr
    assert "the ledger is empty" in paste(every_day, tmp_path, environment).stderr
    assert paste(adopt, tmp_path, environment).returncode == 0
    again = paste(every_day, tmp_path, environment)
    assert (again.returncode, writes(sandbox)) == (0, []), again.stderr[-3000:]

    # It is found again, and moved.
    (tmp_path / "lost.db").rename(tmp_path / "target-journy-ledger.db")
    environment["TARGET_JOURNY_LEDGER_URL"] = "sqlite:///moved.db"
    moved = paste(line("--copy-ledger-from", JOURNY), tmp_path, environment)
    assert moved.stdout.splitlines()[-1].startswith("the ledger is at sqlite:///moved.db now"), moved.stderr[-3000:]
    again = paste(every_day, tmp_path, environment)
    assert (again.returncode, writes(sandbox)) == (0, []), again.stderr[-3000:]


def test_with_meltano(sandbox: Sandbox, tmp_path: Path) -> None:
    environment = own_environment(
        {
            **urls(sandbox),
            "TARGET_JOURNY_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.db",
            "TARGET_JOURNY_REJECTED_PATH": str(tmp_path / "rejected.jsonl"),
        },
        tmp_path / "meltano",
    )
    with (tmp_path / "install.log").open("w") as output:
        assert install(TAP, JOURNY, environment=environment, output=output) == 0
    meltano = f"{VENV / 'meltano'} --env-file {os.devnull} --log-format uncolored --environment dev"

    def ask(script: str, **settings: str) -> subprocess.CompletedProcess[str]:
        script = script.replace("meltano ", f"{meltano} ").replace("rows.jsonl", str(tmp_path / "rows.jsonl"))
        return paste(script, ROOT, {**environment, **settings})

    every_day = "meltano run marketplace-to-journy"
    first = ask(every_day, TARGET_JOURNY_EVENTS_SINCE="all")
    assert first.returncode == 0, first.stderr[-3000:]
    assert "/journy/track" in writes(sandbox)

    (tmp_path / "ledger.db").unlink()
    adopt = line("--adopt", "meltano")
    wrong = ask(adopt.replace(CUSTOMERS, TAP))
    assert wrong.returncode != 0
    assert "nothing was adopted" in wrong.stderr
    refused = ask(every_day)
    assert refused.returncode != 0
    assert "the ledger is empty" in refused.stderr + refused.stdout
    assert writes(sandbox) == []
    adopted = ask(adopt)
    assert adopted.returncode == 0, adopted.stderr[-3000:]
    again = ask("meltano run --full-refresh marketplace-to-journy")
    assert (again.returncode, writes(sandbox)) == (0, []), again.stderr[-3000:]
