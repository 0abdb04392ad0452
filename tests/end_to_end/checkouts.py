"""Fresh checkouts of this workspace, as a scheduler's machines have them, and the schedule's command in one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.meltano_project import JOURNY, PLUGIN_KINDS, TAP, install, users_environment
from scripts.setup import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OF_A_RUN = ("MELTANO_", "TAP_", "TARGET_", "GITHUB_", "CI", "MAKE", "MFLAGS")
_GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def repository(folder: Path) -> Path:
    """Commit the working tree as it is into a repository of its own, which can be cloned."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "All"]):
        subprocess.run([*_GIT, *words], cwd=folder, check=True)
    return folder


def lend(folder: Path) -> None:
    """Let a checkout use what this one has installed for the job of journy.io, so that it need not install the same."""
    # Or else the checkout's own `make setup` would find what is lent out of date, and fill it with itself.
    subprocess.run(["make", "--silent", "setup"], cwd=ROOT, check=True)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / ".meltano").mkdir()
    with (folder / "install.log").open("w", encoding="utf-8") as log:
        assert install(TAP, JOURNY, environment=bare_environment(), output=log) == 0, (
            folder / "install.log"
        ).read_text()
    for kind in PLUGIN_KINDS:
        (folder / ".meltano" / kind).symlink_to(ROOT / ".meltano" / kind)


def bare_environment() -> dict[str, str]:
    """The environment without any setting of a run."""
    return {name: value for name, value in users_environment().items() if not name.startswith(_OF_A_RUN)}


@dataclass
class Checkout:
    """A fresh checkout in which the schedule runs once.

    Attributes:
        folder: Where it is.
        settings: The only settings that it knows.
    """

    folder: Path
    settings: Mapping[str, str]

    def start(self, *words: str, **settings: str) -> subprocess.Popen[str]:
        """Start `make run`, or other words of make, with further settings."""
        with (self.folder / "schedule.log").open("a", encoding="utf-8") as log:
            return subprocess.Popen(
                ["make", *(words or ["run"])],
                cwd=self.folder,
                env={**bare_environment(), **self.settings, "GITHUB_STEP_SUMMARY": str(self.page), **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def run(self, *words: str, **settings: str) -> int:
        """Run it to its end; return the exit code."""
        return self.start(*words, **settings).wait(300)

    @property
    def page(self) -> Path:
        """The summary page of the job."""
        return self.folder / "summary.md"

    @property
    def log(self) -> str:
        """All that was printed."""
        return (self.folder / "schedule.log").read_text(encoding="utf-8")


def clone(source: Path, folder: Path, settings: Mapping[str, str]) -> Checkout:
    """Clone a repository."""
    subprocess.run(["git", "clone", "--quiet", str(source), str(folder)], check=True)
    return Checkout(folder, settings)


def kill_all(process: subprocess.Popen[str]) -> None:
    """Kill a process and all that it started, without a warning, as a machine that goes down does."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
    parents = [tuple(map(int, line.split())) for line in listed.splitlines()]
    doomed = [process.pid]
    for found in doomed:
        doomed += [pid for pid, parent in parents if parent == found]
    for pid in doomed:
        os.kill(pid, signal.SIGKILL)
    process.wait()
