"""How fast and with how much memory licences pass the tap, beside what a user would take instead.

Run it from the checkout, in its environment: `python -m benchmarks.tap_licenses`. It starts a Marketplace of made-up
licences on this machine, reads them once by `tap-atlassian-marketplace` and once by a plain tap (a `RESTStream` of the
Singer SDK that reads the list page by page and writes with the SDK's own writer), and prints one table.

Peak memory is the most that was resident at one time, mapped pages included.
"""

# ruff: noqa: ARG002, PLC0415, S603, T201 - a script that prints, starts processes and plays a client as it is written

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEVELOPER = "5d1c2f6e-7a43-4f0b-9b35-2f6f0a8c9e11"
REPORTS = f"/rest/3/reporting/developer-space/{DEVELOPER}"
LARGEST_PAGE = 50
_ROWS_A_BLOCK = 500
_COLUMNS = "{:<44}{:>10}{:>11}{:>10}{:>13}{:>13}"


def licence(number: int) -> dict[str, Any]:
    """Make a licence as the Marketplace sends it, of about 2 kB."""
    day = f"20{10 + number % 16}-{1 + number % 12:02}-{1 + number % 28:02}"
    person = {
        "email": f"person{number}@customer{number % 9973}.example",
        "name": f"Person {number}",
        "phone": f"+49 30 {number:08}",
        "address1": f"Long Street {number % 300}",
        "address2": "Building 7",
        "city": "Springfield",
        "state": "Some State",
        "postcode": f"{number % 99999:05}",
    }
    return {
        "addonLicenseId": str(10_000_000 + number),
        "licenseId": f"SEN-{10_000_000 + number}",
        "appEntitlementId": f"{number:08x}-1111-4222-8333-{number:012x}",
        "appEntitlementNumber": f"E-{number:03}-ABC-{number % 1000:03}-XYZ",
        "hostLicenseId": f"SEN-{20_000_000 + number}",
        "hostEntitlementId": f"{number:08x}-1111-4222-8444-{number:012x}",
        "hostEntitlementNumber": f"E-{number:03}-HST-{number % 1000:03}-XYZ",
        "cloudId": f"{number:08x}-9999-4222-8333-{number:012x}",
        "cloudSiteHostname": f"customer-{number}.atlassian.net",
        "addonKey": f"com.example.app{number % 5}",
        "addonName": f"An App for Everyone, Number {number % 5}",
        "productId": f"0000000{number % 5}-1111-4222-8333-444444444444",
        "hosting": "Cloud",
        "lastUpdated": day,
        "licenseType": "COMMERCIAL",
        "maintenanceStartDate": day,
        "maintenanceEndDate": f"2027-{1 + number % 12:02}-{1 + number % 28:02}",
        "status": "active",
        "tier": f"Per Unit Pricing ({number % 900} Users)",
        "installedOnSandbox": "No",
        "appEdition": "Standard",
        "contactDetails": {
            "company": f"Customer {number % 9973} and Sons, Incorporated",
            "country": "Germany",
            "region": "EMEA",
            "technicalContact": person,
            "billingContact": {**person, "email": f"billing{number}@customer{number % 9973}.example"},
        },
        "partnerDetails": {
            "partnerName": "Partner GmbH",
            "partnerType": "Expert",
            "billingContact": {"name": "Pat Partner", "email": "pat@partner.example"},
        },
        "evaluationOpportunitySize": "100",
        "evaluationLicense": "NA",
        "daysToConvertEval": "NA",
        "evaluationStartDate": "NA",
        "evaluationEndDate": "NA",
        "evaluationSaleDate": "NA",
        "parentProductBillingCycle": "Monthly",
        "parentProductName": "Jira",
        "parentProductEdition": "Standard",
        "isNewBillingSystem": True,
    }


class Marketplace(BaseHTTPRequestHandler):
    """Answers with the first so many licences, by export and by page; there are no transactions."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    count = 0

    def do_POST(self) -> None:
        """Start an export; the id says whether it holds the licences."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, query = self._asked()
        # The tap asks for two windows: all licences lie in the newer one.
        full = "/licenses/" in path and "withDataInsights" in query
        self._answer({"export": {"id": "full" if full else "empty"}})

    def do_GET(self) -> None:
        """Answer a poll, a download or a page."""
        path, query = self._asked()
        if path.endswith("/status"):
            self._answer({"export": {"id": "x", "status": "COMPLETED"}})
        elif path.endswith("/full"):
            self._stream(self.count)
        elif path.endswith("/empty"):
            self._stream(0)
        elif path.endswith("/licenses") and "endDate" not in query:
            first, limit = int(query.get("offset", ["0"])[0]), min(LARGEST_PAGE, int(query["limit"][0]))
            last = min(first + limit, self.count)
            links = {"next": {"href": f"{REPORTS}/licenses?offset={last}&limit={limit}"}} if last < self.count else {}
            rows = [licence(number) for number in range(first, last)]
            self._answer({"_links": links, "licenses": rows, "totalCount": self.count})
        else:
            self._answer({"_links": {}, "licenses": [], "transactions": [], "totalCount": 0})

    def log_message(self, *_: Any) -> None:
        """Say nothing about each call."""

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return parts.path, parse_qs(parts.query)

    def _answer(self, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, count: int) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for block in _array(count):
            self.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")


