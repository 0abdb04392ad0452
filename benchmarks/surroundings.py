"""What the benchmarks of the loader stand on: a sandbox of its own process, and the tap's output as a file."""

# ruff: noqa: S310, S603 - calls and processes of this machine alone

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEY = credentials.JOURNY_KEY
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0


@contextlib.contextmanager
def sandbox(*options: str) -> Iterator[str]:
    """Run the sandbox in a process of its own and give its address.

    Raises:
        RuntimeError: It did not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "url")
        command = [sys.executable, "-m", "marketplace_sandbox", "--port=0", f"--ready-file={ready}", *options]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield _address(process, ready)
        finally:
            stop(process)


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process, by force if it does not listen."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ask(url: str, body: Any = None) -> Any:
    """The JSON answer of one of the sandbox's control endpoints; a body makes it a POST."""
    content = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, content, {"Content-Type": "application/json"}), timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def write_input(path: Path, licenses: int, streams: Sequence[str]) -> int:
    """Read a made-up vendor by the tap, and keep some of the streams that it writes.

    Returns:
        How many records there are.
    """
    tap = [sys.executable, "-m", "tap_atlassian_marketplace"]
    wanted = tuple(f'"stream":"{name}"'.encode() for name in streams)
    records = 0
    with sandbox(f"--licenses={licenses}", "--no-journal") as url, path.open("wb") as output:
        settings = {
            "email": credentials.VENDOR_EMAIL,
            "api_token": credentials.API_TOKEN,
            "developer_id": credentials.DEVELOPER_ID,
            "api_url": f"{url}/marketplace",
        }
        environment = {f"TAP_ATLASSIAN_MARKETPLACE_{name.upper()}": value for name, value in settings.items()}
        process = subprocess.Popen(
            [*tap, "--config=ENV"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
        )
        for line in process.stdout or ():
            if any(name in line[:80] for name in wanted):
                output.write(line)
                records += b'"RECORD"' in line[:40]
        if process.wait():
            raise RuntimeError(f"the tap ended with {process.returncode}")
    return records


def loader_settings(folder: Path, journy_url: str) -> dict[str, str]:
    """Environment of a run of `target-journy` that keeps its files in a folder."""
    settings = {
        "api_key": KEY,
        "api_url": journy_url,
        "preset": "marketplace-raw",
        "ledger_url": f"sqlite:///{folder / 'ledger.db'}",
        "report_path": str(folder / "report.json"),
        "rejected_path": str(folder / "rejected.jsonl"),
        "events_since": "all",
    }
    return {f"TARGET_JOURNY_{name.upper()}": value for name, value in settings.items()}


def _address(process: subprocess.Popen[bytes], ready: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if ready.exists() and (url := ready.read_text("utf-8").strip()):
            return url
        time.sleep(0.05)
    raise RuntimeError("the sandbox did not start")
