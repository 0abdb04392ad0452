"""How fast and with how much memory licences pass the tap, beside what a user would take instead.

Run it from the checkout, in its environment: `python -m benchmarks.tap_licenses`. It starts a Marketplace of made-up
licences on this machine, lets each contestant read them, one after the other, and prints one table. Processor time is
that of the contestant alone. Peak memory is the most that was resident at one time, mapped pages included. Before the
table each contestant reads a few licences, unmeasured: none meets cold files, uncompiled code or work of a first run.
"""

# ruff: noqa: S603, T201 - a script that prints and starts processes

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import licence_server
from benchmarks.measuring import RECORD, measure
from benchmarks.surroundings import stop
from scripts.meltano_project import VENV, users_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.measuring import Measurement

_HERE = Path(__file__).resolve().parent
_COLUMNS = "{:<66}{:>10}{:>11}{:>10}{:>12}{:>12}{:>10}"
_PAGED = 5_000
_WARM = 100
_STREAMS = (("licenses",), ("licenses", "contacts", "transactions"))
# dlt is not in the lock: it asks for a newer DuckDB than the warehouse loader.
_DLT, _DUCKDB = "1.31.0", "1.5.6"


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


@contextlib.contextmanager
def dlt_python() -> Iterator[str | None]:
    """Make an environment of dlt's own and give its Python; None, and a word, if it cannot be had."""
    uv, environment = str(VENV / "uv"), users_environment()
    with tempfile.TemporaryDirectory() as folder:
        python = str(Path(folder, "bin", "python"))
        wanted = (f"dlt[duckdb]=={_DLT}", f"duckdb=={_DUCKDB}")
        for command in (["venv", "--python", sys.executable, folder], ["pip", "install", "--python", python, *wanted]):
            if subprocess.run([uv, *command, "--quiet"], env=environment, check=False).returncode:
                print("dlt cannot be installed and is not measured", file=sys.stderr)
                yield None
                return
        yield python


def rivals(url: str, dlt: str | None) -> Iterator[Contestant]:
    """Give what a user would take instead, and the limit.

    Args:
        url: The Marketplace.
        dlt: The Python that has dlt; None without.
    """
    python = sys.executable
    plain = f"plain RESTStream of singer-sdk {version('singer-sdk')}, synchronous export"
    yield Contestant(plain, (python, str(_HERE / "plain_tap.py"), "export", url))
    if dlt:
        name = f"dlt {_DLT} rest_api, synchronous export, into DuckDB {_DUCKDB}"
        quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false"}
        yield Contestant(name, (dlt, str(_HERE / "plain_dlt.py"), url), quiet, record=None)
    limit = (python, str(_HERE / "msgspec_limit.py"), url)
    yield Contestant(f"the limit: msgspec {version('msgspec')} alone", limit, record=b'{"addonLicenseId"')


def paged(url: str) -> Contestant:
    """Give what a user would take instead who does not know of the export."""
    command = (sys.executable, str(_HERE / "plain_tap.py"), "pages", url)
    return Contestant(f"plain RESTStream of singer-sdk {version('singer-sdk')}, pages of 50 after 50 ms", command)


def compare(counts: Sequence[int]) -> None:
    """Measure and print the table; what a user would take instead reads the first of the given numbers only."""
    with dlt_python() as dlt:
        with marketplace(_WARM) as url:
            for streams in _STREAMS:
                with own_tap(url, *streams) as tap:
                    _measured(tap)
            for rival in (*rivals(url, dlt), paged(url)):
                _measured(rival)
        print(f"Python {platform.python_version()}, singer-sdk {version('singer-sdk')} also below the tap")
        print(_COLUMNS.format("", "licences", "records", "seconds", "records/s", "cpu s/100k", "peak MB"))
        for count in counts:
            with marketplace(count) as url:
                for streams in _STREAMS:
                    with own_tap(url, *streams) as tap:
                        _show(tap, count)
                for rival in rivals(url, dlt) if count == counts[0] else ():
                    _show(rival, count)
    with marketplace(_PAGED) as url:
        _show(paged(url), _PAGED)


def _measured(contestant: Contestant) -> Measurement | None:
    try:
        return measure(contestant.command, contestant.settings, contestant.record)
    except RuntimeError as error:
        print(f"{contestant.name}: not measured. {error}", file=sys.stderr)
        return None


def _show(contestant: Contestant, count: int) -> None:
    if run := _measured(contestant):
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
