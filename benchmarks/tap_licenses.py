"""How fast and with how much memory licences pass the tap, beside what a user would take instead.

Run it from the checkout, in its environment: `python -m benchmarks.tap_licenses`. It starts a Marketplace of made-up
licences on this machine, lets each contestant read them, one after the other, and prints one table. Processor time is
that of the contestant alone. Peak memory is the most that was resident at one time, mapped pages included.
"""

# ruff: noqa: S603, T201 - a script that prints and starts processes

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import licence_server
from benchmarks.measuring import RECORD, measure
from benchmarks.surroundings import stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HERE = Path(__file__).resolve().parent
_COLUMNS = "{:<52}{:>10}{:>11}{:>10}{:>12}{:>12}{:>10}"
_PAGED = 5_000


@dataclass(frozen=True)
class Contestant:
    """What reads the licences.

    Attributes:
        name: How the table calls it.
        command: Its command, the address not included.
        settings: Environment variables that it needs.
        record: How the line of a record begins; None for one that only prints how many records it loaded.
    """

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    record: bytes | None = RECORD


@contextlib.contextmanager
def marketplace(count: int, sales: int = 0) -> Iterator[str]:
    """Serve so many licences and transactions from a process of its own and give its address."""
    command = [sys.executable, licence_server.__file__, str(count), str(sales)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{int((server.stdout or sys.stdin).readline())}"
        finally:
            stop(server)


@contextlib.contextmanager
def own_tap(url: str, *streams: str) -> Iterator[Contestant]:
    """Give the tap with some of its streams selected."""
    settings = {"email": "me@example.com", "api_token": "none", "developer_id": licence_server.DEVELOPER}
    environment = {f"TAP_ATLASSIAN_MARKETPLACE_{name.upper()}": value for name, value in settings.items()}
    environment["TAP_ATLASSIAN_MARKETPLACE_API_URL"] = url
    tap = (sys.executable, "-m", "tap_atlassian_marketplace")
    discovered = json.loads(subprocess.check_output([*tap, "--discover"], stderr=subprocess.DEVNULL))
    for stream in discovered["streams"]:
        root = next(entry for entry in stream["metadata"] if not entry["breadcrumb"])
        root["metadata"]["selected"] = stream["tap_stream_id"] in streams
    with tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder, "catalog.json")
        catalog.write_text(json.dumps(discovered))
        name = f"tap-atlassian-marketplace: {', '.join(streams)}"
        yield Contestant(name, (*tap, "--config=ENV", "--catalog", str(catalog)), environment)


def rivals(url: str) -> Iterator[Contestant]:
    """Give what a user would take instead, and the limit."""
    python = sys.executable
    yield Contestant("plain RESTStream, synchronous export", (python, str(_HERE / "plain_tap.py"), "export", url))
    uv = (str(Path(python).parent / "uv"), "run", "--quiet", "--no-project", "--python", python)
    dlt = (*uv, "--with", "dlt[duckdb]", "python", str(_HERE / "plain_dlt.py"), url)
    yield Contestant("dlt rest_api, synchronous export, into DuckDB", dlt, record=None)
    limit = (python, str(_HERE / "msgspec_limit.py"), url)
    yield Contestant("the limit: msgspec alone", limit, record=b'{"addonLicenseId"')


def compare(counts: Sequence[int]) -> None:
    """Measure and print the table; what a user would take instead reads the first of the given numbers only."""
    print(_COLUMNS.format("", "licences", "records", "seconds", "records/s", "cpu s/100k", "peak MB"))
    for count in counts:
        with marketplace(count) as url:
            for streams in (("licenses",), ("licenses", "contacts", "transactions")):
                with own_tap(url, *streams) as tap:
                    _show(tap, count)
            for rival in rivals(url) if count == counts[0] else ():
                _show(rival, count)
    with marketplace(_PAGED) as url:
        pages = (sys.executable, str(_HERE / "plain_tap.py"), "pages", url)
        _show(Contestant("plain RESTStream, pages of 50 after 50 ms", pages), _PAGED)


def _show(contestant: Contestant, count: int) -> None:
    try:
        run = measure(contestant.command, contestant.settings, contestant.record)
    except RuntimeError as error:
        print(f"{contestant.name}: not measured. {error}", file=sys.stderr)
        return
    speed, cpu = run.records / run.seconds, run.cpu_seconds * 100_000 / count
    figures = f"{count:,}", f"{run.records:,}", f"{run.seconds:.1f}", f"{speed:,.0f}", f"{cpu:.1f}"
    print(_COLUMNS.format(contestant.name, *figures, f"{run.peak_mb:.0f}"), flush=True)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--licenses", type=int, nargs="+", default=[200_000, 1_000_000], help="how many, each round")
    compare(parser.parse_args().licenses)


if __name__ == "__main__":
    main()
