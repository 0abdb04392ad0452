"""The loader's command in processes of its own, which can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# Importing the SDK takes seconds: this process does it once and forks for every command.
_FORKS = """
import json, os, sys
import {modules}
import {command} as command
for line in sys.stdin:
    job = json.loads(line)
    if not (pid := os.fork()):
        os.chdir(job["folder"])
        for number, name in enumerate(("in", "out", "log")):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | (os.O_TRUNC if number else 0), 0o600), number)
        sys.stdin = open(0, encoding="utf-8")
        os.environ.update(job["env"])
        sys.argv = [{name!r}, *job["options"]]
        exec(job["first"])
        try:
            command.main()
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(end.code or 0)
        os._exit(99)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Process:
    """A command that runs.

    Args:
        pid: Its number.
        folder: Where its files are.
        forks: Tells when it has ended.
    """

    def __init__(self, pid: int, folder: Path, forks: subprocess.Popen[str]) -> None:
        self._pid = pid
        self._folder = folder
        self._forks = forks

    def kill(self) -> None:
        """End it without a warning."""
        os.kill(self._pid, signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        os.kill(self._pid, signal.SIGTERM)

    def wait(self) -> int:
        """Its exit code, negative for a signal."""
        assert self._forks.stdout
        return int(self._forks.stdout.readline())

    @property
    def out(self) -> str:
        """What it wrote to stdout."""
        return (self._folder / "out").read_text()

    @property
    def log(self) -> str:
        """What it wrote to stderr."""
        return (self._folder / "log").read_text()

    @property
    def errors(self) -> list[str]:
        """The lines that tell what went wrong."""
        return [line for line in self.log.splitlines() if "| ERROR" in line]


class Processes:
    """Starts commands, one at a time."""

    def __init__(self, forks: subprocess.Popen[str]) -> None:
        self._forks = forks

    def start(
        self,
        folder: Path,
        text: str | bytes,
        config: dict[str, object],
        *options: str,
        first: str = "",
        env: dict[str, str] | None = None,
    ) -> Process:
        """Start the command.

        Args:
            folder: Its working directory.
            text: Its stdin.
            config: Its settings.
            options: Further options.
            first: Python that the process runs before the command.
            env: Environment variables.
        """
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "in").write_bytes(text if isinstance(text, bytes) else text.encode())
        options = ("--config", "config.json", *options)
        job = {"folder": str(folder), "options": options, "first": first, "env": env or {}}
        assert self._forks.stdin
        assert self._forks.stdout
        self._forks.stdin.write(json.dumps(job) + "\n")
        self._forks.stdin.flush()
        return Process(int(self._forks.stdout.readline()), folder, self._forks)


@contextmanager
def processes(name: str = "target-journy", modules: Sequence[str] = ("target_journy.ledger",)) -> Iterator[Processes]:
    """Give what starts commands.

    Args:
        name: The command.
        modules: What is imported beforehand, because it takes long.
    """
    package = name.replace("-", "_")
    forks = _FORKS.format(name=name, command=f"{package}.__main__", modules=", ".join((package, *modules)))
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    with subprocess.Popen(
        [sys.executable, "-c", forks], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield Processes(process)
        assert process.stdin
        process.stdin.close()
