"""What a command took: time, processor time and memory."""

# ruff: noqa: S603 - the commands of the benchmarks

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SECONDS = 0.5  # between two looks at the memory of processes beside
RECORD = b'{"type":"RECORD",'
# A process counts the memory of the one that started it, too: so a small one does.
_STARTER = """\
import json, os, sys
process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
with open(sys.argv[1], "w") as file:
    json.dump([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss], file)
"""
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Measurement:
    """What one run took.

    Attributes:
        records: Records that it wrote.
        seconds: From its start to its end.
        cpu_seconds: Processor time of its own.
        peak_mb: Most resident memory of all its processes together, in units of 1,000,000 bytes; what they share
            counts for each.
    """

    records: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


def measure(command: Sequence[str], settings: Mapping[str, str], record: bytes | None = RECORD) -> Measurement:
    """Let a command run to its end and count the records that it writes.

    Args:
        command: What to run.
        settings: Environment variables, besides those of this process.
        record: How the line of a record begins; None for a command that only prints how many records there were.

    Raises:
        RuntimeError: It failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), **settings}
    for slowing in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        environment.pop(slowing, None)
    began = time.perf_counter()
    with tempfile.NamedTemporaryFile() as log, tempfile.NamedTemporaryFile() as usage:
        starter = [sys.executable, "-S", "-c", _STARTER, usage.name, *command]
        process = subprocess.Popen(starter, stdout=subprocess.PIPE, stderr=log, env=environment)
        records = 0
        with memory_of_all(process.pid) as together, process.stdout or io.BytesIO() as output:
            for line in output:
                records = int(line) if record is None else records + line.startswith(record)
        process.wait()
        seconds = time.perf_counter() - began
        code, cpu_seconds, peak = json.loads(usage.read())
        if code:
            log.seek(0)
            raise RuntimeError(f"{command} ended with {code}: {log.read()[-2000:].decode()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Measurement(records, seconds, cpu_seconds, max(peak * unit, *together) / 1e6)


@contextmanager
def memory_of_all(starter: int) -> Iterator[list[int]]:
    """Add to a list, now and then, how many bytes are resident of all that a process has started, directly or not."""
    seen, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(_SECONDS):
            total = 0
            with suppress(psutil.NoSuchProcess):
                for process in psutil.Process(starter).children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        total += process.memory_info().rss
            seen.append(total)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        ended.set()
        looking.join()
