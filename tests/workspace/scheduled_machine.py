"""A folder in which `make run` does its work, with a small script in place of Meltano."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from scripts.setup import ROOT

if TYPE_CHECKING:
    from pathlib import Path

JOB = "marketplace-to-journy"
WRAPPER = """
import sys
from pathlib import Path
from scripts import scheduled_run as script
script.ROOT = Path(sys.argv[1])
script.MELTANO = [str(script.ROOT / "meltano"), "--log-format", "uncolored"]
script.INSTALLER = [str(script.ROOT / "install")]
script.GRACE_SECONDS = float(sys.argv[2])
sys.exit(script.main(sys.argv[3:]))
"""


class Machine:
    """A folder in which the schedule runs, with a Meltano that does as told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(ROOT / "meltano.yml", folder)
        self._started: list[subprocess.Popen[str]] = []
        self.installer("exit 0")
        os.mkfifo(folder / "ready")
        os.mkfifo(folder / "go")

    def meltano(self, script: str) -> None:
        """Say what Meltano does: a shell script."""
        self._program("meltano", f'echo $$ >>pids; echo "$@" >>words\n{script}')

    def installer(self, script: str) -> None:
        """Say what the installing of plugins does: a shell script."""
        self._program("install", script)

    def _program(self, name: str, script: str) -> None:
        file = self.folder / name
        file.write_text(f'#!/bin/bash\ncd "{self.folder}"\n{script}\n')
        file.chmod(0o755)

    def start(self, *words: str, grace: float = 60, **variables: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WRAPPER, str(self.folder), str(grace), *(words or [JOB])]
        clean = {name: value for name, value in os.environ.items() if name not in {"CI", "GITHUB_STEP_SUMMARY"}}
        environment = {**clean, "TARGET_JOURNY_LEDGER_URL": "postgresql://x", **variables}
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._started.append(process)
        return process

    def run(self, *words: str, grace: float = 60, **variables: str) -> tuple[int, str]:
        """The exit code, and what was printed."""
        return ended(self.start(*words, grace=grace, **variables))

    def clear(self) -> None:
        """End what a test that failed may have left."""
        for process in self._started:
            process.kill()
        pids = self.folder / "pids"
        for pid in pids.read_text().split() if pids.exists() else ():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(pid), signal.SIGKILL)
        for process in self._started:
            process.communicate(timeout=60)

    @property
    def page(self) -> str:
        return (self.folder / "output" / f"{JOB}.md").read_text(encoding="utf-8")

    @property
    def words(self) -> list[str]:
        file = self.folder / "words"
        return file.read_text().splitlines() if file.exists() else []


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    printed, _ = process.communicate(timeout=60)
    return process.returncode, printed


def is_over(pid: str) -> bool:
    states = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout
    return not states.strip() or states.startswith("Z")
