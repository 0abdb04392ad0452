"""The commands of "Your own account" in the README, pasted one after the other, lead from a trial to a daily run."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

from scripts.setup import ROOT
from tests.end_to_end.checkouts import lend, repository
from tests.end_to_end.machine import Machine, access_to

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from tests.end_to_end.conftest import Project

APP = "com.sandbox.timesheets"
# What serves until it is stopped is no step.
INLINE = re.compile(r"`((?:install|make) (?!sandbox)[^`]+)`")


def steps() -> list[list[str]]:
    """Each command of the chapter, after all that was exported before it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Your own account\n")[1].split("\n## ")[0]
    found, exported = [], []
    for line in text.splitlines():
        code = [line.strip()] if line.startswith("    ") else INLINE.findall(line)
        for command in code:
            if command.startswith(("export ", "unset ")):
                exported.append(command)
            elif not re.match(r"#|\S+: ok: ", command):  # a remark, and what a command prints
                found.append([*exported, command])
    return found


def test_the_readme_leads_from_a_trial_to_a_daily_run(
    project: Project, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = repository(tmp_path_factory.mktemp("source"))
    machine, sandbox = Machine(tmp_path, source), project.sandbox
    subprocess.run(["git", "clone", "--quiet", str(source), str(machine.place)], check=True)
    lend(machine.place)
    number = next(row["appEntitlementNumber"] for row in sandbox.world.licenses if "appEntitlementNumber" in row)
    chosen = {"E-123-ABC-DEF-456": number, "com.example.app": APP}
    fill_in, check, dry_run, one, one_app, everything, daily, _adopt = (
        [re.sub("|".join(chosen), lambda found: chosen[found[0]], line) for line in step] for step in steps()
    )

    machine.paste(fill_in)
    machine.fill_in(access_to(sandbox))
    assert machine.paste(check).count(": ok: ") == 2

    machine.paste(dry_run)
    assert sandbox.journy.accounts == {}
    preview = json.loads((machine.place / "output" / "report.json").read_text(encoding="utf-8"))["preview"]
    assert {call["account"] for call in preview if call["call"] == "upsert_account"} == {number}

    machine.paste(one)
    assert list(sandbox.journy.accounts) == [number]
    assert sandbox.journy.events

    machine.paste(one_app)
    some = len(sandbox.journy.accounts)
    assert some > 1

    machine.paste(everything)
    assert len(sandbox.journy.accounts) > some

    sandbox.journal.clear()
    assert "## marketplace-to-journy: ok" in machine.paste(daily)
    # The same day: there is nothing new to say.
    assert not [call for call in sandbox.journal.calls if call["side"] == "journy" and call["method"] != "GET"]
