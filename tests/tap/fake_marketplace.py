"""A Marketplace made of given rows, answering through requests-mock."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests_mock

API_URL = "https://api.atlassian.com/marketplace"
URL = f"{API_URL}/rest/3"
VENDOR = "4711"
DEVELOPER = "11111111-2222-3333-4444-555555555555"
TOKEN = "secret-token-of-the-test"
REPORTS = f"{URL}/reporting/developer-space/{DEVELOPER}"
CONFIG = {"email": "vendor@example.com", "api_token": TOKEN, "vendor_id": VENDOR}

OTHERS = (
    "sales/metrics/churn/details",
    "sales/metrics/conversion/details",
    "sales/metrics/renewal/details",
    "feedback/details",
    "quotes",
    "marketing-attribution",
    "recurring_revenue",
    "apps",
    "app_versions",
    "reviews",
)
LISTS = {
    "licenses": "licenses",
    "sales/transactions": "transactions",
    "feedback/details": "feedback",
    "quotes": "quotes",
}
LISTS |= dict.fromkeys(OTHERS[:3], "events")

TODAY = date(2026, 3, 2)
"""The day up to which revenue is asked for."""

APPS = {"com.example.one": "product-1", "com.example.two": "product-2"}


def license_row(number: int, **fields: Any) -> dict[str, Any]:
    """A licence of the first app, with the ids of the new billing system."""
    return {
        "appEntitlementId": f"id-{number}",
        "appEntitlementNumber": f"E-{number}",
        "addonKey": "com.example.one",
        "lastUpdated": "2026-02-01",
        "maintenanceStartDate": "2026-01-01",
        "licenseType": "COMMERCIAL",
        "status": "active",
        "hosting": "Cloud",
        "contactDetails": {"technicalContact": {"email": f"Person{number}@example.com"}},
        **fields,
    }


def transaction_row(number: int, license_number: int | None, **fields: Any) -> dict[str, Any]:
    """A sale of one line, on the licence of the same name."""
    ids = {"appEntitlementNumber": f"E-{license_number}"} if license_number else {}
    return {
        "transactionId": f"IN-{number}",
        "transactionLineItemId": f"line-{number}",
        "addonKey": "com.example.one",
        "lastUpdated": "2026-02-01",
        "purchaseDetails": {"saleDate": "2026-01-01", "purchasePrice": 10},
        **ids,
        **fields,
    }


class FakeMarketplace:
    """Answers like the vendor API, as far as the tap uses it.

    Attributes:
        starts: Report and parameters of each export that was started.
        statuses: What the polls of the exports to come answer, before COMPLETED.
        content: Replaces the content of all exports, byte for byte.
        only_lists: Whether no export succeeds of what has a list, too.
        largest_page: Most rows of a page, whatever limit is asked for.
        most_months: Most months of revenue that an answer holds, whatever limit is asked for.
        questions: The first and last days of the revenue that was asked for.
        pages: The report and parameters of each page of a list that was read.
        changes: What happens once a page was answered after which another one comes; one thing a page.
        totals: Whether lists tell how many rows they have.
    """

    def __init__(
        self,
        mock: requests_mock.Mocker,
        licenses: list[Any] | None = None,
        transactions: Any = None,
        others: dict[str, list[Any]] | None = None,
        developer: str = DEVELOPER,
    ) -> None:
        self.rows: dict[str, list[Any]] = {
            "licenses": licenses or [],
            "sales/transactions": transactions or [],
            **{report: [] for report in OTHERS},
            **(others or {}),
        }
        self.starts: list[tuple[str, dict[str, list[str]]]] = []
        self.statuses: list[str] = []
        self.content: bytes | None = None
        self.only_lists = False
        self.largest_page = 50
        self.most_months = 14
        self.questions: list[tuple[str, str]] = []
        self.pages: list[tuple[str, dict[str, list[str]]]] = []
        self.changes: list[Callable[[], Any]] = []
        self.totals = True
        self.matches: Callable[[str, Any, dict[str, list[str]]], bool] = matches
        self._exports: dict[str, bytes] = {}
        self._developer = developer
        reports = REPORTS.replace(DEVELOPER, developer)
        mock.get(f"{URL}/developer-space/vendor/{VENDOR}", json={"developerId": developer})
        mock.get(re.compile(re.escape(f"{URL}/product-listing/developer-space/{developer}")), json=self._products)
        mock.get(reports, json={"_links": {}})
        mock.post(re.compile(r".*/async/export(\?|$)"), json=self._start)
        mock.get(re.compile(r".*/async/export/[^/]+/status$"), json=self._status)
        mock.get(re.compile(r".*/async/export/[^/?]+$"), content=self._download)
        mock.get(re.compile(rf"{re.escape(reports)}/({'|'.join(LISTS)})\?"), json=self._list)
        mock.get(re.compile(rf"{re.escape(reports)}/sales/metrics/[a-z]+/details/export\?"), json=self._export)
        mock.get(re.compile(rf"{re.escape(URL)}/app-software/app-key/"), json=self._software)
        mock.get(re.compile(rf"{re.escape(URL)}/app-software/[^/]+/versions\?"), json=self._of_app("app_versions"))
        mock.get(re.compile(rf"{re.escape(URL)}/products/[^/]+/reviews\?"), json=self._of_app("reviews"))
        mock.post(re.compile(rf"{re.escape(URL)}/partner-metrics/developer-space/{developer}"), json=self._metrics)

    def started(self, report: str) -> list[dict[str, list[str]]]:
        """Parameters of the exports of a report, in their order."""
        return [parameters for name, parameters in self.starts if name == report]

    def _products(self, request: Any, _: Any) -> Any:
        apps = self.rows["apps"] or [{"appKey": key, "productId": product} for key, product in APPS.items()]
        items, cursor = self._by_cursor(request, apps)
        return {"items": items, "links": {"next": f"/product-listing/x?limit=1&cursor={cursor}"} if cursor else {}}

    def _software(self, request: Any, _: Any) -> Any:
        return [{"appSoftwareId": f"{request.path.rpartition('/')[2]}-cloud", "hosting": "cloud"}]

    def _of_app(self, name: str) -> Callable[[Any, Any], Any]:
        def answer(request: Any, _: Any) -> Any:
            # All are those of the first app.
            is_first = "com.example.one" in request.path or "product-1" in request.path
            rows = self.rows[name] if is_first else []
            page, cursor = self._by_cursor(request, rows)
            link = {"next": f"/x?cursor={cursor}"} if cursor else {}
            totals = {"count": len(rows), "totalCount": len(rows)}
            return {name.removeprefix("app_"): page, "cursor": cursor, "links": link, **totals}

        return answer

    def _by_cursor(self, request: Any, rows: list[Any]) -> tuple[list[Any], str | None]:
        first = int(request.qs["cursor"][0].removeprefix("place-")) if "cursor" in request.qs else 0
        end = first + self.largest_page
        page, cursor = rows[first:end], f"place-{end}" if end < len(rows) else None
        self._change_if(cursor)
        return page, cursor

    def _metrics(self, request: Any, _: Any) -> Any:
        asked = request.json()["dateRange"]
        first, last = asked["startDate"], asked["endDate"]
        self.questions.append((first, last))
        months = int(first[:4]) * 12 + int(first[5:7]) - 1 + min(self.most_months, int(request.qs["limit"][0]))
        end = min(last, f"{months // 12}-{months % 12 + 1:02}-00")
        # A row without a day comes with those of the last question.
        days = [(str(row.get("date") or TODAY.isoformat()), row) for row in self.rows["recurring_revenue"]]
        return {"records": [row for day, row in days if first <= day <= end]}

    def _export(self, request: Any, _: Any) -> Any:
        report, parameters = (
            request.path.split(f"{self._developer}/")[1].removesuffix("/export"),
            _parameters(request.url),
        )
        self.starts.append((report, parameters))
        return None if self.only_lists else [row for row in self.rows[report] if self.matches(report, row, parameters)]

    def _start(self, request: Any, _: Any) -> Any:
        report = request.path.split(f"{self._developer}/")[1].removesuffix("/async/export")
        parameters = _parameters(request.url)
        self.starts.append((report, parameters))
        export = str(len(self.starts))
        rows = [row for row in self.rows[report] if self.matches(report, row, parameters)]
        self._exports[export] = self.content if self.content is not None else json.dumps(rows).encode()
        return {"_links": {"status": {"href": "https://evil.example/status"}}, "export": {"id": export}}

    def _status(self, request: Any, _: Any) -> Any:
        export = request.path.split("/")[-2]
        fails = self.only_lists and self.starts[int(export) - 1][0] in LISTS
        status = self.statuses.pop(0) if self.statuses else "FAILED" if fails else "COMPLETED"
        return {"export": {"id": export, "status": status}}

    def _download(self, request: Any, _: Any) -> bytes:
        return self._exports[request.path.split("/")[-1]]

    def _list(self, request: Any, _: Any) -> Any:
        report = request.path.split(f"{self._developer}/")[1]
        parameters = _parameters(request.url)
        self.pages.append((report, parameters))
        rows = [row for row in self.rows[report] if self.matches(report, row, parameters)]
        first, limit = int(parameters.get("offset", ["0"])[0]), min(self.largest_page, int(parameters["limit"][0]))
        following = {"next": {"href": f"/reporting/x?offset={first + limit}"}} if first + limit < len(rows) else {}
        if limit > 1:  # else it is asked only for the total
            self._change_if(following)
        total = {"totalCount": len(rows)} if self.totals else {}
        return {"_links": following, LISTS[report]: rows[first : first + limit], **total}

    def _change_if(self, goes_on: Any) -> None:
        if goes_on and self.changes:
            self.changes.pop(0)()


def matches(report: str, row: Any, parameters: dict[str, list[str]]) -> bool:
    """Apply dates and window as the API does; it ignores everything else here."""
    if row.get("lastUpdated") and row["lastUpdated"] < parameters.get("lastUpdated", [""])[0]:
        return False
    if report != "licenses":
        day = str(row.get("date") or row.get("eventTimestamp") or "")[:10]
        return not day or parameters.get("startDate", [""])[0] <= day <= parameters.get("endDate", ["9999"])[0]
    begin = row.get("maintenanceStartDate") or "2026-01-01"
    is_in_window = parameters.get("startDate", [""])[0] <= begin <= parameters.get("endDate", ["9999"])[0]
    return is_in_window or row.get("anyWindow", False)


def journalled(request: Any) -> dict[str, Any]:
    """A request to the fake as the sandbox would have it in its journal."""
    address = urlsplit(request.url)
    body = {"body": json.loads(request.text)} if request.text else {}
    return {
        "side": "marketplace",
        "method": request.method,
        "path": f"/marketplace{address.path.removeprefix(urlsplit(API_URL).path)}",
        "query": address.query,
        **body,
    }


def _parameters(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


class Output:
    """What a run wrote to stdout."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.messages = [json.loads(line) for line in text.splitlines()]

    def records(self, stream: str) -> list[dict[str, Any]]:
        """The records of a stream."""
        return [m["record"] for m in self.messages if m["type"] == "RECORD" and m["stream"] == stream]

    def ids(self, stream: str) -> list[str]:
        """One id of each record: of the licence, or of the transaction."""
        name = {"licenses": "id", "contacts": "license_id", "transactions": "transactionId"}[stream]
        return list(dict.fromkeys(record[name] for record in self.records(stream)))

    @property
    def state(self) -> dict[str, Any]:
        """The last state."""
        states = [m["value"] for m in self.messages if m["type"] == "STATE"]
        return states[-1] if states else {}

    @property
    def bookmarks(self) -> dict[str, Any]:
        """The bookmarks of the last state, without what it says of the tables: versions by the clock, and whose."""
        kept = self.state.get("bookmarks", {})
        return {
            stream: {k: v for k, v in entry.items() if k not in ("version", "vendor")} for stream, entry in kept.items()
        }

    def version(self, stream: str) -> int | None:
        """The version of a stream's table in the last state."""
        return self.state.get("bookmarks", {}).get(stream, {}).get("version")

    def bookmark(self, stream: str) -> str | None:
        """The bookmark of a stream in the last state."""
        return self.state.get("bookmarks", {}).get(stream, {}).get("replication_key_value")


def run(state: Any = None, *, streams: Any = None, catalog: Any = None, **settings: Any) -> Output:
    """Run the tap in this process.

    Args:
        state: The state to go on from.
        streams: Names of the streams to select; all by default.
        catalog: A catalogue, instead of that selection.
        settings: Settings besides the credentials.
    """
    buffer = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(buffer):
        tap = TapAtlassianMarketplace(config={**CONFIG, **settings}, state=state, catalog=catalog)
        for name, stream in tap.streams.items():
            if streams is not None:
                stream.selected = name in streams
        try:
            tap.sync_all()
        finally:
            buffer.seek(0)
    return Output(buffer.read())
