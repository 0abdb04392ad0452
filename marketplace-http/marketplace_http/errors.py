"""What can go wrong with a call, without bodies: those may hold people's data."""

from __future__ import annotations


class ConnectionFailedError(Exception):
    """No usable answer came: the name did not resolve, the connection broke, or time ran out.

    Attributes:
        host: The host that was called.
        maybe_received: True when the request may have reached the server before the connection failed.
    """

    def __init__(self, host: str, cause: str, *, maybe_received: bool) -> None:
        super().__init__(f"No answer from {host}: {cause}")
        self.host = host
        self.maybe_received = maybe_received


class CertificateError(ConnectionFailedError):
    """The server's certificate cannot be verified, which another try would not cure."""

    def __init__(self, host: str, reason: str) -> None:
        cause = (
            f"its certificate cannot be verified ({reason}). Where a proxy or host of your company has one of its own "
            "authority, name the file of that authority's certificate in the environment variable REQUESTS_CA_BUNDLE"
        )
        super().__init__(host, cause, maybe_received=False)


class RedirectedError(Exception):
    """The server answered with a redirect, which is not followed: credentials stay with their host."""

    def __init__(self, host: str, status: int) -> None:
        super().__init__(f"{host} answered {status}, a redirect; it is not followed, to keep the credentials")


class ApiError(Exception):
    """The server answered with a status of 400 or more.

    Attributes:
        status: The HTTP status.
        reason: The server's own short message, credentials and e-mail addresses masked; "" if it gave none.
        retry_after: Seconds that the server asked to wait, if it did.
        body: The decoded JSON of the answer, if it was JSON. It may hold people's data: never log it.
    """

    def __init__(self, status: int, reason: str, *, retry_after: float | None = None, body: object = None) -> None:
        super().__init__(f"HTTP {status}: {reason}" if reason else f"HTTP {status}")
        self.status = status
        self.reason = reason
        self.retry_after = retry_after
        self.body = body


class WaitInterruptedError(Exception):
    """A wait before a call was cut short, because the program is to end."""
