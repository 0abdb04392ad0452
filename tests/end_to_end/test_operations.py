"""The runbook's commands do what it says they do, in its order, on a project that has run before."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import psycopg
from scripts.meltano_project import JOURNY, TAP, VENV, install, own_environment
from scripts.setup import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.end_to_end.conftest import Project

ELSEWHERE = {
    "make check ENV=prod\n": "tests/workspace/test_check.py",
    "make adopt\n": "tests/end_to_end/test_schedule_page.py",
    "git pull\nmake setup\n.venv/bin/meltano install\n": "tests/end_to_end/test_schedule_page.py",
}


def commands() -> list[str]:
    """The blocks of commands in the runbook."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^    .+\n)+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in blocks]


def execute(command: str, environment: Mapping[str, str]) -> str:
    """Run a command as a person would paste it, but in the environment of the sandbox."""
    meltano = f"{VENV / 'meltano'} --env-file {os.devnull} --log-format uncolored --environment dev"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace(".venv/bin/meltano", meltano)],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr[-4000:]}"
    return done.stdout


def test_the_commands_of_the_runbook(project: Project, postgres: str, tmp_path: Path) -> None:
    settings = {
        "TARGET_JOURNY_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.db",
        "TARGET_JOURNY_REJECTED_PATH": str(tmp_path / "rejected.jsonl"),
        "TARGET_POSTGRES_SQLALCHEMY_URL": postgres.replace("postgresql:", "postgresql+psycopg:"),
    }
    project.run("marketplace-to-journy", loader=JOURNY, **settings)
    urls = {
        "TAP_ATLASSIAN_MARKETPLACE_API_URL": project.sandbox.marketplace_url,
        "TARGET_JOURNY_API_URL": project.sandbox.journy_url,
    }
    environment = own_environment({**urls, **settings}, tmp_path / "meltano")
    with (tmp_path / "install.log").open("w") as output:
        assert install(TAP, JOURNY, "target-postgres", environment=environment, output=output) == 0
    number = next(
        row["appEntitlementNumber"] for row in project.sandbox.world.licenses if "appEntitlementNumber" in row
    )
    project.sandbox.journal.clear()

    told = []
    for command in commands():
        if command in ELSEWHERE:
            continue
        mine = command.replace("E-123-ABC-DEF-456", number).replace("output/report.json", str(tmp_path / "report.json"))
        told.append(execute(mine, environment))

    assert told[0].splitlines()[0].startswith("runs to journy 127.0.0.1:")
    assert "done" in told[0]
    assert '"rehearsal": "dry run"' in (tmp_path / "report.json").read_text(encoding="utf-8")
    # Nothing had changed, so none of it had anything to send.
    calls = [call for call in project.sandbox.journal.calls if call["side"] == "journy"]
    assert [call["path"] for call in calls if call["method"] != "GET"] == []
    with psycopg.connect(environment["TARGET_POSTGRES_SQLALCHEMY_URL"].replace("+psycopg", "")) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM marketplace.licenses").fetchone() or (0,)
    assert rows > 0
