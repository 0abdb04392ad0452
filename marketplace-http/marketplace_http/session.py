"""One pooled session for one host: every call with time-outs, pacing, retry and without redirects."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from marketplace_http.answer_time import TimedAdapter, answer_within
from marketplace_http.errors import ApiError, CertificateError, ConnectionFailedError, RedirectedError
from marketplace_http.redaction import redact
from marketplace_http.retry import RetryPolicy, retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from requests.auth import AuthBase

    from marketplace_http.limiter import RateLimiter
    from marketplace_http.pacing import Pacer

_LONGEST_REASON = 300
_TOO_MANY = 429
_NO_CONTENT = 204
_LONGEST_CONNECT = 10.0


class ApiSession:
    """Calls to one API, below one base URL.

    Args:
        base_url: Scheme, host and path prefix, for example `https://api.atlassian.com/marketplace`.
        auth: The credential, sent with every call and to no other host.
        user_agent: How this client names itself.
        timeout: Seconds for a whole answer, however steadily it comes, and at most 10 of them for a connection.
        retry: When to repeat a call that failed.
        pacer: Keeps a distance between calls, if given.
        limiter: Keeps calls below the server's limit, if given; refusals (429) then do not count as failed tries, but
            end after `patience` seconds.
        patience: Seconds in which a call may be refused for coming too often.
        secrets: Values to mask in the server's own messages.
        pool_size: Connections kept open.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: AuthBase,
        user_agent: str,
        timeout: float = 60.0,
        retry: RetryPolicy | None = None,
        pacer: Pacer | None = None,
        limiter: RateLimiter | None = None,
        patience: float = 600.0,
        secrets: Iterable[str] = (),
        pool_size: int = 8,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.host = urlsplit(base_url).netloc
        self._timeout = timeout
        self._retry = retry or RetryPolicy()
        self._pacer = pacer
        self._limiter = limiter
        self._patience = patience
        self._secrets = tuple(secrets)
        self._session = requests.Session()
        # A proxy would read what is not encrypted, the credential included; only this machine is called that way.
        self._session.trust_env = urlsplit(base_url).scheme == "https"
        self._session.auth = auth
        self._session.headers.update({"User-Agent": user_agent, "Accept": "application/json"})
        adapter = TimedAdapter(pool_connections=1, pool_maxsize=pool_size)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        stream: bool = False,
        retry_statuses: frozenset[int] | None = None,
        on_uncertain_repeat: Callable[[], None] | None = None,
        timeout: float | None = None,
        expect_json: bool = False,
    ) -> requests.Response:
        """Make one call, repeated as the policy says, and return its successful answer.

        Args:
            method: The HTTP method.
            path: Path below the base URL, with a leading slash.
            params: Query parameters; a list repeats its parameter, None leaves it out.
            body: JSON to send.
            stream: Leave the body unread; the caller closes the answer. The time-out then is for each part of the body,
                and how long all of it may take is for the caller to say.
            retry_statuses: Statuses to repeat on, instead of the policy's.
            on_uncertain_repeat: Told each time before a call is repeated that the server may have carried out.
            timeout: Seconds, instead of the session's.
            expect_json: Take a successful answer without JSON (unless it is a 204) for one that was cut short.

        Raises:
            ApiError: The last answer was an error.
            ConnectionFailedError: The last try got no answer.
            CertificateError: The server's certificate cannot be verified; there was one try only.
            RedirectedError: The answer was a redirect.
        """
        statuses = self._retry.statuses if retry_statuses is None else retry_statuses
        failures = 0
        give_up = time.monotonic() + self._patience
        while True:
            try:
                response = self._once(
                    method,
                    path,
                    params=params,
                    body=body,
                    stream=stream,
                    timeout=timeout or self._timeout,
                    expect_json=expect_json,
                )
            except ConnectionFailedError as error:
                failures += 1
                if failures >= self._retry.tries or isinstance(error, CertificateError):
                    raise
                if error.maybe_received and on_uncertain_repeat:
                    on_uncertain_repeat()
                self._retry.pause(failures)
                continue
            if response.status_code < 300:
                return response
            error_answer = self._error(response)
            if (error_answer.retry_after or 0.0) > self._retry.patience:
                raise error_answer
            if self._limiter and error_answer.status == _TOO_MANY and time.monotonic() < give_up:
                self._limiter.refused(error_answer.retry_after)
                continue
            failures += 1
            if error_answer.status not in statuses or failures >= self._retry.tries:
                raise error_answer
            if error_answer.status >= 500 and on_uncertain_repeat:
                on_uncertain_repeat()
            self._retry.pause(failures, error_answer.retry_after)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def _once(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None,
        body: bytes | None,
        stream: bool,
        timeout: float,
        expect_json: bool,
    ) -> requests.Response:
        if self._pacer:
            self._pacer.wait()
        started = self._limiter.wait() if self._limiter else 0.0
        try:
            with answer_within(timeout) as limit:
                response = self._session.request(
                    method,
                    self.base_url + path,
                    params=params,
                    data=body,
                    headers={"Content-Type": "application/json"} if body is not None else None,
                    stream=stream,
                    timeout=(min(timeout, _LONGEST_CONNECT), timeout),
                    allow_redirects=False,
                )
        except requests.exceptions.ConnectTimeout:
            raise ConnectionFailedError(self.host, "connecting took too long", maybe_received=False) from None
        except requests.exceptions.RequestException as error:
            innermost = _innermost(error)
            if isinstance(innermost, ssl.SSLCertVerificationError):
                raise CertificateError(self.host, _in_one_line(innermost.verify_message)) from None
            cause = redact(type(innermost).__name__, self._secrets)
            if isinstance(innermost, TimeoutError):
                cause = "the answer took too long"
            raise ConnectionFailedError(self.host, cause, maybe_received=not _was_never_connected(error)) from None
        if response.status_code < 300:
            limit.lift()
        if self._limiter:
            self._limiter.answered(started, response.headers)
        is_success = response.status_code < 300 and response.status_code != _NO_CONTENT
        if expect_json and is_success and not isinstance(_json(response), dict):
            raise ConnectionFailedError(self.host, "the answer was cut short or is no JSON", maybe_received=True)
        return response

    def _error(self, response: requests.Response) -> ApiError:
        with response:
            if response.status_code < 400:
                raise RedirectedError(self.host, response.status_code)
            body = _json(response)
            return ApiError(
                response.status_code,
                redact(_in_one_line(_server_message(body)), self._secrets)[:_LONGEST_REASON],
                retry_after=retry_after(response.headers),
                body=body,
            )


