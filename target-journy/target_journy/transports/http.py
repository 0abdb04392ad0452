"""What the doors over HTTP have in common: a polite session, and what an answer means for what was sent."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from marketplace_http import (
    ApiError,
    ApiSession,
    ConnectionFailedError,
    RateLimiter,
    RedirectedError,
    RetryPolicy,
    WaitInterruptedError,
    interruptible_sleep,
    redact,
)
from target_journy.transports import NOT_THERE, DeliveryError, HeldBackError, PayloadRejectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from marketplace_http import EndsWaiting, HeaderAuth

_REFUSED = frozenset({400, 413, 422})


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How calls are made.

    Attributes:
        user_agent: How this loader names itself.
        timeout: Seconds to wait for an answer.
        requests_per_minute: How many calls all clients together may make in any minute.
        parallel: How many calls are made at once.
        tries: How often a failing call is made.
        stop: Ends all waiting.
    """

    user_agent: str
    timeout: float = 60.0
    requests_per_minute: int = 1800
    parallel: int = 8
    tries: int = 8
    stop: EndsWaiting | None = None


class HttpDoor(ABC):
    """One service, below one address.

    Args:
        name: The transport, as the setting names it.
        api_url: Where the service is.
        auth: The credential for it.
        secret: What of it must never be shown.
        manners: How calls are made.
    """

    def __init__(self, name: str, api_url: str, auth: HeaderAuth, secret: str, manners: Manners) -> None:
        self._name = name
        self._secrets = (secret,)
        sleep = interruptible_sleep(manners.stop or threading.Event())
        self._limiter = RateLimiter(manners.requests_per_minute, sleep=sleep)
        self._session = ApiSession(
            api_url,
            auth=auth,
            user_agent=manners.user_agent,
            timeout=manners.timeout,
            retry=RetryPolicy(tries=manners.tries, sleep=sleep),
            limiter=self._limiter,
            secrets=self._secrets,
            pool_size=manners.parallel,
        )

    @property
    def destination(self) -> str:
        """The transport and the host, and the port where it is not the usual one; however the address was written."""
        parts = urlsplit(self._session.base_url)
        port = f":{parts.port}" if parts.port not in {None, 80, 443} else ""
        return f"{self._name} {parts.hostname}{port}"

    def pause(self) -> float:
        """Seconds until the rate limit lets another call start."""
        return self._limiter.pause()

    @abstractmethod
    def check(self) -> str:
        """Ask whether the credential works; what came out, in one line.

        Raises:
            DeliveryError: It does not, or the server does not answer.
        """

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    @abstractmethod
    def _advice(self, said: str) -> dict[int, str]:
        """What to do about a status, for those of which more can be told than that it came."""

    def _request(self, method: str, path: str, body: bytes | None = None) -> tuple[requests.Response, int]:
        """Make a call; its answer, and how often it was made again although it may have been carried out before."""
        repeats: list[None] = []
        try:
            response = self._session.call(
                method,
                path,
                body=body,
                on_uncertain_repeat=lambda: repeats.append(None),
                expect_json=True,
            )
        except ApiError as error:
            raise self._meaning(method, error, repeats=len(repeats)) from None
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

    def _meaning(self, method: str, error: ApiError, *, repeats: int) -> Exception:
        said = f"{self._session.host} answered {error}".rstrip(".")
        body = error.body if isinstance(error.body, dict) else {}
        # Another server than journy.io's names no request: there nothing is, whatever the address.
        is_gone = method == "DELETE" and error.status == NOT_THERE and request_id(body)
        if error.status in _REFUSED or is_gone:
            errors = body.get("errors")
            fields = errors.get("fields") if isinstance(errors, dict) else None
            return PayloadRejectedError(
                error.reason or f"HTTP {error.status}",
                request_id(body),
                {str(name): self._mask(text) for name, text in fields.items()} if isinstance(fields, dict) else {},
                error.status,
            )
        kept = f"{said}. What was not delivered is kept and sent by the next run"
        message = self._advice(said).get(error.status, kept)
        maybe_received = bool(repeats) or error.status >= 500
        return DeliveryError(message, maybe_received=maybe_received, possibly_repeated=repeats)

    def _mask(self, text: Any) -> str:
        return redact(str(text), self._secrets)


def request_id(body: Mapping[str, Any]) -> str | None:
    """The server's own name for a call, if the answer tells."""
    meta = body.get("meta")
    return str(meta["requestId"]) if isinstance(meta, dict) and meta.get("requestId") else None
