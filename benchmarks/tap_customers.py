"""How long and with how much memory the tap computes accounts, people, events and revenue.

Run it from the checkout, in its environment: `python -m benchmarks.tap_customers`. A Marketplace of made-up licences,
each with three sales, is read from the start of the tap's process to its end. Peak memory is the most that was
resident at one time in the tap's process and in those beside it, which examine licences, together.
"""

# ruff: noqa: T201 - a script that prints

from __future__ import annotations

import argparse

from benchmarks.licence_server import SALES_A_LICENCE
from benchmarks.measuring import measure
from benchmarks.tap_licenses import marketplace, own_tap

STREAMS = ("contacts", "accounts", "people", "account_events", "mrr_segments", "anomalies")
_COLUMNS = "{:>12}{:>14}{:>12}{:>10}{:>15}{:>10}"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--licenses", type=int, nargs="+", default=[100_000, 1_000_000], help="how many, each round")
    print(_COLUMNS.format("licences", "transactions", "records", "seconds", "processor s", "peak MB"))
    for count in parser.parse_args().licenses:
        sales = count * SALES_A_LICENCE
        with marketplace(count, sales) as url, own_tap(url, *STREAMS) as tap:
            run = measure(tap.command, tap.settings)
        figures = f"{count:,}", f"{sales:,}", f"{run.records:,}", f"{run.seconds:.1f}", f"{run.cpu_seconds:.1f}"
        print(_COLUMNS.format(*figures, f"{run.peak_mb:.0f}"), flush=True)


if __name__ == "__main__":
    main()
