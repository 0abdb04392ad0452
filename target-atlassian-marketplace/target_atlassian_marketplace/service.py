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
_CONFLICT = 409
_LONGEST_DETAIL = 2000
_AGAIN = "What was not imported stays so; run again, nothing is imported twice"


class ServiceError(Exception):
    """No other call of the run can succeed; the message says what to do."""


class RefusedError(Exception):
    """The service refuses this record; the message is its reason and may quote the record: never log it.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
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
        self._session = ApiSession(
            api_url,
            auth=BasicAuth(email, api_token),
            user_agent=f"target-atlassian-marketplace/{version('target-atlassian-marketplace')}",
            retry=retry or RetryPolicy(sleep=interruptible_sleep(stop)),
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
        status = 200
        try:
            response = self._session.call(
                "POST",
                self._path,
                body=msgspec.json.encode(request),
                on_uncertain_repeat=lambda: uncertain.append(None),
                expect_json=True,
            )
            body = response.json()
        except ApiError as error:
            if error.status != _CONFLICT:
                raise self._meaning(error) from None
            status, body = error.status, error.body
        except RedirectedError:
            raise ServiceError(
                f"Setting 'api_url': {self._session.host} redirects the call to another address. Either the setting "
                f"is wrong (usually it is {DEFAULT_URL}), or Atlassian has retired the License Service"
            ) from None
        except WaitInterruptedError:
            raise ServiceError("Stopped before the call was made again") from None
        except ConnectionFailedError as error:
            raise ServiceError(f"{error}. Check the network and the setting 'api_url'. {_AGAIN}") from None
        return Answer(self._license(body, str(request["id"])), status, bool(uncertain))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _license(self, body: Any, id_: str) -> License:
        try:
            licence = msgspec.convert(body, License)
        except msgspec.ValidationError:
            raise ServiceError(
                f"{self._session.host} answered with something that is no licence: check 'api_url'. {_AGAIN}"
            ) from None
        if licence.id != id_:
            raise ServiceError(
                f"{self._session.host} answered with the licence of another id; it was not kept. Tell Atlassian's "
                "Marketplace vendor support before you go on"
            )
        return licence

    def _meaning(self, error: ApiError) -> Exception:
        if error.status in {400, 413, 422}:
            return RefusedError(error.status, _detail(error))
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
        return ServiceError(advice.get(error.status, f"{said}. {_AGAIN}"))


def _detail(error: ApiError) -> str:
    """What the service says about a refusal, as far as it says anything."""
    detail = error.reason
    if not detail and error.body is not None:
        detail = msgspec.json.encode(error.body).decode()[:_LONGEST_DETAIL]
    return f"HTTP {error.status}: {detail}" if detail else f"HTTP {error.status}, without a reason"
