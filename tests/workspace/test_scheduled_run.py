"""`make run` runs a job alone, ends in time, and says on a page how it went; Meltano is played by a small script."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from scripts import scheduled_run
from scripts.run_summary import summary
from scripts.scheduled_run import RunError, given, settings_of_run
from scripts.setup import ROOT, SetupError, in_use
from tests.workspace.scheduled_machine import JOB, Machine, ended, is_over

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo
    from pathlib import Path

REPORT = {
    "destination": "journy api.journy.io",
    "rehearsal": None,
    "adoption": None,
    "streams": {"licenses": {"read": 1200, "delivered": 3, "rejected": 1}},
    "calls": {"upsert_account": 3},
    "created": {"accounts": 2, "events": 0},
    "resumed": 0,
    "waiting": 1,
    "possibly_repeated": 0,
    "rejected_again": 0,
    "changed_mapping": {"contacts": "2026-03-01T05:00:00+00:00", "people": "2026-03-02T05:00:00+00:00"},
    "out_of_time": True,
}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.clear()


def test_a_good_run_shows_its_figures(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text(json.dumps(REPORT))
    machine.meltano('cp given.json "$TARGET_JOURNY_REPORT_PATH"; echo "limit $TARGET_JOURNY_MAX_MINUTES"')
    (tmp_path / "page").write_text("before\n")

    code, printed = machine.run(GITHUB_STEP_SUMMARY=str(tmp_path / "page"))

    assert code == 0
    assert machine.words == [f"--log-format uncolored --environment=prod run {JOB}"]
    assert "limit 90" in printed  # 20 minutes before the run would be stopped
    assert machine.page in printed
    assert (tmp_path / "page").read_text() == f"before\n{machine.page}"
    assert machine.page.splitlines() == [
        f"## {JOB}: ok after 0.0 minutes",
        "",
        "| stream | read | delivered | rejected |",
        "| --- | --: | --: | --: |",
        "| licenses | 1,200 | 3 | 1 |",
        "",
        "- new in journy api.journy.io: 2 accounts, 0 events; 3 write calls",
        "- 1 operations wait in the ledger for a later run",
        (
            "- the mapping has changed of `contacts` (2026-03-01), `people` (2026-03-02): records that do not come "
            "again stay as they were sent; run this job once with `FULL=1`"
        ),
        "- the time that `max_minutes` gives was up: the next run goes on",
    ]


def test_a_warehouse_gives_no_figures() -> None:
    assert summary("marketplace-to-duckdb", 90, [], None) == "## marketplace-to-duckdb: ok after 1.5 minutes\n"


def test_a_run_that_failed_says_why_and_shows_no_older_figures(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / f"{JOB}.json").write_text(json.dumps(REPORT))
    lines = ["[info     ] fine", *(f"[error    ] target-journy <b>reason {n}</b>" for n in range(7))]
    lines.insert(1, "[error    ] meltano      Block run completed")
    script = "\n".join(f"echo '2026-03-02T05:00:00Z {line}' >&2" for line in lines)
    machine.meltano(f"{script}\nexit 1")

    code, printed = machine.run()

    assert code == 1
    assert "reason 6" in printed
    shown = [f"    target-journy <b>reason {n}</b>" for n in range(5)]
    assert machine.page.splitlines() == [f"## {JOB}: failed after 0.0 minutes", "", *shown]


def test_a_failure_without_a_word_has_its_code(machine: Machine) -> None:
    machine.meltano("exit 3")

    assert machine.run()[0] == 1
    assert "    Meltano ended with exit code 3\n" in machine.page


def test_two_runs_of_a_job_never_meet(machine: Machine, tmp_path: Path) -> None:
    machine.meltano("echo >ready; read <go")
    first = machine.start()
    (tmp_path / "ready").read_text()

    code, printed = machine.run()
    assert code == 1
    assert "another run of this job is under way" in printed
    assert len(machine.words) == 1

    # Another job goes on beside it.
    machine.meltano("exit 0")
    assert machine.run("marketplace-to-duckdb")[0] == 0

    # Its own process is gone, but not yet what it started.
    first.kill()
    first.wait()
    assert machine.run()[0] == 1
    (tmp_path / "go").write_text("\n")
    ended(first)  # what it started holds its output open until the end
    assert machine.run()[0] == 0


@pytest.mark.parametrize("how", ["time", "SIGTERM", "SIGINT"])
def test_a_run_that_is_stopped_ends_well_and_has_failed(how: str, machine: Machine, tmp_path: Path) -> None:
    machine.meltano("trap 'echo let it end; exit 0' TERM; echo >ready; while true; do read -t 1 <>go; done")
    process = machine.start(JOB, "--minutes", "0.02" if how == "time" else "60")
    (tmp_path / "ready").read_text()
    if how != "time":
        process.send_signal(getattr(signal, how))

    code, printed = ended(process)

    assert code == 1
    assert "let it end" in printed
    assert ("stopped after 0.02 minutes" if how == "time" else f"stopped by {how}") in machine.page


@pytest.mark.parametrize("how", ["time", "SIGTERM"])
def test_a_run_that_is_stopped_while_it_installs_says_so(how: str, machine: Machine, tmp_path: Path) -> None:
    machine.meltano("exit 0")
    machine.installer("(read <>go) & echo $! >child; echo >ready; wait")
    process = machine.start(JOB, "--minutes", "0.02" if how == "time" else "60")
    (tmp_path / "ready").read_text()
    if how != "time":
        process.terminate()

    assert ended(process)[0] == 1
    assert ("stopped after 0.02 minutes" if how == "time" else "stopped by SIGTERM") in machine.page
    assert "    the plugins could not be installed\n" in machine.page
    assert machine.words == []
    assert is_over((tmp_path / "child").read_text().strip())


def test_no_set_up_changes_the_environment_under_a_run(machine: Machine, tmp_path: Path) -> None:
    machine.meltano("echo >ready; read <go")
    process = machine.start()
    (tmp_path / "ready").read_text()
    with pytest.raises(SetupError, match="a run or another set-up is under way"), in_use(tmp_path, exclusively=True):
        pass
    (tmp_path / "go").write_text("\n")

    assert ended(process)[0] == 0
    with in_use(tmp_path, exclusively=True):
        assert machine.run()[0] == 1
    assert "a set-up is under way in this checkout; try again when it has ended" in machine.page


def test_what_does_not_end_is_killed_with_all_it_started(machine: Machine, tmp_path: Path) -> None:
    machine.meltano("trap '' TERM; (read <>go) & echo $! >child; echo >ready; wait; read <>go")
    process = machine.start(grace=0.2)
    (tmp_path / "ready").read_text()
    process.terminate()

    assert ended(process)[0] == 1  # its output ends: nobody holds it any more
    assert "stopped by SIGTERM" in machine.page
    assert is_over((tmp_path / "child").read_text().strip())


def test_what_meltano_leaves_behind_is_ended(machine: Machine, tmp_path: Path) -> None:
    machine.meltano("(read <>go) >/dev/null 2>&1 & echo $! >child; exit 1")

    assert machine.run()[0] == 1
    assert is_over((tmp_path / "child").read_text().strip())


def test_all_is_read_before_any_of_it_is_adopted(machine: Machine, tmp_path: Path) -> None:
    machine.meltano(
        'if [ "$5" = tap-atlassian-marketplace-customers ]; then echo row; else\n'
        'shift 7; stat -c %a "$1" >mode; cp "$1" rows; echo STATE; fi'
    )

    code, printed = machine.run("adopt")

    assert code == 0
    assert (tmp_path / "rows").read_text() == "row\n"
    assert (tmp_path / "mode").read_text() == "600\n"
    assert "row" not in printed
    assert "STATE" not in printed
    assert [line.split()[3:6] for line in machine.words] == [
        ["invoke", "tap-atlassian-marketplace-customers"],
        ["invoke", "target-journy", "--adopt"],
    ]


def test_half_of_the_rows_are_not_adopted(machine: Machine) -> None:
    machine.meltano("echo row; echo '[error    ] HTTP 503' >&2; exit 1")

    code, printed = machine.run("adopt")

    assert code == 1
    assert "    HTTP 503" in printed
    assert len(machine.words) == 1


def test_an_unknown_job_is_refused_with_those_that_there_are(machine: Machine) -> None:
    code, printed = machine.run("marketplace-to-jorney")

    assert code == 1
    assert "JOB is one of" in printed
    assert JOB in printed
    assert machine.words == []


def test_an_empty_secret_is_none() -> None:
    variables = {"TARGET_JOURNY_EVENTS_SINCE": "", "MELTANO_STATE_BACKEND_URI": "", "TAP_X": "1", "EMPTY": ""}

    assert given(variables) == {"TAP_X": "1", "EMPTY": ""}


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_secrets_that_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / ".env").write_text("TARGET_JOURNY_API_KEY=x\n")
    (tmp_path / ".env").chmod(mode)

    with pytest.raises(RunError, match="chmod 600"):
        settings_of_run(tmp_path, [], 110)


def test_a_ci_job_needs_a_ledger_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"CI": "true"}
    monkeypatch.setattr(scheduled_run, "users_environment", lambda: environment)

    with pytest.raises(RunError, match="TARGET_JOURNY_LEDGER_URL"):
        settings_of_run(tmp_path, ["target-journy"], 110)
    settings_of_run(tmp_path, ["target-duckdb"], 110)
    (tmp_path / ".env").write_text("TARGET_JOURNY_LEDGER_URL=postgresql://x\nTARGET_JOURNY_MAX_MINUTES=7\n")
    (tmp_path / ".env").chmod(0o600)
    found = settings_of_run(tmp_path, ["target-journy"], 110)
    assert "TARGET_JOURNY_MAX_MINUTES" not in found  # what `.env` says stands
    environment["TARGET_JOURNY_MAX_MINUTES"] = "8"
    assert settings_of_run(tmp_path, ["target-journy"], 110)["TARGET_JOURNY_MAX_MINUTES"] == "8"


@pytest.mark.parametrize("minutes", ["0", "-5", "nan", "inf", "1e9", "soon"])
def test_minutes_that_no_run_could_take(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        scheduled_run.main(["marketplace-to-journy", "--minutes", minutes])
    assert "MINUTES must be a number" in capsys.readouterr().err


def test_a_full_run_reads_everything(machine: Machine) -> None:
    machine.meltano("true")

    assert [machine.run(JOB, "--full", text)[0] for text in ("1", "", "0")] == [0, 0, 0]

    run = "--log-format uncolored --environment=prod run"
    assert machine.words == [f"{run} --full-refresh {JOB}", f"{run} {JOB}", f"{run} {JOB}"]


@pytest.mark.parametrize("day", range(7))
def test_a_day_of_the_week_is_that_of_the_machine(day: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls(2026, 3, 2 + day, 23, 30)  # the second was a Monday

    monkeypatch.setattr(scheduled_run, "datetime", Clock)
    names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

    assert [name for name in names if scheduled_run.full(name.capitalize())] == [names[day]]


@pytest.mark.parametrize("text", ["2", "yes", "sun", "sunday,monday"])
def test_a_day_that_there_is_not(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        scheduled_run.main([JOB, "--full", text])
    assert "FULL must be 1 or a day of the week" in capsys.readouterr().err


RUNS = sorted(
    {
        command
        for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
        for command in re.findall(r"(?:`|^ {4}|^)(make run(?: [A-Z]+=\w\S*)*)(?:`|$)", page.read_text(), re.MULTILINE)
    }
)


@pytest.mark.parametrize("command", RUNS)
def test_each_run_of_the_documents_is_one(command: str, machine: Machine) -> None:
    machine.meltano("true")
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True)
    (words,) = re.findall(r"scripts\.scheduled_run (.+)", done.stdout)

    assert machine.run(*shlex.split(words))[0] == 0

    (ran,) = machine.words
    named = re.findall(r" JOB=(\S+)", command)
    assert ran.split()[-1] == (named[0] if named else JOB)
    assert ran.split()[2:4] == ["--environment=prod", "run"]
    if "FULL=1" in command:
        assert "--full-refresh" in ran


def test_the_documents_name_several_runs() -> None:
    assert {"make run", "make run FULL=1", "make run FULL=sunday", "make run MINUTES=50"} < set(RUNS)
    assert sum(" JOB=" in command for command in RUNS) >= 2


def test_make_hands_on_what_the_words_or_the_environment_say() -> None:
    def planned(*words: str, **variables: str) -> str:
        environment = {**os.environ, **variables}
        command = ["make", "--dry-run", "run", *words]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    assert '--full ""' in planned()
    assert '--full "sunday"' in planned("FULL=sunday")
    assert '--full "sunday"' in planned(FULL="sunday")
    assert "scheduled_run marketplace-to-journy --minutes 110 " in planned()
    assert "scheduled_run marketplace-to-duckdb --minutes 50 " in planned(JOB="marketplace-to-duckdb", MINUTES="50")
    assert "scheduled_run marketplace-to-duckdb --minutes 50 " in planned("JOB=marketplace-to-duckdb", "MINUTES=50")
