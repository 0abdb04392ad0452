"""The Marketplace API: its addresses, and what its answers hold."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import msgspec
import urllib3

from marketplace_http import ApiError, ApiSession, BasicAuth, ConnectionFailedError, Pacer, RedirectedError, RetryPolicy
from tap_atlassian_marketplace.errors import MarketplaceError, TroubleError
from tap_atlassian_marketplace.refusals import refusal
from tap_atlassian_marketplace.settings import DEFAULT_API_URL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_atlassian_marketplace.settings import Settings

Parameters = list[tuple[str, str]]

_SECONDS_BETWEEN_STARTS = 0.15
_RETRY = RetryPolicy()
_UNREADABLE_TRIES = 3
_WHERE_VENDOR_ID_IS = "it is the number in the address of your vendor page, marketplace.atlassian.com/manage/vendors/…"
_DOWNLOAD_TIMEOUT = 120.0
_BLOCK = 1 << 16
LARGEST_PAGE = 50
_KEYS_TO_NAME = 20


class NotReadyError(TroubleError):
    """The Marketplace does not know the export, or not yet."""


@dataclass(frozen=True)
class ListPage:
    """One page of the list of a report.

    Attributes:
        rows: Its rows, as they were sent.
        total: How many rows the list has, if it says so.
        following: The place of the next page, to be asked for; None on the last one.
    """

    rows: list[msgspec.Raw]
    total: int | None
    following: Parameters | None


class MarketplaceClient:
    """Calls to the reporting API of one vendor; safe to share between threads.

    Args:
        settings: Where to call, and as whom.
        retry: When to repeat a call that failed.
    """

    def __init__(self, settings: Settings, *, retry: RetryPolicy | None = None) -> None:
        self._settings = settings
        self._retry = retry or _RETRY
        self._session = self._open_session()
        # Starts and pages keep their distance, also when they are repeated; polls and downloads need none.
        self._paced_session = self._open_session(Pacer(_SECONDS_BETWEEN_STARTS))
        self._developer_id = settings.developer_id

    @property
    def developer_id(self) -> str:
        """The vendor's developer id, looked up from `vendor_id` when it is not configured."""
        if self._developer_id is None:
            vendor_id = self._settings.vendor_id or ""
            path = f"/rest/3/developer-space/vendor/{_segment(vendor_id)}"
            body = self._json("GET", path, unknown=f"`vendor_id` {vendor_id} is unknown; {_WHERE_VENDOR_ID_IS}")
            found = body.get("developerId") if isinstance(body, dict) else None
            if not found:
                raise MarketplaceError(f"The Marketplace gave no developer id for `vendor_id` {vendor_id}.")
            self._developer_id = str(found)
        return self._developer_id

    def check(self) -> None:
        """Read the index of the vendor's reports, which needs the token, the permission and the vendor.

        Raises:
            MarketplaceError: One of them is wrong.
        """
        self._json("GET", self._reports(), unknown=self._unknown_developer())

    def product_ids(self, app_keys: Sequence[str]) -> list[str]:
        """Look up the product ids of apps.

        Raises:
            MarketplaceError: The vendor has no such app.
        """
        products = dict(self._products())
        if unknown := [key for key in app_keys if key not in products]:
            known = ", ".join(sorted(products)[:_KEYS_TO_NAME])
            more = ", …" if len(products) > _KEYS_TO_NAME else ""
            raise MarketplaceError(
                f"`app_keys` names apps that the vendor does not have: {', '.join(unknown)}. "
                f"The vendor's app keys are: {known or 'none'}{more}."
            )
        return [products[key] for key in app_keys]

    def start_export(self, report: str, parameters: Parameters) -> str:
        """Ask for an asynchronous export, as JSON.

        Args:
            report: Path of the report below the vendor's reports, for example `licenses`.
            parameters: Query parameters that choose the rows; a name may be repeated.

        Returns:
            The id of the export.
        """
        path = f"{self._reports()}/{report}/async/export"
        body = self._json(
            "POST", path, [*parameters, ("accept", "json")], unknown=self._unknown_developer(), paced=True
        )
        export = body.get("export") if isinstance(body, dict) else None
        if not isinstance(export, dict) or not export.get("id"):
            raise TroubleError(f"The Marketplace started an export of {report} but gave no id for it.")
        return str(export["id"])

    def export_status(self, report: str, export_id: str) -> str:
        """Ask how far an export is: QUEUED, IN_PROGRESS, COMPLETED or FAILED.

        Raises:
            NotReadyError: The Marketplace does not know the export (yet).
        """
        body = self._json("GET", f"{self._export(report, export_id)}/status")
        export = body.get("export") if isinstance(body, dict) else None
        return str(export.get("status")) if isinstance(export, dict) else ""

    def download(self, report: str, export_id: str) -> Iterator[bytes]:
        """Give the content of a completed export piece by piece, each as soon as it arrives.

        Raises:
            NotReadyError: The export cannot be fetched yet.
            TroubleError: The download broke off.
        """
        path = self._export(report, export_id)
        with self._explained(), self._session.call("GET", path, stream=True, timeout=_DOWNLOAD_TIMEOUT) as response:
            try:
                while piece := response.raw.read1(_BLOCK, decode_content=True):
                    yield piece
            except urllib3.exceptions.HTTPError as error:
                raise TroubleError(f"The download of the {report} export broke off ({type(error).__name__}).") from None

    def list_page(self, report: str, filters: Parameters, place: Parameters, *, limit: int = LARGEST_PAGE) -> ListPage:
        """Read a page of a report's list.

        Args:
            report: Path of the report.
            filters: Query parameters that choose the rows; a name may be repeated.
            place: What the page before gave as `following`; empty for the first page.
            limit: Rows of a page, at most 50.
        """
        path, name = f"{self._reports()}/{report}", report.rpartition("/")[2]
        fixed = [*filters, ("limit", str(limit))]
        body = self._json("GET", path, [*fixed, *place], unknown=self._unknown_developer(), paced=True, kind=_Page)
        rows = body.get(name, msgspec.Raw(b"null"))
        try:
            # The API's description knows a single row without a list, too.
            found = [rows] if bytes(rows).startswith(b"{") else msgspec.json.decode(rows, type=list[msgspec.Raw])
            links = msgspec.json.decode(body.get("_links", b"{}"))
            total = msgspec.json.decode(body.get("totalCount", b"null"), type=int | None)
        except msgspec.DecodeError:
            raise TroubleError(f"The Marketplace answered with a page of {report} that cannot be read.") from None
        return ListPage(found, total, _following(links, fixed))

    def _products(self) -> Iterator[tuple[str, str]]:
        path = f"/rest/3/product-listing/developer-space/{_segment(self.developer_id)}"
        cursor: str | None = None
        seen: set[str | None] = set()
        while cursor not in seen:
            seen.add(cursor)
            parameters = [("limit", str(LARGEST_PAGE)), ("includePrivate", "true")]
            if cursor:
                parameters.append(("cursor", cursor))
            page = self._json("GET", path, parameters, unknown=self._unknown_developer(), paced=True)
            for item in _items(page):
                if item.get("appKey") and item.get("productId"):
                    yield str(item["appKey"]), str(item["productId"])
            cursor = _next_cursor(page)

    def _reports(self) -> str:
        return f"/rest/3/reporting/developer-space/{_segment(self.developer_id)}"

    def _export(self, report: str, export_id: str) -> str:
        # Built from the id: the links that the API gives lack `/rest/3`, or name the retired version.
        return f"{self._reports()}/{report}/async/export/{_segment(export_id)}"

    def _unknown_developer(self) -> str:
        if self._settings.developer_id:
            return "`developer_id` is unknown; it is a UUID, the vendor's number belongs in `vendor_id`"
        return "the developer id found for `vendor_id` is unknown"

    def _open_session(self, pacer: Pacer | None = None) -> ApiSession:
        settings = self._settings
        return ApiSession(
            settings.api_url,
            auth=BasicAuth(settings.email, settings.api_token),
            user_agent=settings.user_agent,
            retry=self._retry,
            pacer=pacer,
            secrets=[settings.api_token],
            pool_size=settings.max_parallel_requests,
        )

    def _json(
        self,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        *,
        unknown: str | None = None,
        paced: bool = False,
        kind: Any = Any,
    ) -> Any:
        session = self._paced_session if paced else self._session
        failures = 0
        while True:
            with self._explained(unknown):
                response = session.call(method, path, params=_repeatable(parameters or []))
            try:
                return msgspec.json.decode(response.content, type=kind)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                # A gateway that is out of order may answer 200 with a page for people.
                failures += 1
                if failures == _UNREADABLE_TRIES:
                    raise TroubleError(
                        f"{session.host} answered {response.status_code} with something that is not JSON: "
                        f"check `api_url`; the usual one is {DEFAULT_API_URL}."
                    ) from None
                self._retry.pause(failures)

    @contextmanager
    def _explained(self, unknown: str | None = None) -> Iterator[None]:
        try:
            yield
        except ApiError as error:
            if error.status == 404 and unknown is None:
                raise NotReadyError("The Marketplace does not know the export.") from None
            raise refusal(error, email=self._settings.email, unknown=unknown) from None
        except ConnectionFailedError as error:
            raise TroubleError(f"{error}. Check the network and `api_url`.") from None
        except RedirectedError as error:
            raise MarketplaceError(f"{error}. Check `api_url`; the usual one is {DEFAULT_API_URL}.") from None


_Page = dict[str, msgspec.Raw]


def _segment(value: str) -> str:
    return quote(value, safe="")


def _repeatable(parameters: Parameters) -> Mapping[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in parameters:
        grouped.setdefault(name, []).append(value)
    return grouped


def _items(page: Any) -> list[dict[str, Any]]:
    items = page.get("items") if isinstance(page, dict) else None
    return [item for item in items or [] if isinstance(item, dict)]


def _next_cursor(page: Any) -> str | None:
    links = page.get("links") if isinstance(page, dict) else None
    following = links.get("next") if isinstance(links, dict) else None
    cursors = parse_qs(urlsplit(str(following or "")).query).get("cursor")
    return cursors[0] if cursors else None


def _following(links: Any, fixed: Parameters) -> Parameters | None:
    # The link may be absolute, begin with `/rest/3` or lack it, or name another host. Only the place that it names
    # counts: it is asked for where the page before came from, so that no link leads the credentials elsewhere.
    link = links.get("next") if isinstance(links, dict) else None
    address = link.get("href") if isinstance(link, dict) else link
    if not address:
        return None
    ours = {name for name, _ in fixed}
    return [pair for pair in parse_qsl(urlsplit(str(address)).query) if pair[0] not in ours]
