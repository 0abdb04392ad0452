"""How much of journy.io's rate the loader uses, beside a target that posts one record after the other.

Run it from the checkout, in its environment: `python -m benchmarks.loader_rate`. Each contestant delivers to a sandbox
of its own, in a process of its own, that allows 1,800 calls in any 60 seconds and answers after 100 ms; all run at the
same time. The sandbox counts: calls that it let in, the most in any 60 seconds, and its refusals (429).
"""

# ruff: noqa: S603, T201 - a script that starts processes and prints

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.surroundings import KEY, ask, loader_settings, sandbox, stop, write_input

LIMIT = 1800
LATENCY_MS = 100
RIVAL = LIMIT // 5
_COLUMNS = "{:<36}{:>9}{:>22}{:>8}{:>8}{:>6}  {}"


@dataclass(frozen=True)
class Contestant:
    """Who delivers.

    Attributes:
        name: As the table has it.
        is_plain: Whether it is the plain target.
        rival: Calls a minute of another client.
    """

    name: str
    is_plain: bool = False
    rival: int = 0


CONTESTANTS = (
    Contestant("target-journy"),
    Contestant("target-journy, another uses a fifth", rival=RIVAL),
    Contestant("plain RecordSink", is_plain=True),
)


@dataclass(frozen=True)
class Measurement:
    """What the sandbox counted.

    Attributes:
        by_minute: Calls that were let in, in each minute from the first on.
        rate: All figures, as `GET /_rate` gives them.
    """

    by_minute: list[int]
    rate: dict[str, Any]


def deliver(contestant: Contestant, source: Path, minutes: int) -> Measurement:
    """Let a contestant deliver for so many minutes.

    Raises:
        RuntimeError: It ended before the time was up.
    """
    options = f"--rate-limit={LIMIT}", f"--latency-ms={LATENCY_MS}", "--no-journal"
    with tempfile.TemporaryDirectory() as folder, sandbox(*options) as url, Path(folder, "log").open("w") as log:
        if contestant.rival:
            ask(f"{url}/_rival", {"calls_per_minute": contestant.rival})
        environment = {"PLAIN_TARGET_API_URL": f"{url}/journy", "PLAIN_TARGET_API_KEY": KEY}
        environment |= loader_settings(Path(folder), f"{url}/journy")
        module = "benchmarks.plain_target" if contestant.is_plain else "target_journy"
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--config=ENV", "--input", str(source)],
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, **environment},
        )
        try:
            while not ask(f"{url}/_rate")["accepted"] and process.poll() is None:
                time.sleep(0.02)
            began = time.monotonic()
            accepted = [0]
            for minute in range(1, minutes + 1):
                time.sleep(max(0.0, began + 60 * minute - time.monotonic()))
                accepted.append(ask(f"{url}/_rate")["accepted"])
            if process.poll() is not None:
                raise RuntimeError(f"{contestant.name} ended early: {Path(log.name).read_text('utf-8')[-2000:]}")
            rate = ask(f"{url}/_rate")
        finally:
            stop(process)
    return Measurement([later - sooner for sooner, later in itertools.pairwise(accepted)], rate)


def compare(minutes: int) -> None:
    """Measure all and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        mixed, licenses = Path(folder, "mixed.jsonl"), Path(folder, "licenses.jsonl")
        # Licences, their people and sales: some six calls for each, half as many again as can be made.
        write_input(mixed, LIMIT * minutes // 4, ("licenses", "contacts", "transactions"))
        write_input(licenses, LIMIT * minutes * 3 // 2, ("licenses",))
        with ThreadPoolExecutor(len(CONTESTANTS)) as threads:
            runs = [threads.submit(deliver, one, licenses if one.is_plain else mixed, minutes) for one in CONTESTANTS]
    print(
        _COLUMNS.format("calls that were let in", "allowed", "in each minute", "share", "peak", "429", "429 at second")
    )
    for contestant, run in zip(CONTESTANTS, runs, strict=True):
        _print(contestant, run.result())


def _print(contestant: Contestant, run: Measurement) -> None:
    allowed = LIMIT - contestant.rival
    share = sum(run.by_minute) / (allowed * len(run.by_minute))
    refusals = ", ".join(f"{second:.1f}" for second in run.rate["refused_at"][:10])
    if contestant.rival:
        refusals += f" (of the other: {run.rate['rival']['refused']} of {sum(run.rate['rival'].values())})"
    by_minute = " ".join(f"{calls:,}" for calls in run.by_minute)
    figures = by_minute, f"{share:.1%}", f"{run.rate['peak']:,}", run.rate["refused"], refusals
    print(_COLUMNS.format(contestant.name, f"{allowed:,}", *figures))


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=int, default=3, help="how long each delivers (default: %(default)s)")
    compare(parser.parse_args().minutes)


if __name__ == "__main__":
    main()
