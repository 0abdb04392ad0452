"""Credentials that cannot be printed and that no `.netrc` can replace."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from requests.auth import AuthBase

if TYPE_CHECKING:
    from requests import PreparedRequest


class HeaderAuth(AuthBase):
    """Send a credential in a header, for example `X-Api-Key`.

    Being an auth object, it also keeps `requests` from looking into the user's `.netrc`.
    """

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the header to a request that is about to be sent."""
        request.headers[self._name] = self._value
        return request


class BasicAuth(HeaderAuth):
    """HTTP Basic in UTF-8, as RFC 7617 recommends; `requests` would use Latin-1."""

    def __init__(self, user: str, password: str) -> None:
        token = b64encode(f"{user}:{password}".encode()).decode("ascii")
        super().__init__("Authorization", f"Basic {token}")