def _array(count: int) -> Iterator[bytes]:
    yield b"["
    for first in range(0, count, _ROWS_A_BLOCK):
        rows = [json.dumps(licence(number)) for number in range(first, min(first + _ROWS_A_BLOCK, count))]
        yield ((",\n" if first else "") + ",\n".join(rows)).encode()
    yield b"]"


def serve(count: int) -> None:
    """Run the Marketplace until the process ends; the first line says where."""
    Marketplace.count = count
    server = ThreadingHTTPServer(("127.0.0.1", 0), Marketplace)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def plain(url: str) -> None:
    """Read the list by what the Singer SDK offers, without further thought."""
    # Only here: the processes that serve and measure stay small.
    from singer_sdk import RESTStream, Tap
    from singer_sdk import typing as th
    from singer_sdk.pagination import BaseHATEOASPaginator

    schema = json.loads(
        (Path(__file__).parents[1] / "tap-atlassian-marketplace/tap_atlassian_marketplace/schemas/licenses.json")
        .read_text("utf-8")
    )  # fmt: skip

    class Paginator(BaseHATEOASPaginator):
        def get_next_url(self, response: Any) -> str | None:
            link = response.json()["_links"].get("next")
            return urljoin(url, link["href"]) if link else None

    class Licenses(RESTStream[Any]):
        name = "licenses"
        path = f"{REPORTS}/licenses"
        url_base = url
        records_jsonpath = "$.licenses[*]"
        primary_keys = ("addonLicenseId",)
        replication_key = "lastUpdated"

        def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
            if next_page_token:
                return dict(part.split("=") for part in next_page_token.query.split("&"))
            return {"limit": LARGEST_PAGE}

        def get_new_paginator(self) -> Any:
            return Paginator()

    class PlainTap(Tap):
        name = "plain-tap"
        config_jsonschema = th.PropertiesList().to_dict()

        def discover_streams(self) -> list[Any]:
            return [Licenses(self, schema=schema)]

    PlainTap(config={}).sync_all()


@dataclass(frozen=True)
class Measurement:
    """What one run took.

    Attributes:
        records: Records that it wrote.
        seconds: From its start to its end.
        cpu_seconds: Processor time of its own.
        peak_mb: Most resident memory, in units of 1,000,000 bytes.
    """

    records: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


def measure(command: Sequence[str], environment: dict[str, str]) -> Measurement:
    """Run a command to its end and count the records that it writes.

    Raises:
        RuntimeError: It failed.
    """
    began = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
        records = sum(1 for line in process.stdout or () if b'"RECORD"' in line[:40])
        if process.stdout:
            process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        if process.returncode:
            log.seek(0)
            raise RuntimeError(f"{command} ended with {process.returncode}: {log.read()[-2000:].decode()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Measurement(records, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def compare(counts: Sequence[int]) -> None:
    """Measure and print the table; the plain tap reads the first of the given numbers of licences only."""
    print(_COLUMNS.format("", "licences", "records", "seconds", "records/s", "peak MB"))
    for count in counts:
        own = [sys.executable, str(Path(__file__).resolve())]
        with subprocess.Popen([*own, "--serve", str(count)], stdout=subprocess.PIPE, text=True) as server:
            try:
                url = f"http://127.0.0.1:{int((server.stdout or sys.stdin).readline())}"
                for name, command, environment in _contestants(url, own, with_plain=count == counts[0]):
                    _print(name, count, measure(command, {**os.environ, **environment}))
            finally:
                server.kill()


def _contestants(url: str, own: Sequence[str], *, with_plain: bool) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    settings = {"email": "me@example.com", "api_token": "none", "developer_id": DEVELOPER, "api_url": url}
    environment = {f"TAP_ATLASSIAN_MARKETPLACE_{name.upper()}": value for name, value in settings.items()}
    tap = [sys.executable, "-m", "tap_atlassian_marketplace", "--config=ENV"]
    with tempfile.TemporaryDirectory() as directory:
        catalog = Path(directory, "catalog.json")
        discover = [sys.executable, "-m", "tap_atlassian_marketplace", "--discover"]
        discovered = json.loads(subprocess.check_output(discover, stderr=subprocess.DEVNULL))
        for stream in discovered["streams"]:
            root = next(entry for entry in stream["metadata"] if not entry["breadcrumb"])
            root["metadata"]["selected"] = stream["tap_stream_id"] == "licenses"
        catalog.write_text(json.dumps(discovered))
        yield "tap-atlassian-marketplace, licenses", [*tap, "--catalog", str(catalog)], environment
    yield "tap-atlassian-marketplace, its usual streams", tap, environment
    if with_plain:
        yield "plain RESTStream over the list, licenses", [*own, "--plain", url], {}


def _print(name: str, count: int, run: Measurement) -> None:
    figures = f"{count:,}", f"{run.records:,}", f"{run.seconds:.1f}", f"{run.records / run.seconds:,.0f}"
    print(_COLUMNS.format(name, *figures, f"{run.peak_mb:.0f}"), flush=True)


def main() -> None:
    """Compare, or play one of the parts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--licenses", type=int, nargs="+", default=[100_000, 500_000], help="how many, for each round")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--plain", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        serve(arguments.serve)
    elif arguments.plain:
        plain(arguments.plain)
    else:
        compare(arguments.licenses)


if __name__ == "__main__":
    main()
