"""`make run` and `make adopt`: one job as a schedule runs it: alone, in good time, with a summary and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

import yaml
from dotenv import dotenv_values
from scripts.meltano_project import CUSTOMERS, JOURNY, VENV, users_environment
from scripts.run_summary import summary
from scripts.setup import ROOT, SetupError, in_use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

MELTANO = (str(VENV / "meltano"), "--log-format", "uncolored")
INSTALLER = (sys.executable, "-m", "scripts.meltano_project")
ADOPT = "adopt"
MOST_MINUTES = 10_000  # a week
GRACE_SECONDS = 90.0
"""How long a run that was told to stop may take for the calls under way."""
SPARE_MINUTES = 20.0
"""The loader stops sending so long before the run would be stopped, if nobody says otherwise."""
MOST_ERRORS = 5
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SETTING = re.compile(r"(MELTANO|TAP|TARGET)_")
_ERROR = re.compile(r"\[(?:error|critical)\s*\] +(?!meltano +Block run completed)(.+)")


class RunError(Exception):
    """The run cannot be started or did not end well; the text says why."""


def given(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without empty settings: a secret that CI does not have comes as an empty variable."""
    return {name: value for name, value in variables.items() if value or not _SETTING.match(name)}


def plugins_of(job: str) -> list[str]:
    """Return the plugins that a job needs installed; one that inherits from another is installed with that.

    Raises:
        RunError: There is no such job.
    """
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    jobs = {entry["name"]: " ".join(entry["tasks"]).split() for entry in project["jobs"]}
    if job not in jobs:
        raise RunError(f"there is no job {job!r}; JOB is one of {', '.join(jobs)}")
    parents = {
        plugin["name"]: plugin["inherit_from"]
        for plugins in project["plugins"].values()
        for plugin in plugins
        if "namespace" not in plugin and "inherit_from" in plugin
    }
    return [parents.get(name, name) for name in jobs[job]]


def settings_of_run(folder: Path, plugins: list[str], minutes: float) -> dict[str, str]:
    """Return the environment of the run, once it gives no secret away and keeps the memory of what was sent.

    Args:
        folder: Where `.env` is, if there is one.
        plugins: What the job uses.
        minutes: After so many the run is stopped; the loader ends well before, so that a long first load is no failure.

    Raises:
        RunError: `.env` is open to others, or a CI job would leave its ledger behind.
    """
    file = folder / ".env"
    if file.exists() and file.stat().st_mode & 0o077:
        raise RunError("others can read .env, which holds secrets: chmod 600 .env")
    environment = given(users_environment())
    known = {**(dotenv_values(file) if file.exists() else {}), **environment}
    if JOURNY in plugins and known.get("CI") and not known.get("TARGET_JOURNY_LEDGER_URL"):
        raise RunError("a CI job keeps no file: set TARGET_JOURNY_LEDGER_URL to a PostgreSQL")
    if not known.get("TARGET_JOURNY_MAX_MINUTES"):
        environment["TARGET_JOURNY_MAX_MINUTES"] = f"{max(minutes - SPARE_MINUTES, minutes / 2, 1):.0f}"
    return environment


