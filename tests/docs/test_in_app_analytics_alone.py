"""Without Meltano, the commands of docs/in-app-analytics.md bring licences, and an app's events to their accounts."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from scripts.meltano_project import VENV, strangers_environment
from scripts.setup import ROOT
from tests.docs.stranger import ACCESS

from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (ROOT / "docs" / "in-app-analytics.md").read_text(encoding="utf-8")
NUMBER = "E-1H1-GMZ-Y0K-UJY"


def block(what: str) -> str:
    (found,) = re.findall(rf"<!-- {what} -->\n```\w+\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


def test_the_commands_bring_events_to_accounts(tmp_path: Path) -> None:
    section = TEXT.split("\n### Run it\n")[1].split("\n## ")[0]
    script = "".join(re.findall(r"^    (.*\n)", section, re.MULTILINE)).replace("--config=…", "")
    (tmp_path / "mapping.yml").write_text(block("mapping users"), encoding="utf-8")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("tap-atlassian-marketplace", "target-journy"):
        (programs / name).symlink_to(VENV / name)
    with running(customers=3) as sandbox:
        number = next(filter(None, (row.get("appEntitlementNumber") for row in sandbox.world.licenses)))
        (tmp_path / "events.jsonl").write_text(block("records").replace(NUMBER, number), encoding="utf-8")
        (programs / "your-tap").write_text("#!/bin/sh\ncat events.jsonl\n", encoding="utf-8")
        (programs / "your-tap").chmod(0o755)
        environment = {
            **{name: value for name, value in strangers_environment().items() if name != "CI"},
            **ACCESS,
            "TAP_ATLASSIAN_MARKETPLACE_API_URL": sandbox.marketplace_url,
            "TARGET_JOURNY_API_URL": sandbox.journy_url,
            "PATH": f"{programs}:{os.environ['PATH']}",
        }
        shell = ["bash", "-e", "-o", "pipefail", "-c", script]
        done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]

        assert len(sandbox.journy.accounts) > 1
        told = [event for event in sandbox.journy.events if event["metadata"]["event_id"].startswith("app:")]
        assert [(event["name"], event["account"]) for event in told] == [
            ("backup_finished", number),
            ("diagram_created", number),
            ("diagram_created", number),
        ]
