"""The loader's command, run in this process as a person or Meltano runs it."""

from __future__ import annotations

import json
import logging
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.runs import segment_settings

from marketplace_sandbox import credentials
from target_journy.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.target.runs import Message

    from marketplace_sandbox.server import Sandbox

KEYS = {
    "licenses": ["id"],
    "contacts": ["license_id", "role"],
    "transactions": ["transactionId", "transactionLineItemId"],
}
SCHEMAS = [
    {"type": "SCHEMA", "stream": stream, "schema": {"properties": {name: {} for name in keys}}, "key_properties": keys}
    for stream, keys in KEYS.items()
]


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    returncode: int
    stdout: str
    stderr: str
    report: dict[str, Any]

    @property
    def states(self) -> list[Any]:
        """The values of the STATE messages that came out."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def errors(self) -> list[str]:
        """The lines that tell what went wrong."""
        return [line for line in self.stderr.splitlines() if "| ERROR" in line]


def singer_lines(messages: Iterable[Message], *, after: int = 0) -> str:
    """The output of a tap that tells after each record how far it is; resumed, it leaves out what came before.

    Args:
        messages: Streams and records.
        after: The number of the record that is known to be dealt with.
    """
    lines: list[Any] = list(SCHEMAS)
    for number, (stream, record) in enumerate(messages, 1):
        if number > after:
            lines.append({"type": "RECORD", "stream": stream, "record": record})
            lines.append({"type": "STATE", "value": number})
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def settings(sandbox: Sandbox, folder: Path, transport: str = "journy") -> dict[str, Any]:
    """The settings for a sandbox, with all files in a folder; memberships end where the transport can do that."""
    over_segment = {**segment_settings(sandbox, transport), "memberships": "add"}
    return {
        "api_key": credentials.JOURNY_KEY,
        "api_url": sandbox.journy_url,
        "preset": "marketplace-raw",
        "ledger_url": f"sqlite:///{folder}/ledger.db",
        "report_path": str(folder / "report.json"),
        "rejected_path": str(folder / "rejected.jsonl"),
        "requests_per_minute": 1_000_000,
        "memberships": "sync",
        **(over_segment if transport != "journy" else {}),
    }


@contextmanager
def command(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Callable[..., Result]]:
    """Give a function that runs the command; what it does to the process is undone afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.chdir(folder)

    def call(text: str | bytes, config: dict[str, Any], *options: str) -> Result:
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "input.jsonl").write_bytes(text if isinstance(text, bytes) else text.encode())
        report = folder / "report.json"
        report.unlink(missing_ok=True)
        files = ["--config", str(folder / "config.json"), "--input", str(folder / "input.jsonl")]
        monkeypatch.setattr(sys, "argv", ["target-journy", *files, *options])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        for handler in set(root.handlers) - set(handlers):
            root.removeHandler(handler)
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        told = json.loads(report.read_text()) if report.exists() else {}
        return Result(int(end.value.code or 0), shown.out, shown.err, told)

    yield call
    logging.captureWarnings(False)
    root.setLevel(level)
    for number, handler in signals.items():
        signal.signal(number, handler)
