"""How fast and with how much memory unchanged accounts pass the loader, beside a target that posts each of them.

Run it from the checkout, in its environment: `python -m benchmarks.loader_unchanged`. The tap writes licences of a
made-up vendor into a file. `target-journy --adopt` takes them as delivered, which fills the ledger; then the same file
passes again, and nothing is sent. The plain target has no memory: it posts every record to the sandbox, which answers
without delay or limit.

"From decoded record to outcome" leaves out what Singer costs: process start, reading and decoding. Peak memory is the
most that was resident at one time, of the whole process. The ledger lies in the system's folder for temporary files.
"""

# ruff: noqa: PLC0415, T201 - a script that prints; what a measured process needs is loaded there alone

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import measure
from benchmarks.surroundings import KEY, loader_settings, sandbox, write_input

if TYPE_CHECKING:
    from collections.abc import Sequence

STREAM = "licenses"
BATCH = 1000  # as target-journy has it
_NOWHERE = "http://127.0.0.1:9"  # nobody answers: a call would fail the run
_UNLIMITED = "--rate-limit=1000000000"
_COLUMNS = "{:<52}{:>10}{:>10}{:>12}{:>10}"


def pass_in_process(source: Path, result: Path) -> None:
    """Let the loader take decoded records in batches; write the seconds that it took."""
    import msgspec

    from marketplace_singer.environment import settings_from_environment
    from target_journy.loader import Loader
    from target_journy.settings import SETTINGS

    loader = Loader(settings_from_environment(SETTINGS.to_dict(), "TARGET_JOURNY_"))
    loader.open_stream(STREAM, {}, ["id"])
    seconds = 0.0
    decode = msgspec.json.Decoder().decode
    with source.open("rb") as lines:
        messages = (line for line in lines if b'"RECORD"' in line[:40])
        while batch := [decode(line)["record"] for line in itertools.islice(messages, BATCH)]:
            began = time.perf_counter()
            for record in batch:
                loader.load(STREAM, record)
            loader.flush()
            seconds += time.perf_counter() - began
    began = time.perf_counter()
    loader.finish()
    seconds += time.perf_counter() - began
    loader.close()
    result.write_text(str(seconds), "utf-8")


def compare(counts: Sequence[int], plain_records: int) -> None:
    """Measure and print the table."""
    print(_COLUMNS.format("", "records", "seconds", "records/s", "peak MB"))
    for count in counts:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            records = write_input(folder / "input.jsonl", count, (STREAM,))
            _measure_loader(folder, records)
    with tempfile.TemporaryDirectory() as name, sandbox(_UNLIMITED, "--no-journal") as url:
        source = Path(name, "input.jsonl")
        records = write_input(source, plain_records, (STREAM,))
        command = [sys.executable, "-m", "benchmarks.plain_target", "--config=ENV", "--input", str(source)]
        run = measure(command, {"PLAIN_TARGET_API_URL": f"{url}/journy", "PLAIN_TARGET_API_KEY": KEY})
        _print("plain RecordSink, one POST for each", records, run.seconds, run.peak_mb)


def _measure_loader(folder: Path, records: int) -> None:
    source, result = folder / "input.jsonl", folder / "seconds"
    environment = loader_settings(folder, _NOWHERE)
    target = [sys.executable, "-m", "target_journy", "--config=ENV", "--input", str(source)]
    run = measure([*target, "--adopt"], environment)
    _print("target-journy --adopt, fills the ledger", records, run.seconds, run.peak_mb)
    run = measure(target, environment)
    _check(folder, records)
    _print("target-journy, unchanged, whole process", records, run.seconds, run.peak_mb)
    own = [sys.executable, "-m", "benchmarks.loader_unchanged", "--source", str(source), "--result", str(result)]
    run = measure(own, environment)
    _check(folder, records)
    _print("unchanged, from decoded record to outcome", records, float(result.read_text("utf-8")), run.peak_mb)


def _check(folder: Path, records: int) -> None:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))
    if report["streams"][STREAM].get("unchanged") != records or sum(report["calls"].values()):
        raise RuntimeError(f"not all were unchanged: {report['streams']}, calls {report['calls']}")


def _print(name: str, records: int, seconds: float, peak_mb: float) -> None:
    print(
        _COLUMNS.format(name, f"{records:,}", f"{seconds:.1f}", f"{records / seconds:,.0f}", f"{peak_mb:.0f}"),
        flush=True,
    )


def main() -> None:
    """Compare, or play one of the parts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, nargs="+", default=[100_000], help="how many, for each round")
    parser.add_argument("--plain-records", type=int, default=3000, help="for the plain target (default: %(default)s)")
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.source:
        pass_in_process(arguments.source, arguments.result)
    else:
        compare(arguments.records, arguments.plain_records)


if __name__ == "__main__":
    main()
