"""The commands of docs/from-the-guide.md, pasted in their order, lead from a trial to everything, over each way."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from scripts.setup import ROOT
from tests.end_to_end.checkouts import lend, repository
from tests.end_to_end.machine import Machine, access_to

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Project

TEXT = (ROOT / "docs" / "from-the-guide.md").read_text(encoding="utf-8")
APP = "com.sandbox.timesheets"
FIRST = "TARGET_JOURNY_EVENTS_SINCE=all"


def told(step: str) -> str:
    """The first piece of code in the right column beside a step of the guide."""
    (cell,) = re.findall(rf"^\| {re.escape(step)}[^|]* \| (.+) \|$", TEXT, re.MULTILINE)
    return str(re.findall(r"`([^`]+[ =][^`]+)`", cell)[0])


def lines_for_segment() -> dict[str, str]:
    """The lines of `.env` in the chapter about Segment."""
    return dict(re.findall(r"^ {7}(TARGET_JOURNY_\w+)=(\S+)", TEXT, re.MULTILINE))


@pytest.fixture
def machine(project: Project, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    source = repository(tmp_path_factory.mktemp("source"))
    machine = Machine(tmp_path, source)
    subprocess.run(["git", "clone", "--quiet", str(source), str(machine.place)], check=True)
    lend(machine.place)
    machine.paste(["install -m 600 .env.example .env"])
    machine.fill_in(access_to(project.sandbox))
    return machine


def trial(project: Project) -> tuple[str, set[str]]:
    """The command of a trial, with two numbers that there are, and these."""
    numbers = [row["appEntitlementNumber"] for row in project.sandbox.world.licenses if "appEntitlementNumber" in row]
    chosen = numbers[:2]
    return told("a trial with one or two").replace("E-1,E-2", ",".join(chosen)), set(chosen)


@pytest.mark.long
def test_each_step_does_what_it_takes_the_place_of(project: Project, machine: Machine) -> None:
    journy = project.sandbox.journy
    command, numbers = trial(project)
    assert machine.paste(["make check"]).count(": ok: ") == 2

    machine.paste([f"{told('looking at what the trial did')} {command}"])
    assert journy.accounts == {}
    preview = json.loads((machine.place / "output" / "report.json").read_text(encoding="utf-8"))["preview"]
    assert {call["account"] for call in preview if call["call"] == "upsert_account"} == numbers
    assert (machine.place / "output" / "report.html").exists()

    assert FIRST in TEXT
    machine.paste([f"{FIRST} {command}"])
    assert journy.accounts.keys() == numbers

    one_app = told("all active licences of one app")
    machine.paste([one_app.replace("com.example.app", APP)])
    active = {
        row.get("appEntitlementNumber") or row["licenseId"]
        for row in project.sandbox.world.licenses
        if (row["addonKey"], row["status"]) == (APP, "active")
    }
    assert journy.accounts.keys() == numbers | active

    machine.paste([told("every day what changed")])
    assert len(journy.accounts) > len(numbers | active)

    project.sandbox.journal.clear()
    machine.paste([told("sending everything again")])
    assert not [call for call in project.sandbox.journal.calls if call["side"] == "journy" and call["method"] != "GET"]


@pytest.mark.long
@pytest.mark.parametrize("transport", ["segment", "journy_segment"])
def test_the_lines_for_segment_bring_the_trial_through_it(project: Project, machine: Machine, transport: str) -> None:
    sandbox = project.sandbox
    door = {"segment": sandbox.segment, "journy_segment": sandbox.journy_segment}[transport]
    chosen = lines_for_segment() | {"TARGET_JOURNY_WRITE_KEY": credentials.WRITE_KEY}
    assert chosen["TARGET_JOURNY_TRANSPORT"] == "segment"
    if transport != "segment":
        del chosen["TARGET_JOURNY_SEGMENT_REGION"]
        chosen["TARGET_JOURNY_TRANSPORT"] = transport
        assert f"`TARGET_JOURNY_TRANSPORT={transport}`" in TEXT
    machine.fill_in(
        {**chosen, "TARGET_JOURNY_API_KEY": "", "TARGET_JOURNY_API_URL": getattr(sandbox, f"{transport}_url")}
    )
    assert machine.paste(["make check"]).count(": ok: ") == 2

    command, numbers = trial(project)
    machine.paste([f"{FIRST} {command}"])
    assert sandbox.journy.accounts.keys() == numbers
    assert {message["type"] for message in door.messages} == {"group", "identify", "track"}
    assert (door.discarded, door.unused) == ([], [])