@contextlib.contextmanager
def alone(job: str, folder: Path) -> Iterator[int]:
    """Be the only run of a job in this checkout; give the descriptor that holds the lock for as long as it is open.

    Raises:
        RunError: Another run is under way.
    """
    folder.mkdir(exist_ok=True)
    with (folder / f"{job}.lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError("another run of this job is under way in this checkout; this one did nothing") from None
        yield lock.fileno()


@contextlib.contextmanager
def environment_kept() -> Iterator[int]:
    """Let no set-up change `.venv` meanwhile; give the descriptor that holds the lock.

    Raises:
        RunError: A set-up is under way.
    """
    try:
        with in_use(ROOT, exclusively=False) as lock:
            yield lock
    except SetupError as error:
        raise RunError(str(error)) from None


class Run:
    """The commands of one run, each with all the processes that it starts.

    Args:
        environment: The environment of the commands.
        locks: Descriptors that they keep open, so that the locks outlive this process if they do.

    Attributes:
        errors: The first lines of the log that tell of an error.
        stopped: Why the run was told to stop; "" as long as it was not.
    """

    def __init__(self, environment: Mapping[str, str], locks: Sequence[int]) -> None:
        self.errors: list[str] = []
        self.stopped = ""
        self._environment = dict(environment)
        self._locks = locks
        self._process: subprocess.Popen[str] | None = None
        self._grace = GRACE_SECONDS
        self._timers: list[threading.Timer] = []

    def stop(self, why: str) -> None:
        """Let the calls under way end, then end the commands; by force if that takes too long."""
        if self.stopped:
            return
        self.stopped = why
        self._end_if_stopped()

    def limit(self, seconds: float, why: str) -> None:
        """Stop the run after so many seconds."""
        self._after(seconds, lambda: self.stop(why))

    def close(self) -> None:
        """Forget all limits."""
        for timer in self._timers:
            timer.cancel()

    def command(self, *words: str, rows: IO[Any] | int | None = None, program: Sequence[str] = ()) -> int:
        """Run a command, show its log, and return its exit code.

        Args:
            words: The command.
            rows: Where its standard output goes, if that is no log.
            program: What takes it; Meltano by default.
        """
        if self.stopped:
            return 1
        self._grace = 0.0 if program else GRACE_SECONDS  # an installer has no calls under way
        log = subprocess.PIPE
        self._process = subprocess.Popen(
            [*(program or MELTANO), *words],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log if rows is None else rows,
            stderr=subprocess.STDOUT if rows is None else log,
            pass_fds=self._locks,
            start_new_session=True,
            text=True,
            errors="replace",
        )
        self._end_if_stopped()  # meanwhile
        shown = self._process.stdout if rows is None else self._process.stderr
        reader = threading.Thread(target=self._show, args=(shown or (),), daemon=True)
        reader.start()
        while reader.is_alive():
            reader.join(1.0)  # a signal that comes just as a wait without end begins would wait as long
        code = self._process.wait()
        self._kill()  # what it may have left behind
        return code

    def _show(self, lines: Iterable[str]) -> None:
        for line in lines:
            print(line, end="", flush=True)
            if (found := _ERROR.search(line)) and len(self.errors) < MOST_ERRORS:
                self.errors.append(found.group(1).strip())

    def _end_if_stopped(self) -> None:
        if self.stopped and self._process:
            self._process.terminate()
            self._after(self._grace, self._kill)

    def _after(self, seconds: float, action: Any) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _kill(self) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def deliver(run: Run, job: str, environment: str, *, full: bool) -> int:
    """Run a job, `full` without its state, so that everything is read; return the exit code."""
    return run.command(f"--environment={environment}", "run", *(["--full-refresh"] if full else []), job)


def adopt(run: Run, environment: str) -> int:
    """Read everything, then take it as delivered; half of it would leave the other half to be sent twice."""
    chosen = f"--environment={environment}"
    with tempfile.NamedTemporaryFile() as rows:  # for its owner only
        code = run.command(chosen, "invoke", CUSTOMERS, rows=rows)
        if code:
            return code
        return run.command(chosen, "invoke", JOURNY, "--adopt", "--input", rows.name, rows=subprocess.DEVNULL)


def perform(job: str, environment: str, minutes: float, report: Path, *, full: bool = False) -> list[str]:
    """Run a job, or adopt; return what went wrong, nothing if all went well.

    Args:
        job: Name of the job, or `adopt`.
        environment: Name of the Meltano environment.
        minutes: After so many the run is stopped.
        report: Where the loader writes its figures.
        full: Whether the job reads everything, whatever earlier runs have read.

    Raises:
        RunError: The run could not start.
    """
    work = "marketplace-to-journy" if job == ADOPT else job
    plugins = plugins_of(work)
    variables = settings_of_run(ROOT, plugins, minutes)
    with alone(work, ROOT / ".meltano") as lock, environment_kept() as environment_lock:
        report.parent.mkdir(exist_ok=True)
        report.unlink(missing_ok=True)
        run = Run({**variables, "TARGET_JOURNY_REPORT_PATH": str(report)}, (lock, environment_lock))
        # Handed on: Meltano and the plugins are in a session of their own, and end well when they are asked to.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda got, _: run.stop(f"stopped by {signal.Signals(got).name}"))
        run.limit(minutes * 60, f"stopped after {minutes:g} minutes, the time that MINUTES gives")
        try:
            if run.command(*plugins, program=INSTALLER):
                return [*filter(None, [run.stopped]), "the plugins could not be installed", *run.errors]
            code = adopt(run, environment) if job == ADOPT else deliver(run, job, environment, full=full)
        finally:
            run.close()
    if not code and not run.stopped:
        return []
    return [*filter(None, [run.stopped]), *(run.errors or [f"Meltano ended with exit code {code}"])]


def figures(report: Path) -> dict[str, Any] | None:
    """Return what the loader reported; None where it did not, as the loaders of warehouses do not."""
    try:
        content = json.loads(report.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def minutes(text: str) -> float:
    """Read after how many minutes a run is stopped.

    Raises:
        ArgumentTypeError: It is no time that a run could take.
    """
    try:
        found = float(text)
    except ValueError:
        found = 0
    if not 0 < found <= MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"MINUTES must be a number up to {MOST_MINUTES}")
    return found


def full(text: str) -> bool:
    """Read whether a run of today reads everything: always (1), never (0 or nothing), or on one day of the week.

    Raises:
        ArgumentTypeError: It says neither.
    """
    word = text.strip().lower()
    if word in DAYS:
        return DAYS.index(word) == datetime.now().astimezone().weekday()
    if word not in ("", "0", "1"):
        raise argparse.ArgumentTypeError(f"FULL must be 1 or a day of the week, one of {', '.join(DAYS)}")
    return word == "1"


def main(arguments: list[str]) -> int:
    """Run what is asked for and tell how it went; return 0 only if all went well."""
    parser = argparse.ArgumentParser(prog="make run", allow_abbrev=False)
    parser.add_argument("job", help=f"a job of meltano.yml, or `{ADOPT}`")
    parser.add_argument("--environment", default="prod")
    parser.add_argument("--minutes", type=minutes, default=110)
    parser.add_argument("--full", type=full, default=False)
    chosen = parser.parse_args(arguments)
    os.umask(0o077)  # what a run writes is about people
    folder = ROOT / "output"
    report = folder / f"{chosen.job}.json"
    started = time.monotonic()
    try:
        problems = perform(chosen.job, chosen.environment, chosen.minutes, report, full=chosen.full)
        found = figures(report)
    except RunError as error:
        problems, found = [str(error)], None
    except OSError as error:  # the page must not go on telling of an earlier run
        problems, found = [f"{error.filename or 'a file'}: {error.strerror}"], None
    text = summary(chosen.job, time.monotonic() - started, problems, found)
    print(f"\n{text}", flush=True)
    folder.mkdir(exist_ok=True)
    (folder / f"{chosen.job}.md").write_text(text, encoding="utf-8")
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(page, "a", encoding="utf-8") as file:  # noqa: PTH123 - the file that GitHub names
            file.write(text)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
