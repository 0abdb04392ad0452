"""The Marketplace API: its addresses, and what each of its refusals means and which setting to look at."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import requests

from marketplace_http import (
    ApiError,
    ApiSession,
    BasicAuth,
    ConnectionFailedError,
    Pacer,
    RedirectedError,
    redact,
)
from tap_atlassian_marketplace.errors import MarketplaceError
from tap_atlassian_marketplace.settings import DEFAULT_API_URL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import BinaryIO

    from marketplace_http import RetryPolicy
    from tap_atlassian_marketplace.settings import Settings

Parameters = list[tuple[str, str]]

TOKEN_PAGE = "https://id.atlassian.com/manage-profile/security/api-tokens"  # noqa: S105 - an address

_SECONDS_BETWEEN_STARTS = 0.15
_DOWNLOAD_TIMEOUT = 600.0
_BLOCK = 1 << 16
_LARGEST_PAGE = 50
_KEYS_TO_NAME = 20


class NotReadyError(MarketplaceError):
    """The Marketplace does not know the export, or not yet."""


class MarketplaceClient:
    """Calls to the reporting API of one vendor; safe to share between threads.

    Args:
        settings: Where to call, and as whom.
        retry: When to repeat a call that failed; by default as `marketplace_http` does.
    """

    def __init__(self, settings: Settings, *, retry: RetryPolicy | None = None) -> None:
        self._settings = settings
        self._session = ApiSession(
            settings.api_url,
            auth=BasicAuth(settings.email, settings.api_token),
            user_agent=settings.user_agent,
            retry=retry,
            secrets=[settings.api_token],
            pool_size=settings.max_parallel_requests,
        )
        self._pacer = Pacer(_SECONDS_BETWEEN_STARTS)
        self._developer_id = settings.developer_id

    @property
    def developer_id(self) -> str:
        """The vendor's developer id, looked up from `vendor_id` when it is not configured."""
        if self._developer_id is None:
            vendor_id = self._settings.vendor_id or ""
            path = f"/rest/3/developer-space/vendor/{_segment(vendor_id)}"
            body = self._json("GET", path, unknown=f"`vendor_id` {vendor_id} is unknown")
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
        """Ask for an asynchronous export.

        Args:
            report: Path of the report below the vendor's reports, for example `licenses`.
            parameters: Query parameters; a name may be repeated.

        Returns:
            The id of the export.
        """
        self._pacer.wait()
        path = f"{self._reports()}/{report}/async/export"
        body = self._json("POST", path, parameters, unknown=self._unknown_developer())
        export = body.get("export") if isinstance(body, dict) else None
        if not isinstance(export, dict) or not export.get("id"):
            raise MarketplaceError(f"The Marketplace started an export of {report} but gave no id for it.")
        return str(export["id"])

    def export_status(self, report: str, export_id: str) -> str:
        """Ask how far an export is: QUEUED, IN_PROGRESS, COMPLETED or FAILED.

        Raises:
            NotReadyError: The Marketplace does not know the export (yet).
        """
        body = self._json("GET", f"{self._export(report, export_id)}/status")
        export = body.get("export") if isinstance(body, dict) else None
        return str(export.get("status")) if isinstance(export, dict) else ""

    def download(self, report: str, export_id: str, file: BinaryIO) -> None:
        """Write the content of a completed export to a file.

        Raises:
            NotReadyError: The export cannot be fetched yet.
        """
        path = self._export(report, export_id)
        with (
            self._explained(),
            self._session.call(
                "GET", path, params={"accept": "json"}, stream=True, timeout=_DOWNLOAD_TIMEOUT
            ) as response,
        ):
            try:
                file.writelines(response.iter_content(_BLOCK))
            except requests.exceptions.RequestException as error:
                raise MarketplaceError(
                    f"The download of the {report} export broke off ({type(error).__name__}): run again."
                ) from None

    def _products(self) -> Iterator[tuple[str, str]]:
        path = f"/rest/3/product-listing/developer-space/{_segment(self.developer_id)}"
        cursor: str | None = None
        seen: set[str | None] = set()
        while cursor not in seen:
            seen.add(cursor)
            parameters = [("limit", str(_LARGEST_PAGE)), ("includePrivate", "true")]
            if cursor:
                parameters.append(("cursor", cursor))
            self._pacer.wait()
            page = self._json("GET", path, parameters, unknown=self._unknown_developer())
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

    def _json(self, method: str, path: str, parameters: Parameters | None = None, *, unknown: str | None = None) -> Any:
        with self._explained(unknown):
            response = self._session.call(method, path, params=_repeatable(parameters or []))
        try:
            return response.json()
        except requests.exceptions.JSONDecodeError:
            raise MarketplaceError(
                f"{self._session.host} answered {response.status_code} with something that is not JSON: "
                f"check `api_url`; the usual one is {DEFAULT_API_URL}."
            ) from None

    @contextmanager
    def _explained(self, unknown: str | None = None) -> Iterator[None]:
        try:
            yield
        except ApiError as error:
            if error.status == 404 and unknown is None:
                raise NotReadyError("The Marketplace does not know the export.") from None
            raise MarketplaceError(self._meaning(error, unknown)) from None
        except ConnectionFailedError as error:
            raise MarketplaceError(f"{error}. Check the network and `api_url`.") from None
        except RedirectedError as error:
            raise MarketplaceError(f"{error}. Check `api_url`; the usual one is {DEFAULT_API_URL}.") from None

    def _meaning(self, error: ApiError, unknown: str | None) -> str:
        answer = f"HTTP {error.status}" + (f", {error.reason}" if error.reason else "")
        answer = redact(answer, [self._settings.email])
        match error.status:
            case 400:
                return f"The Marketplace rejected a parameter ({answer}): check dates and filters."
            case 401:
                return (
                    f"The Marketplace refused the credentials ({answer}): check `email` and `api_token`. The "
                    f"token may be wrong, revoked or expired; tokens live one year at most. Make a new one at "
                    f"{TOKEN_PAGE}."
                )
            case 403:
                return (
                    f"The account may not read this vendor's reports ({answer}): the account of `email` must be "
                    'in the vendor\'s team with the permissions "View sales reports" and "View all other '
                    'reports", and `developer_id` or `vendor_id` must be that vendor.'
                )
            case 404:
                return f"The Marketplace found nothing ({answer}): {unknown}."
            case 410:
                return f"`api_url` leads to the retired version 2 of the API ({answer}): use {DEFAULT_API_URL}."
            case 429:
                return f"The Marketplace asks for fewer calls ({answer}): lower `max_parallel_requests`."
            case status if status >= 500:
                return f"The Marketplace is out of order ({answer}), even after several tries: run again later."
            case _:
                return f"The Marketplace refused the call ({answer}): check `api_url`."


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
