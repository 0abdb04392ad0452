"""A Marketplace of made-up licences, whose bytes are made before anybody asks: a server must not be what is measured.

It serves the licences by asynchronous export, by synchronous export and by pages, the latter after 50 ms each; and as
many transactions as wanted by asynchronous export.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

DEVELOPER = "5d1c2f6e-7a43-4f0b-9b35-2f6f0a8c9e11"
REPORTS = f"/rest/3/reporting/developer-space/{DEVELOPER}"
PAGE = 50
SALES_A_LICENCE = 3
PAGE_SECONDS = 0.05

_encode = partial(json.dumps, separators=(",", ":"), ensure_ascii=False)


def licence(number: int) -> dict[str, Any]:
    """Make a licence as the Marketplace sends it, of about 1.5 kB."""
    day = f"20{10 + number % 16}-{1 + number % 12:02}-{1 + number % 28:02}"
    person = {
        "email": f"person{number}@customer{number % 9973}.example",
        "name": f"Person {number}",
        "phone": f"+49 30 {number:08}",
        "address1": f"Long Street {number % 300}",
        "city": "Springfield",
        "postcode": f"{number % 99999:05}",
    }
    return {
        "addonLicenseId": str(10_000_000 + number),
        "licenseId": f"SEN-{10_000_000 + number}",
        "appEntitlementId": f"{number:08x}-1111-4222-8333-{number:012x}",
        "appEntitlementNumber": f"E-{number:03}-ABC-{number % 1000:03}-XYZ",
        "hostEntitlementId": f"{number:08x}-1111-4222-8444-{number:012x}",
        "hostEntitlementNumber": f"E-{number:03}-HST-{number % 1000:03}-XYZ",
        "cloudId": f"{number:08x}-9999-4222-8333-{number:012x}",
        "cloudSiteHostname": f"customer-{number}.atlassian.net",
        "addonKey": f"com.example.app{number % 5}",
        "addonName": f"An App for Everyone, Number {number % 5}",
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
            "company": f"Kunde {number % 9973} & Söhne, Incorporated",
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
        "isNewBillingSystem": "Yes",
    }


def sale(number: int) -> dict[str, Any]:
    """Make a transaction as the Marketplace sends it: the licence of the number was bought, and renewed twice."""
    licence_number, term = divmod(number, SALES_A_LICENCE)
    row, year = licence(licence_number), 2024 + term
    ids = (
        "addonLicenseId",
        "licenseId",
        "appEntitlementId",
        "appEntitlementNumber",
        "cloudId",
        "addonKey",
        "addonName",
    )
    day = f"{year}-{row['lastUpdated'][5:]}"
    return {
        "transactionId": f"AT-{1_000_000 + number}",
        "transactionLineItemId": f"{number:08x}-1111-4222-8555-{number:012x}",
        **{name: row[name] for name in ids},
        "lastUpdated": day,
        "paymentStatus": "Paid",
        "customerDetails": {name: row["contactDetails"][name] for name in ("company", "country", "region")},
        "purchaseDetails": {
            "saleDate": day,
            "saleType": "Renewal" if term else "New",
            "tier": row["tier"],
            "licenseType": "COMMERCIAL",
            "hosting": "Cloud",
            "billingPeriod": "Annual",
            "purchasePrice": 1200.5 + number % 900,
            "vendorAmount": 1020.42 + number % 765,
            "maintenanceStartDate": day,
            "maintenanceEndDate": f"{year + 1}-{day[5:]}",
        },
    }


def write_export(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as the JSON array that an export is."""
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        file.writelines(("," if number else "") + _encode(row) for number, row in enumerate(rows))
        file.write("]")


class Marketplace(BaseHTTPRequestHandler):
    """Answers with the licences and transactions of two export files."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    export: Path
    sales: Path
    count = 0
    sales_count = 0

    def do_POST(self) -> None:
        """Start an export; the id says whether it holds the licences."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, query = self._asked()
        # The tap asks for two windows: all licences lie in the newer one.
        if "/transactions/" in path:
            self._answer({"export": {"id": "sales"}})
        else:
            self._answer({"export": {"id": "full" if "withDataInsights" in query else "empty"}})

    def do_GET(self) -> None:
        """Answer a poll, a download or a page."""
        path, query = self._asked()
        if path.endswith("/status"):
            self._answer({"export": {"id": "x", "status": "COMPLETED"}})
        elif path.endswith(("/full", "/licenses/export")):
            self._send(self.export)
        elif path.endswith("/sales"):
            self._send(self.sales)
        elif path.endswith("/empty"):
            self._answer([])
        elif path.endswith("/licenses") and "endDate" not in query:
            first, limit = int(query.get("offset", ["0"])[0]), min(PAGE, int(query["limit"][0]))
            time.sleep(PAGE_SECONDS)
            self._answer(self._page(first, min(first + limit, self.count), limit))
        else:
            count = self.sales_count if path.endswith("/transactions") else 0
            lists = dict.fromkeys(("licenses", "transactions", "feedback", "quotes"), ())
            self._answer({"_links": {}, **lists, "totalCount": count})

    def log_message(self, *_: Any) -> None:
        """Say nothing about each call."""

    def _page(self, first: int, last: int, limit: int) -> dict[str, Any]:
        links = {"next": {"href": f"{REPORTS}/licenses?offset={last}&limit={limit}"}} if last < self.count else {}
        rows = [licence(number) for number in range(first, last)]
        return {"_links": links, "licenses": rows, "totalCount": self.count}

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return parts.path, parse_qs(parts.query)

    def _answer(self, body: Any) -> None:
        content = _encode(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send(self, export: Path) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(export.stat().st_size))
        self.end_headers()
        with export.open("rb") as file:
            self.connection.sendfile(file)


def serve(count: int, sales_count: int) -> None:
    """Run the Marketplace until the process ends; the first line says where."""
    with tempfile.TemporaryDirectory() as folder:
        Marketplace.export, Marketplace.count = Path(folder, "licenses.json"), count
        Marketplace.sales, Marketplace.sales_count = Path(folder, "transactions.json"), sales_count
        write_export(Marketplace.export, map(licence, range(count)))
        write_export(Marketplace.sales, map(sale, range(sales_count)))
        server = ThreadingHTTPServer(("127.0.0.1", 0), Marketplace)
        print(server.server_address[1], flush=True)  # noqa: T201 - whoever started this waits for it
        server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
