"""The runbook's commands do what it says they do, in its order, on a project that has run before."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from scripts.meltano_project import JOURNY, TAP, VENV, install, own_environment
from scripts.setup import ROOT

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.end_to_end.conftest import Project

    from marketplace_sandbox.server import Sandbox

# Words of commands that are run where there is something for them to do: by test_schedule_page.py, and below.
ELSEWHERE = ("make check", "make adopt", "git pull", "--retry-rejected", "forgotten", "MAX_DELETED_PERCENT")


def commands() -> list[str]:
    """The blocks of commands in the runbook."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^    .+\n)+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in blocks]


def only(word: str) -> str:
    """The only block that has a word."""
    (found,) = (command for command in commands() if word in command)
    return found


def paste(command: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command as a person would paste it, but in the environment of the sandbox."""
    meltano = f"{VENV / 'meltano'} --env-file {os.devnull} --log-format uncolored --environment dev"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace(".venv/bin/meltano", meltano)],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )


def execute(command: str, environment: Mapping[str, str]) -> str:
    """Paste a command that must succeed; give what it printed."""
    done = paste(command, environment)
    assert done.returncode == 0, f"{command}\n{done.stderr[-4000:]}"
    return done.stdout


def url_for(postgres: str) -> str:
    return postgres.replace("postgresql:", "postgresql+psycopg:")


def writes(project: Project) -> list[str]:
    """Where journy.io was told something since the last time; the sandbox's journal is empty then."""
    calls = [call for call in project.sandbox.journal.calls if call["side"] == "journy" and call["method"] != "GET"]
    project.sandbox.journal.clear()
    return [call["path"].removeprefix("/journy") for call in calls]


def after_a_run(project: Project, settings: dict[str, str]) -> dict[str, str]:
    """Run the job once, and give the environment in which a person then pastes commands."""
    folder = project.folder
    settings = {"TARGET_JOURNY_REJECTED_PATH": str(folder / "rejected.jsonl"), **settings}
    project.run("marketplace-to-journy", loader=JOURNY, **settings)
    urls = {
        "TAP_ATLASSIAN_MARKETPLACE_API_URL": project.sandbox.marketplace_url,
        "TARGET_JOURNY_API_URL": project.sandbox.journy_url,
    }
    environment = own_environment({**urls, **settings}, folder / "meltano")
    with (folder / "install.log").open("w") as output:
        assert install(TAP, JOURNY, "target-postgres", environment=environment, output=output) == 0
    project.sandbox.journal.clear()
    return environment


@pytest.mark.long
def test_the_commands_of_the_runbook(project: Project, postgres: str, tmp_path: Path) -> None:
    settings = {
        "TARGET_JOURNY_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.db",
        "TARGET_POSTGRES_SQLALCHEMY_URL": url_for(postgres),
    }
    environment = after_a_run(project, settings)
    number = next(
        row["appEntitlementNumber"] for row in project.sandbox.world.licenses if "appEntitlementNumber" in row
    )

    told = []
    for command in commands():
        if any(word in command for word in ELSEWHERE):
            continue
        mine = command.replace("E-123-ABC-DEF-456", number).replace("output/report.json", str(tmp_path / "report.json"))
        if "--copy-ledger-from" in mine:  # where `.env` then says that it is
            mine = mine.replace("sqlite:///target-journy-ledger.db", settings["TARGET_JOURNY_LEDGER_URL"])
            environment["TARGET_JOURNY_LEDGER_URL"] = postgres
        told.append(execute(mine, environment))

    assert "the ledger is at postgresql://" in told[-1]
    execute(".venv/bin/meltano run --full-refresh marketplace-to-journy", environment)
    assert told[0].splitlines()[0].startswith("runs to journy 127.0.0.1:")
    assert "done" in told[0]
    assert '"rehearsal": "dry run"' in (tmp_path / "report.json").read_text(encoding="utf-8")
    # Nothing had changed, so none of it had anything to send.
    assert writes(project) == []
    with psycopg.connect(environment["TARGET_POSTGRES_SQLALCHEMY_URL"].replace("+psycopg", "")) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM marketplace.licenses").fetchone() or (0,)
    assert rows > 0


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.long
def test_what_ci_was_refused_is_seen_and_sent_from_elsewhere(project: Project, postgres: str, tmp_path: Path) -> None:
    types = project.sandbox.journy.types["accounts"]
    types["country"] = "number"
    environment = after_a_run(
        project,
        {
            "TARGET_JOURNY_LEDGER_URL": url_for(postgres),
            "TARGET_JOURNY_MASK_REJECTED": "true",
            "TARGET_JOURNY_MAX_REJECTED_PERCENT": "100",
        },
    )
    kept = lines(tmp_path / "rejected.jsonl")
    assert kept
    assert all(line["reason"].startswith("country: Expected a number") for line in kept)
    assert {line["record"]["country"] for line in kept} == {"***"}

    mine = {"TARGET_JOURNY_REJECTED_PATH": str(tmp_path / "mine.jsonl"), "TARGET_JOURNY_MASK_REJECTED": "false"}
    retry = only("--retry-rejected")
    execute(retry, {**environment, **mine})
    whole = lines(tmp_path / "mine.jsonl")
    assert sorted(line["key"] for line in whole) == sorted(line["key"] for line in kept)
    assert "Germany" in {line["record"]["country"] for line in whole}
    assert not [name for name, row in project.sandbox.journy.accounts.items() if "country" in row.properties]

    # The cause is mended; what was refused is sent, and nothing else.
    types["country"] = "string"
    project.sandbox.journal.clear()
    execute(retry, {**environment, **mine})
    assert writes(project) == ["/accounts/upsert"] * len(whole)
    assert len(lines(tmp_path / "mine.jsonl")) == len(whole)
    countries = {row.properties["country"] for row in project.sandbox.journy.accounts.values()}
    assert "Germany" in countries


@pytest.mark.long
def test_whom_to_erase_by_hand_is_listed_and_found(project: Project, tmp_path: Path) -> None:
    sandbox = project.sandbox
    settings = {
        "TARGET_JOURNY_API_URL": sandbox.segment_url,
        "TARGET_JOURNY_TRANSPORT": "segment",
        "TARGET_JOURNY_WRITE_KEY": credentials.WRITE_KEY,
        "TARGET_JOURNY_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.db",
        "TARGET_JOURNY_REJECTED_PATH": str(tmp_path / "rejected.jsonl"),
        "TARGET_JOURNY_MASK_REJECTED": "true",
        "TARGET_JOURNY_MAX_REJECTED_PERCENT": "100",
    }
    people = holders(sandbox)
    environment = after_a_run(project, settings)
    sandbox.world.step(2)
    after = holders(sandbox)
    erased = {role: email for role, email in people.items() if after.get(role) == "rtbf" != email}
    assert erased
    project.run("marketplace-to-journy", loader=JOURNY, **settings)
    by_hand = [line for line in lines(tmp_path / "rejected.jsonl") if "by hand" in line["reason"]]
    assert len(by_hand) == len(set(erased.values()))

    listed = [json.loads(line)["record"] for line in execute(only("forgotten"), environment).splitlines()]
    assert {(row["account_id"], row["role"]) for row in listed} >= erased.keys()
    assert {line["key"] for line in by_hand} <= {f"{row['license_id']}|{row['role']}" for row in listed}
    for (account, role), email in erased.items():
        held = sandbox.journy.accounts[account]
        assert held.properties[f"{role}_contact_email"] == email
        assert email in held.users


def holders(sandbox: Sandbox) -> dict[tuple[str, str], str]:
    """The address of whoever holds a role, by account id and role."""
    return {
        (row.get("appEntitlementNumber") or row["licenseId"], role): row["contactDetails"][f"{role}Contact"][
            "email"
        ].lower()
        for row in sandbox.world.licenses
        for role in ("technical", "billing")
        if row["contactDetails"].get(f"{role}Contact", {}).get("email")
    }


@pytest.mark.long
def test_what_is_really_gone_is_deleted_when_it_is_allowed(project: Project, tmp_path: Path) -> None:
    environment = after_a_run(
        project, {"TARGET_JOURNY_LEDGER_URL": f"sqlite:///{tmp_path}/ledger.db", "TARGET_JOURNY_DELETES": "soft"}
    )
    licenses = project.sandbox.world._builder.licenses
    gone = licenses[-len(licenses) // 5 :]
    del licenses[-len(gone) :]
    allowing = only("MAX_DELETED_PERCENT")
    refused = paste(re.sub(r"^TARGET_JOURNY_MAX_DELETED_PERCENT=\S+ ", "", allowing), environment)
    assert refused.returncode == 1
    assert "Nothing is deleted" in refused.stderr

    def deleted() -> set[str]:
        accounts = project.sandbox.journy.accounts.items()
        return {name for name, row in accounts if row.properties.get("is_deleted")}

    assert deleted() == set()
    execute(allowing, environment)
    # Of some there are sales still, which makes them accounts.
    assert deleted()
    assert deleted() <= {row.get("appEntitlementNumber") or row["licenseId"] for row in gone}
