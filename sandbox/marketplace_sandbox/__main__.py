"""Command line: `marketplace-sandbox --port 8765`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

from marketplace_sandbox.faults import Fault
from marketplace_sandbox.server import running
from marketplace_sandbox.world import PlainWorld


def main() -> None:
    """Run the sandbox until it is interrupted or terminated."""
    parser = argparse.ArgumentParser(prog="marketplace-sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8765, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="worlds of one seed are equal (default: %(default)s)")
    parser.add_argument("--customers", type=int, default=20, help="ordinary customers (default: %(default)s)")
    parser.add_argument(
        "--licenses",
        type=int,
        help="so many plain licences with a sale each, and nothing else",
    )
    parser.add_argument("--today", type=_date, default="2026-03-02", help="first day (default: %(default)s)")
    parser.add_argument(
        "--license-service-today",
        type=_date,
        help="date by which the License Service judges when a licence may start (default: the date in Sydney now)",
    )
    parser.add_argument("--ready-file", type=Path, help="gets the base URL once calls are accepted")
    parser.add_argument(
        "--rate-limit", type=int, default=1800, help="journy.io's calls a minute (default: %(default)s)"
    )
    parser.add_argument("--latency-ms", type=float, default=0, help="delay of every answer (default: %(default)s)")
    parser.add_argument("--no-journal", action="store_true", help="count calls, but do not keep them")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        type=_fault,
        metavar="NAME[:KEY=VALUE,...]",
        help="what goes wrong, for instance 502 or 429-seconds:kind=start,times=2,seconds=3; `GET /` lists the names",
    )
    args = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        plain = PlainWorld(licenses=args.licenses, seed=args.seed, today=args.today) if args.licenses else None
        with running(
            plain,
            seed=args.seed,
            customers=args.customers,
            today=args.today,
            license_service_today=args.license_service_today,
            host=args.host,
            port=args.port,
            rate_limit=args.rate_limit,
            latency_ms=args.latency_ms,
            journal=not args.no_journal,
            faults=args.fault,
        ) as sandbox:
            lines: tuple[str, ...] = (f"sandbox      {sandbox.url}", f"Marketplace  {sandbox.marketplace_url}")
            lines += (f"Licences     {sandbox.license_service_url}", f"journy.io    {sandbox.journy_url}")
            lines += (f"its Segment door  {sandbox.journy_segment_url}", f"Segment      {sandbox.segment_url}", "")
            sys.stdout.write("\n".join(lines))
            sys.stdout.flush()
            if args.ready_file:
                args.ready_file.write_text(sandbox.url + "\n", encoding="utf-8")
            stop.wait()
    except OSError as error:
        parser.exit(1, f"marketplace-sandbox: {args.host}:{args.port}: {error.strerror}\n")


def _date(text: str) -> str:
    # `fromisoformat` alone also takes other spellings, which the APIs refuse.
    if len(text) != 10:
        raise ValueError(text)
    return date.fromisoformat(text).isoformat()


def _fault(text: str) -> Fault:
    name, _, rest = text.partition(":")
    scope: dict[str, Any] = {}
    try:
        for part in filter(None, rest.split(",")):
            key, _, value = part.partition("=")
            scope[key] = int(value) if key in ("times", "after") else float(value) if key == "seconds" else value
        return Fault(name=name, **scope)
    except (TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    main()
