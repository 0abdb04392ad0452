"""The newest runs as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_journy.doors import destination_in
from target_journy.ledger import Ledger
from target_journy.report import ORDER
from target_journy.settings import DEFAULT_LEDGER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_journy.ledger import Run


def history(config: Mapping[str, Any]) -> list[str]:
    """Tell what the ledger knows of the newest runs to this destination, the newest first.

    Raises:
        SettingsError: A setting cannot be used.
        LedgerError: The ledger cannot be read.
    """
    destination = destination_in(config)
    ledger = Ledger(config.get("ledger_url") or DEFAULT_LEDGER, destination, is_guest=True)
    try:
        with ledger.transaction() as transaction:
            runs = transaction.newest_runs()
    finally:
        ledger.close()
    if not runs:
        return [f"the ledger knows no run to {destination}"]
    names = [outcome.name.lower() for outcome in ORDER]
    heads = ["started (UTC)", "ended", "result", "read", *names, "calls"]
    rows = [heads, *(_row(run, names) for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    return [f"runs to {destination}", *("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)]


def _row(run: Run, names: list[str]) -> list[str]:
    counts = run.counts
    streams = counts.get("streams", {}).values()
    totals = [str(sum(stream[name] for stream in streams)) for name in ("read", *names)] if counts else [""] * 7
    kind = counts.get("adoption") or counts.get("rehearsal")
    what = f"{run.result} ({kind})" if kind else run.result
    calls = str(sum(counts["calls"].values())) if counts else ""
    return [run.started[:19], (run.ended or "")[11:19], what, *totals, calls]
