"""journy.io's REST API: one call a record, and what each of its answers means."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from marketplace_http import (
    ApiError,
    ApiSession,
    ConnectionFailedError,
    HeaderAuth,
    RateLimiter,
    RedirectedError,
    RetryPolicy,
    WaitInterruptedError,
    interruptible_sleep,
    redact,
)
from target_journy.transports import DeliveryError, HeldBackError, PayloadRejectedError, Receipt
from target_journy.values import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import requests

    from marketplace_http import EndsWaiting
    from target_journy.values import Scalar, Value

DEFAULT_URL = "https://api.journy.io"

_WHERE_TO_FIND_THE_KEY = "keys are made in journy.io under Settings, API access"


class JournyRest:
    """The REST API of one journy.io business.

    Args:
        api_key: A key with the permission to track data.
        api_url: Where the API is.
        user_agent: How this loader names itself.
        timeout: Seconds to wait for an answer.
        requests_per_minute: How many calls all clients of the business may make in any minute.
        parallel: How many calls are made at once.
        tries: How often a failing call is made.
        stop: Ends all waiting.
    """

    def __init__(
        self,
        api_key: str,
        *,
        api_url: str = DEFAULT_URL,
        user_agent: str,
        timeout: float = 60.0,
        requests_per_minute: int = 1800,
        parallel: int = 8,
        tries: int = 8,
        stop: EndsWaiting | None = None,
    ) -> None:
        self._secrets = (api_key,)
        sleep = interruptible_sleep(stop or threading.Event())
        self._session = ApiSession(
            api_url,
            auth=HeaderAuth("X-Api-Key", api_key),
            user_agent=user_agent,
            timeout=timeout,
            retry=RetryPolicy(tries=tries, sleep=sleep),
            limiter=RateLimiter(requests_per_minute, sleep=sleep),
            secrets=self._secrets,
            pool_size=parallel,
        )

    @property
    def destination(self) -> str:
        """`journy` and the host, and the port where it is not the usual one; however the address was written."""
        parts = urlsplit(self._session.base_url)
        port = f":{parts.port}" if parts.port not in {None, 80, 443} else ""
        return f"journy {parts.hostname}{port}"

    def permissions(self) -> list[str]:
        """What the key may do, as `GET /validate` tells.

        Raises:
            DeliveryError: The key does not work, or the server does not answer.
        """
        try:
            response, _ = self._request("GET", "/validate")
        except PayloadRejectedError as error:
            raise DeliveryError(f"{self._session.host} refused to validate the key: {error.reason}") from None
        data = _json(response).get("data")
        permissions = data.get("permissions") if isinstance(data, dict) else None
        if not isinstance(permissions, list):
            raise DeliveryError(
                f"Setting 'api_url': {self._session.host} did not say what the key may do. It is not the address of "
                f"journy.io's API, such as {DEFAULT_URL}"
            )
        return [str(permission) for permission in permissions]

    def upsert_account(self, account: str, properties: Mapping[str, Value]) -> Receipt:
        """Create or update an account, known by its id alone: accounts that share a domain stay apart."""
        return self._post("/accounts/upsert", {"identification": _account(account), "properties": dict(properties)})

    def upsert_user(self, email: str, properties: Mapping[str, Value]) -> Receipt:
        """Create or update a user, known by e-mail."""
        return self._post("/users/upsert", {"identification": {"email": email}, "properties": dict(properties)})

    def add_members(self, account: str, emails: Sequence[str]) -> Receipt:
        """Make users members of an account."""
        return self._post("/accounts/users/add", _members(account, emails))

    def remove_members(self, account: str, emails: Sequence[str]) -> Receipt:
        """End memberships; the users stay."""
        return self._post("/accounts/users/remove", _members(account, emails))

    def track(self, name: str, account: str, triggered_at: str, metadata: Mapping[str, Scalar]) -> Receipt:
        """Tell an event of an account. There is no idempotency key: what may be a repeat is counted."""
        return self._post(
            "/track",
            {
                "identification": {"account": _account(account)},
                "name": name,
                "triggeredAt": triggered_at,
                "metadata": dict(metadata),
            },
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _post(self, path: str, body: dict[str, Any]) -> Receipt:
        response, repeats = self._request("POST", path, body)
        answer = _json(response)
        rejected = answer.get("rejected")
        return Receipt(
            request_id=_request_id(answer),
            rejected={str(name): self._mask(reason) for name, reason in rejected.items()}
            if isinstance(rejected, dict)
            else {},
            possibly_repeated=repeats,
        )

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[requests.Response, int]:
        repeats: list[None] = []
        try:
            response = self._session.call(
                method,
                path,
                body=None if body is None else to_json(body).encode(),
                on_uncertain_repeat=lambda: repeats.append(None),
                expect_json=True,
            )
        except ApiError as error:
            raise self._meaning(error, repeats=len(repeats)) from None
        except WaitInterruptedError:
            # It waits before a call is made again, so the last of the repeats was not made.
            raise HeldBackError(
                "Stopped before the call was made",
                maybe_received=bool(repeats),
                possibly_repeated=max(0, len(repeats) - 1),
            ) from None
        except (ConnectionFailedError, RedirectedError) as error:
            raise DeliveryError(
                f"{error}. Check the setting 'api_url' and the network, then run again",
                maybe_received=bool(repeats) or getattr(error, "maybe_received", False),
                possibly_repeated=len(repeats),
            ) from None
        return response, len(repeats)

    def _meaning(self, error: ApiError, *, repeats: int) -> Exception:
        host = self._session.host
        said = f"{host} answered {error}".rstrip(".")
        if error.status in {400, 413, 422}:
            body = error.body if isinstance(error.body, dict) else {}
            errors = body.get("errors")
            fields = errors.get("fields") if isinstance(errors, dict) else None
            return PayloadRejectedError(
                error.reason or f"HTTP {error.status}",
                _request_id(body),
                {str(name): self._mask(text) for name, text in fields.items()} if isinstance(fields, dict) else {},
            )
        advice = {
            401: f"Setting 'api_key': {said}. The key is wrong or lacks the permission to track data; "
            f"{_WHERE_TO_FIND_THE_KEY}",
            403: f"Setting 'api_key': {said}. The key is disabled; {_WHERE_TO_FIND_THE_KEY}",
            404: f"Setting 'api_url': {said}. It is not the address of journy.io's API, such as {DEFAULT_URL}",
            429: f"{said}. Lower the setting 'requests_per_minute', or let other integrations rest, then run again",
        }
        message = advice.get(error.status, f"{said}. What was not delivered is kept and sent by the next run")
        maybe_received = bool(repeats) or error.status >= 500
        return DeliveryError(message, maybe_received=maybe_received, possibly_repeated=repeats)

    def _mask(self, text: Any) -> str:
        return redact(str(text), self._secrets)


def _account(account: str) -> dict[str, str]:
    return {"accountId": account}


def _members(account: str, emails: Sequence[str]) -> dict[str, Any]:
    return {
        "account": _account(account),
        "users": [{"identification": {"email": email}} for email in emails],
    }


def _json(response: requests.Response) -> dict[str, Any]:
    """The body of a successful answer; a 204, as for memberships that ended, has none."""
    return response.json() if response.content else {}


def _request_id(body: Mapping[str, Any]) -> str | None:
    meta = body.get("meta")
    return str(meta["requestId"]) if isinstance(meta, dict) and meta.get("requestId") else None
