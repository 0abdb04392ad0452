"""The command, run in this process as a person or Meltano runs it."""

from __future__ import annotations

import json
import logging
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tap_atlassian_marketplace.__main__ import main
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WRONG_TOKEN = "sandbox-token-wrong"


class Result(NamedTuple):
    """How a run ended."""

    returncode: int
    stdout: str
    stderr: str


def errors(result: Result) -> list[str]:
    """The error lines of a run, without their beginnings."""
    return [line.split(" | ", 3)[3] for line in result.stderr.splitlines() if "| ERROR" in line]


@contextmanager
def command(directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Callable[..., Result]]:
    """Give a function that runs the command; what it does to the process is undone afterwards.

    The function takes the configuration, further arguments, `env` and further files by the names of their options. It
    sees to it that no run shows the sandbox's token, an e-mail address on stderr, or a call stack.
    """
    from marketplace_sandbox import credentials

    root = logging.getLogger()
    handlers, level, signals = list(root.handlers), root.level, [signal.getsignal(number) for number in _SIGNALS]
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.chdir(directory)

    def call(config: Any = None, *arguments: str, env: Any = None, **files: Any) -> Result:
        line = [TapAtlassianMarketplace.name, *arguments]
        for name, content in ({"config": config} | files).items():
            if content is not None:
                path = directory / f"{name}.json"
                path.write_text(content if isinstance(content, str) else json.dumps(content))
                line += [f"--{name}", str(path)]
        for variable, value in (env or {}).items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setattr(sys, "argv", line)
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main()
        for handler in set(root.handlers) - set(handlers):
            root.removeHandler(handler)
        captured = capsys.readouterr()
        result = Result(int(exit_.value.code or 0), captured.out, captured.err)
        for text in (result.stdout, result.stderr):
            assert credentials.API_TOKEN not in text.replace(_WRONG_TOKEN, "")
            assert "Traceback" not in text
        assert "@" not in result.stderr
        return result

    yield call
    logging.captureWarnings(False)
    root.setLevel(level)
    for number, handler in zip(_SIGNALS, signals, strict=True):
        signal.signal(number, handler)


def settings(sandbox: Any, directory: Path) -> dict[str, Any]:
    """The settings for a sandbox, with the spool in a directory of its own."""
    from marketplace_sandbox import credentials

    return {
        "email": credentials.VENDOR_EMAIL,
        "api_token": credentials.API_TOKEN,
        "vendor_id": credentials.VENDOR_ID,
        "api_url": sandbox.marketplace_url,
        "spool_dir": str(directory / "spool"),
    }
