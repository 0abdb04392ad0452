"""Runs of the import in processes of their own, and what they leave."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.licence_import.rows import STREAM, lines, messages

from marketplace_sandbox import credentials
from marketplace_sandbox.world.apps import TIMESHEETS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.target.processes import Process, Processes

    from marketplace_sandbox.server import Sandbox

OUTCOMES = ("delivered", "unchanged", "already imported", "skipped", "rejected", "waiting", "failed")

QUICK = """
import marketplace_http.retry, target_atlassian_marketplace.service
target_atlassian_marketplace.service._SECONDS_BETWEEN_CALLS = 0
marketplace_http.retry.RetryPolicy.pause = lambda *_: None
"""

# The n-th call of this function kills the process instead.
KILLED_AT = """
import importlib, os, signal, sys
owner, name, left = importlib.import_module({module!r}), {name!r}, {number}
*path, name = name.split(".")
for part in path:
    owner = getattr(owner, part)
original = getattr(owner, name)

def call(*args, **options):
    global left
    left -= 1
    if not left:
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **options)

setattr(owner, name, call)
"""


def killed_at(module: str, name: str, number: int = 1) -> str:
    return KILLED_AT.format(module=f"target_atlassian_marketplace.{module}", name=name, number=number)


def access(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "email": credentials.VENDOR_EMAIL,
        "api_token": credentials.API_TOKEN,
        "app_key": TIMESHEETS,
        "api_url": sandbox.license_service_url,
    }


class Run:
    """A run that has ended."""

    def __init__(self, code: int, out: str, log: str) -> None:
        self.code = code
        self.log = log
        self.states = [json.loads(line) for line in out.splitlines()]
        self.errors = [line for line in log.splitlines() if "ERROR" in line]
        # The SDK warns of an old Python, whatever is done with it.
        self.warnings = [line for line in log.splitlines() if "WARNING" in line and "SingerSDKPythonEOL" not in line]

    def counts(self, stream: str = STREAM) -> dict[str, int]:
        """Outcomes that are not 0, from the summary; they add up."""
        (line,) = re.findall(rf"{stream}: (\d+ read = .*)", self.log)
        numbers = {name: int(number) for number, name in re.findall(r"(\d+) ([a-z ]+?)(?= =|,|$)", line)}
        assert list(numbers) == ["read", *OUTCOMES]
        assert numbers["read"] == sum(numbers[name] for name in OUTCOMES)
        return {name: number for name, number in numbers.items() if number and name != "read"}


class Import:
    """The import of one vendor into one folder.

    Args:
        commands: Start the command.
        folder: Where its files are.
        sandbox: The License Service.
    """

    def __init__(self, commands: Processes, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self._commands = commands

    def start(
        self,
        records: Iterable[dict[str, Any]] = (),
        *,
        text: str | bytes | None = None,
        first: str = "",
        env: dict[str, str] | None = None,
        **settings: Any,
    ) -> Process:
        config = {**access(self.sandbox), **settings}
        config = {name: value for name, value in config.items() if value is not None}
        text = lines(messages(records)) if text is None else text
        return self._commands.start(self.folder, text, config, first=QUICK + first, env=env)

    def end(self, process: Process) -> Run:
        """Wait for a run; whatever comes of it, no key and nobody's address is told."""
        run = Run(process.wait(), process.out, process.log)
        assert "Traceback" not in run.log, run.log
        told = json.dumps(run.states) + run.log
        keys = [licence.license_key for licence in self.sandbox.license_service.licenses.values()]
        assert not [key for key in keys if key in told]
        assert "private.example" not in told
        return run

    def run(self, records: Iterable[dict[str, Any]] = (), *, code: int = 0, **more: Any) -> Run:
        run = self.end(self.start(records, **more))
        assert run.code == code, run.log
        assert len(run.errors) == (code == 1), run.log
        return run

    def file(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    @property
    def results(self) -> list[dict[str, Any]]:
        return self.file("license-results.jsonl")

    @property
    def unverified(self) -> list[dict[str, Any]]:
        return self.file("license-results.unverified.jsonl")

    @property
    def rejected(self) -> list[dict[str, Any]]:
        return self.file("license-rejected.jsonl")

    @property
    def bodies(self) -> dict[str, Any]:
        """What the service imported, by id."""
        return {id_: licence.body for (_, id_), licence in self.sandbox.license_service.licenses.items()}

    @property
    def calls(self) -> list[dict[str, Any]]:
        return self.sandbox.journal.calls

    def check_keys(self, ids: Iterable[str]) -> None:
        """The results have the very licences of the service, each once, and the service has no other."""
        licences = self.sandbox.license_service.licenses
        ids = set(ids)
        assert {line["id"] for line in self.results} == ids
        assert len(self.results) == len(ids)
        for line in self.results:
            assert line["licenseKey"] == licences[line["app_key"], line["id"]].license_key
        assert {id_ for _, id_ in licences} == ids
        assert self.sandbox.license_service.faulty == {}
