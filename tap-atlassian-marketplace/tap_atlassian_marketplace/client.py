"""The Marketplace API: its addresses, and what goes wrong when it is called."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import urllib3

from marketplace_http import (
    ApiError,
    ApiSession,
    BasicAuth,
    CertificateError,
    ConnectionFailedError,
    Pacer,
    RedirectedError,
    RetryPolicy,
)
from tap_atlassian_marketplace.config_schema import DEFAULT_API_URL
from tap_atlassian_marketplace.errors import CredentialsError, MarketplaceError, NotPermittedError, TroubleError
from tap_atlassian_marketplace.json_array import without_lone_halves
from tap_atlassian_marketplace.refusals import refusal
from tap_atlassian_marketplace.row_kinds import ATTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from tap_atlassian_marketplace.settings import Settings

Parameters = list[tuple[str, str]]

_SECONDS_BETWEEN_STARTS = 0.15
_RETRY = RetryPolicy()
_UNREADABLE_TRIES = 3
_WHERE_VENDOR_ID_IS = "it is the number in the address of your vendor page, marketplace.atlassian.com/manage/vendors/…"
_DOWNLOAD_TIMEOUT = 120.0
_BLOCK = 1 << 16
# Exports of these are found below no report.
_SHARED_PLACE = (ATTRIBUTION,)


class NotReadyError(TroubleError):
    """The Marketplace does not know the export, or not yet."""


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
            path = f"/rest/3/developer-space/vendor/{segment(vendor_id)}"
            body = self._json("GET", path, unknown=f"`vendor_id` {vendor_id} is unknown; {_WHERE_VENDOR_ID_IS}")
            found = body.get("developerId") if isinstance(body, dict) else None
            if not found:
                raise MarketplaceError(f"The Marketplace gave no developer id for `vendor_id` {vendor_id}.")
            self._developer_id = str(found)
        return self._developer_id

    def check(self) -> None:
        """Read the index of the vendor's reports, which needs the token, the permission and the vendor.

        Raises:
            CredentialsError: The token is wrong, or the account may read none of the reports.
            MarketplaceError: Anything else is wrong.
        """
        try:
            self._json("GET", self._reports(), unknown=self.unknown_developer)
        except NotPermittedError as error:
            raise CredentialsError(str(error)) from None

    def start_export(self, report: str, parameters: Parameters) -> str:
        """Ask for an asynchronous export, as JSON.

        Args:
            report: Path of the report below the vendor's reports, for example `licenses`.
            parameters: Query parameters that choose the rows; a name may be repeated.

        Returns:
            The id of the export.
        """
        path = f"{self._reports()}/{report}/async/export"
        body = self._json("POST", path, [*parameters, ("accept", "json")], unknown=self.unknown_developer, paced=True)
        export = body.get("export") if isinstance(body, dict) else None
        if not isinstance(export, dict) or not export.get("id"):
            raise TroubleError(f"The Marketplace started an export of {report} but gave no id for it.")
        return str(export["id"])

    def export_status(self, report: str, export_id: str) -> str:
        """Ask how far an export is: QUEUED, IN_PROGRESS, COMPLETED or FAILED; an empty text if nothing says so.

        Raises:
            NotReadyError: The Marketplace does not know the export (yet).
        """
        body = self._json("GET", f"{self._export(report, export_id)}/status")
        export = body.get("export") if isinstance(body, dict) else None
        return str(export.get("status") or "").upper() if isinstance(export, dict) else ""

    def download(self, report: str, export_id: str) -> Generator[bytes, None, None]:
        """Give the content of a completed export piece by piece, each as soon as it arrives.

        Raises:
            NotReadyError: The export cannot be fetched yet.
            TroubleError: The download broke off.
        """
        return self._stream(report, self._session, self._export(report, export_id), {})

    def export_at_once(self, report: str, parameters: Parameters) -> Generator[bytes, None, None]:
        """Give the content of an export that needs no start, piece by piece, each as soon as it arrives.

        Raises:
            TroubleError: The download broke off.
        """
        path = f"{self._reports()}/{report}/export"
        query = _repeatable([*parameters, ("accept", "json")])
        return self._stream(report, self._paced_session, path, query, unknown=self.unknown_developer)

    def read_report(self, report: str, parameters: Parameters, kind: Any = Any) -> Any:
        """Read a report that answers at once.

        Args:
            report: Path of the report below the vendor's reports.
            parameters: Query parameters; a name may be repeated.
            kind: What to make of the answer, as `msgspec` names types.
        """
        path = f"{self._reports()}/{report}"
        return self._json("GET", path, parameters, unknown=self.unknown_developer, paced=True, kind=kind)

    def read_catalogue(self, path: str, parameters: Parameters, kind: Any = Any, *, unknown: str | None = None) -> Any:
        """Read what the Marketplace shows of an app.

        Args:
            path: Path below `/rest/3`.
            parameters: Query parameters.
            kind: What to make of the answer.
            unknown: What it means that there is no such thing.

        Raises:
            NotReadyError: There is no such thing, which means nothing.
        """
        return self._json("GET", f"/rest/3{path}", parameters, unknown=unknown, paced=True, kind=kind)

    def read_metrics(self, question: Mapping[str, Any], parameters: Parameters, kind: Any = Any) -> Any:
        """Ask for partner metrics.

        Args:
            question: Which metrics, of which days.
            parameters: Query parameters, which choose the periods.
            kind: What to make of the answer.
        """
        path = f"/rest/3/partner-metrics/developer-space/{segment(self.developer_id)}"
        return self._json(
            "POST",
            path,
            parameters,
            unknown=self.unknown_developer,
            paced=True,
            kind=kind,
            body=msgspec.json.encode(question),
        )

    def _stream(
        self, report: str, session: ApiSession, path: str, query: Mapping[str, list[str]], unknown: str | None = None
    ) -> Generator[bytes, None, None]:
        options: dict[str, Any] = {"params": query, "stream": True, "timeout": _DOWNLOAD_TIMEOUT}
        with self._explained(unknown), session.call("GET", path, **options) as response:
            try:
                while piece := response.raw.read1(_BLOCK, decode_content=True):
                    yield piece
            except urllib3.exceptions.HTTPError as error:
                raise TroubleError(f"The download of the {report} export broke off ({type(error).__name__}).") from None

    def _reports(self) -> str:
        return f"/rest/3/reporting/developer-space/{segment(self.developer_id)}"

    def _export(self, report: str, export_id: str) -> str:
        # Built from the id: the links that the API gives lack `/rest/3`, or name the retired version.
        place = "async/export" if report in _SHARED_PLACE else f"{report}/async/export"
        return f"{self._reports()}/{place}/{segment(export_id)}"

    @property
    def unknown_developer(self) -> str:
        """What it means that the Marketplace does not know the developer id."""
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
        body: bytes | None = None,
    ) -> Any:
        session = self._paced_session if paced else self._session
        failures = 0
        while True:
            with self._explained(unknown):
                response = session.call(method, path, params=_repeatable(parameters or []), body=body)
            try:
                return msgspec.json.decode(without_lone_halves(response.content), type=kind)
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
        except CertificateError as error:
            raise MarketplaceError(f"{error}.") from None
        except ConnectionFailedError as error:
            raise TroubleError(f"{error}. Check the network and `api_url`.") from None
        except RedirectedError as error:
            raise MarketplaceError(f"{error}. Check `api_url`; the usual one is {DEFAULT_API_URL}.") from None


def segment(value: str) -> str:
    """Give a text as one part of a path, whatever is in it."""
    return quote(value, safe="")


def _repeatable(parameters: Parameters) -> Mapping[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in parameters:
        grouped.setdefault(name, []).append(value)
    return grouped
