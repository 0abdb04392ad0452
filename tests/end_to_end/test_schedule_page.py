"""The commands of docs/schedules.md, pasted one after the other on an empty machine, end in a daily run."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml
from scripts.setup import ROOT
from tests.end_to_end.checkouts import repository
from tests.end_to_end.machine import Machine, access_to
from tests.end_to_end.test_operations import only as runbook

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Project


def commands() -> dict[str, list[str]]:
    """The commands of the page by the first word that tells what the block is for."""
    text = (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    names = ["user", "clone", "first", "cron", "systemd", "github", "gitlab"]
    names += ["other cron", "other systemd", "other github", "adopt"]
    return dict(zip(names, (block.splitlines() for block in blocks), strict=True))


def inline(beginning: str) -> str:
    """The only command of the page within its text that begins so."""
    text = (ROOT / "docs" / "schedules.md").read_text(encoding="utf-8")
    (found,) = set(re.findall(rf"`({re.escape(beginning)}[^`]*)`", text))
    return str(found)


@pytest.mark.long
def test_the_page_leads_to_a_daily_run(
    project: Project, postgres: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = repository(tmp_path_factory.mktemp("source"))
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(source), str(remote)], check=True)
    machine, sandbox = Machine(tmp_path, remote), project.sandbox
    page = commands()

    machine.paste(page["user"])
    machine.paste(page["clone"])
    assert (machine.place / ".env").stat().st_mode & 0o777 == 0o600
    machine.fill_in(access_to(sandbox))
    printed = machine.paste(page["first"])
    assert "Marketplace: ok" in printed
    assert "journy.io: ok" in printed
    assert "## marketplace-to-journy: ok" in printed
    accounts = len(sandbox.journy.accounts)
    assert accounts > 0
    assert machine.paste(runbook("make check").splitlines()).count(": ok: ") == 2

    # cron, a day later, with what other lines there were.
    (machine.notes / "crontab").write_text("1 1 * * *  true\n")
    machine.paste(page["cron"])
    machine.paste(page["cron"])  # once more: nothing comes twice
    other, _, line = machine.noted("crontab")
    assert other == "1 1 * * *  true"
    sandbox.world.step()
    called = line.split(maxsplit=5)[5]
    assert machine.paste([called], HOME=str(tmp_path)) == ""  # nothing to mail
    assert len(sandbox.journy.accounts) > accounts
    # Another job has a line of its own, which stays when the first comes once more.
    machine.paste(page["other cron"])
    machine.paste(page["other cron"])
    machine.paste(page["cron"])
    lines = [entry for entry in machine.noted("crontab") if not entry.startswith("#")]
    assert (len(lines), lines[0], lines[2]) == (3, other, line)
    to_postgres = lines[1].split(maxsplit=5)
    assert to_postgres[:2] == ["47", "5"]
    database = {"TARGET_POSTGRES_SQLALCHEMY_URL": postgres.replace("postgresql:", "postgresql+psycopg:")}
    assert machine.paste([to_postgres[5]], HOME=str(tmp_path), **database) == ""
    with psycopg.connect(postgres) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM marketplace.licenses").fetchone() or (0,)
    assert rows > 0
    # A failure is mailed, with its reason.
    assert "`email` and `api_token`" in machine.paste([called], TAP_ATLASSIAN_MARKETPLACE_API_TOKEN="expired")

    machine.paste(page["systemd"])
    asked = machine.noted("sudo")
    copied = next(line for line in asked if line.startswith("cp "))
    sources = shlex.split(copied)[1:-1]
    assert sorted(machine.place / name for name in sources) == sorted(
        (machine.place / "schedules" / "systemd").iterdir()
    )
    assert asked[0].startswith("useradd --system ")
    assert asked[0].endswith(" marketplace")
    assert asked[2] == "-iu marketplace"
    assert asked[-2:] == ["systemctl daemon-reload", "systemctl enable --now marketplace-to-journy.timer"]

    machine.paste(page["other systemd"])
    assert machine.noted("sudo")[-1] == "systemctl enable --now marketplace-to-postgres.timer"
    assert "ExecStart=/usr/bin/make run JOB=marketplace-to-postgres FULL=sunday" in machine.noted(
        "marketplace-to-postgres.service"
    )
    assert "OnCalendar=*-*-* 05:47:00" in machine.noted("marketplace-to-postgres.timer")

    for service, name in (("github", ".github/workflows/marketplace.yml"), ("gitlab", ".gitlab-ci.yml")):
        machine.paste(page[service])
        pushed = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=remote, capture_output=True, check=True).stdout
        original = {"github": "github-actions.yml", "gitlab": "gitlab-ci.yml"}[service]
        assert pushed == (ROOT / "schedules" / original).read_bytes()

    machine.paste(page["other github"])
    workflow = (machine.place / ".github" / "workflows" / "marketplace-to-postgres.yml").read_text(encoding="utf-8")
    (job,) = (content := yaml.safe_load(workflow))["jobs"].values()
    assert (content["name"], content["concurrency"]["group"]) == (
        "Marketplace to PostgreSQL",
        "marketplace-to-postgres",
    )
    (settings,) = (step["env"] for step in job["steps"] if "run" in step)
    assert settings["JOB"] == "marketplace-to-postgres"
    assert content[True]["schedule"] == [{"cron": "47 5 * * *"}]

    machine.paste(runbook("git pull").splitlines())
    assert "## marketplace-to-journy: ok" in machine.paste([inline("make run MINUTES=")])

    # The ledger is lost.
    for file in machine.place.glob("target-journy-ledger.db*"):
        file.unlink()
    sandbox.journal.clear()
    assert page["adopt"] == runbook("make adopt").splitlines()
    assert "taken as delivered to" in machine.paste(page["adopt"])
    assert "## marketplace-to-journy: ok" in machine.paste([inline("make run FULL=1")])
    assert not [call for call in sandbox.journal.calls if call["side"] == "journy" and call["method"] != "GET"]