def _innermost(error: BaseException) -> BaseException:
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


def _was_never_connected(error: requests.exceptions.RequestException) -> bool:
    """Whether a call certainly did not reach the server: no address, nobody who listens, no proxy."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)  # urllib3's own error
    return isinstance(error, requests.exceptions.ProxyError) or isinstance(reason, NewConnectionError)


def _in_one_line(text: str) -> str:
    """Leave out what would break a log's lines or steer a terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError, requests.exceptions.RequestException):
        return None


def _server_message(body: Any) -> str:
    """Pick the short message out of an error body of Atlassian or journy.io; texts only, never the body itself."""
    if not isinstance(body, dict):
        return ""
    parts: list[str] = []
    if isinstance(errors := body.get("errors"), list):
        for entry in errors:
            if isinstance(entry, dict):
                parts.extend(_texts(entry, "message", "title", "detail"))
    elif isinstance(errors, dict) and isinstance(fields := errors.get("fields"), dict):
        parts.extend(f"{name}: {text}" for name, text in fields.items() if isinstance(text, str))
    parts.extend(_texts(body, "message", "error"))
    return "; ".join(parts)


def _texts(body: Mapping[str, Any], *names: str) -> list[str]:
    found = map(body.get, names)
    return [text for text in found if text and isinstance(text, str)]
