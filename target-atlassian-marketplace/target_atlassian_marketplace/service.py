"""The Atlassian License Service: one call a licence, and what each answer means."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from marketplace_http import (
    ApiError,
    ApiSession,
    BasicAuth,
    ConnectionFailedError,
    Pacer,
    RedirectedError,
    RetryPolicy,
    WaitInterruptedError,
    interruptible_sleep,
)
from target_atlassian_marketplace.results import License

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event

DEFAULT_URL = "https://marketplace.atlassian.com"

_TOKEN_PAGE = "https://id.atlassian.com/manage-profile/security/api-tokens"  # noqa: S105 - an address
_SECONDS_BETWEEN_CALLS = 0.2
_OK = 200
_CONFLICT = 409
_BROKEN = 500
_TRIES_FOR_A_CONFLICT = 3
_LONGEST_DETAIL = 2000
_AGAIN = "What was not imported stays so; run again, nothing is imported twice"


class CallError(Exception):
    """A call gave no licence.

    Attributes:
        maybe_made: The service may have made the licence all the same.
    """

    def __init__(self, message: str, *, maybe_made: bool) -> None:
        super().__init__(message)
        self.maybe_made = maybe_made


class ServiceError(CallError):
    """No other call of the run can succeed; the message says what to do."""


class RefusedError(CallError):
    """The service refuses this record; the message is its reason and may quote the record: never log it.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, status: int, detail: str, *, maybe_made: bool) -> None:
        super().__init__(detail, maybe_made=maybe_made)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """What came of a call.

    Attributes:
        license: The licence.
        status: The HTTP status: 200, or 409 when the service had a licence of that id before.
        uncertain: The call was repeated after one that the service may have carried out.
    """

    license: License
    status: int
    uncertain: bool

    @property
    def is_new(self) -> bool:
        """Whether this call made the licence."""
        return self.status != _CONFLICT


class LicenseService:
    """Imports licences of one app.

    Args:
        email: The account of the vendor's team.
        api_token: Its token.
        app_key: The app.
        api_url: Base URL, without `/rest/1.0`.
        stop: Ends all waiting when it is set.
        parallel: Most calls under way at one time.
        retry: How often a failing call is made, and how long it waits.
    """

    def __init__(
        self,
        *,
        email: str,
        api_token: str,
        app_key: str,
        api_url: str,
        stop: Event,
        parallel: int,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._path = f"/rest/1.0/plugins/{quote(app_key, safe='')}/license"
        self._retry = retry or RetryPolicy(sleep=interruptible_sleep(stop))
        self._session = ApiSession(
            api_url,
            auth=BasicAuth(email, api_token),
            user_agent=f"target-atlassian-marketplace/{version('target-atlassian-marketplace')}",
            retry=self._retry,
            pacer=Pacer(_SECONDS_BETWEEN_CALLS),
            secrets=(api_token, email),
            pool_size=parallel,
        )

    def issue(self, request: Mapping[str, Any]) -> Answer:
        """Import a licence.

        A repeat does no harm: the service knows the request by its id.

        Raises:
            RefusedError: The service refuses the record.
            ServiceError: It refuses the vendor or the app, does not answer, or answers with no licence.
        """
        uncertain: list[None] = []
        try:
            status, body = self._post(msgspec.json.encode(request), uncertain)
        except ApiError as error:
            raise self._meaning(error, maybe_made=bool(uncertain) or error.status >= _BROKEN) from None
        except RedirectedError:
            raise ServiceError(
                f"Setting 'api_url': {self._session.host} redirects the call to another address. Either the setting "
                f"is wrong (usually it is {DEFAULT_URL}), or Atlassian has retired the License Service",
                maybe_made=bool(uncertain),
            ) from None
        except WaitInterruptedError:
            raise ServiceError("Stopped before the call was made again", maybe_made=bool(uncertain)) from None
        except ConnectionFailedError as error:
            raise ServiceError(
                f"{error}. Check the network and the setting 'api_url'. {_AGAIN}",
                maybe_made=bool(uncertain) or error.maybe_received,
            ) from None
        maybe_made = bool(uncertain) or status != _CONFLICT
        return Answer(self._license(body, str(request["id"]), maybe_made=maybe_made), status, bool(uncertain))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _post(self, content: bytes, uncertain: list[None], tries: int = _TRIES_FOR_A_CONFLICT) -> tuple[int, Any]:
        """Make the call; `uncertain` grows with every try that the service may have carried out."""
        try:
            # As a stream, an answer that breaks off keeps its status: a conflict is known to be one.
            response = self._session.call(
                "POST",
                self._path,
                body=content,
                stream=True,
                on_uncertain_repeat=lambda: uncertain.append(None),
                expect_json=True,
            )
        except ApiError as error:
            if error.status != _CONFLICT:
                raise
            if error.body is not None or tries == 1:
                return _CONFLICT, error.body
            self._retry.pause(1)
            return self._post(content, uncertain, tries - 1)
        return _OK, response.json() if response.content else None

    def _license(self, body: Any, id_: str, *, maybe_made: bool) -> License:
        try:
            licence = msgspec.convert(body, License)
        except msgspec.ValidationError:
            raise ServiceError(
                f"{self._session.host} answered with something that is no licence: check 'api_url'. {_AGAIN}",
                maybe_made=maybe_made,
            ) from None
        if licence.id != id_:
            raise ServiceError(
                f"{self._session.host} answered with the licence of another id; it was not kept. Tell Atlassian's "
                "Marketplace vendor support before you go on",
                maybe_made=maybe_made,
            )
        return licence

    def _meaning(self, error: ApiError, *, maybe_made: bool) -> CallError:
        if error.status in {400, 413, 422}:
            return RefusedError(error.status, _detail(error), maybe_made=maybe_made)
        said = f"{self._session.host} answered HTTP {error.status}"
        advice = {
            401: f"Settings 'email' and 'api_token': {said}. The token may be wrong, revoked or expired; tokens live "
            f"one year at most. Make a new one at {_TOKEN_PAGE}",
            403: f"{said}. The account of 'email' must belong to the vendor of the app in 'app_key', and Atlassian "
            "must have approved that vendor for licence import: ask for it in the Marketplace vendor support portal. "
            "Its usage is audited",
            404: f"Setting 'app_key': {said}. The Marketplace does not know the app, or 'api_url' is wrong",
            410: f"{said}. Atlassian has retired the License Service: no licence can be imported any more",
            429: f"{said}, even after several tries: it asks for fewer calls. Run again later. {_AGAIN}",
        }
        return ServiceError(advice.get(error.status, f"{said}. {_AGAIN}"), maybe_made=maybe_made)


def _detail(error: ApiError) -> str:
    """What the service says about a refusal, as far as it says anything."""
    detail = error.reason
    if not detail and error.body is not None:
        detail = msgspec.json.encode(error.body).decode()[:_LONGEST_DETAIL]
    return f"HTTP {error.status}: {detail}" if detail else f"HTTP {error.status}, without a reason"
