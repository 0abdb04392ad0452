"""Answers of the License Service: an error is a list of what is wrong, with the field where it is about one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Iterable


def bad_request(findings: Iterable[tuple[str, str]]) -> JSONResponse:
    """400: what is wrong, as pairs of field and message; a finding about the whole body has no field."""
    errors = [{"message": message, "path": field} if field else {"message": message} for field, message in findings]
    return JSONResponse({"errors": errors}, 400)


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error that has nothing to do with the body."""
    return JSONResponse({"errors": [{"message": message}]}, status, headers)


def unauthorized() -> JSONResponse:
    """401: no basic credentials, or wrong ones."""
    return refusal(401, "Basic authentication with valid credentials is required.")


def not_the_vendor() -> JSONResponse:
    """403: credentials of somebody else than the app's vendor."""
    return refusal(403, "Only the vendor of this app may import licenses for it.")


def not_approved() -> JSONResponse:
    """403: the app's vendor, whom the Marketplace team has not approved for this API."""
    return refusal(403, "This vendor is not authorised to use the license import API.")


def retired() -> JSONResponse:
    """410: the API is no more."""
    return refusal(410, "The license import API has been retired.")


def too_many() -> JSONResponse:
    """429: called too often."""
    return refusal(429, "Too many requests.")


def broken() -> JSONResponse:
    """500: the service failed."""
    return refusal(500, "Something went wrong.")


REFUSALS = {401: unauthorized, 403: not_approved, 410: retired, 429: too_many, 500: broken}
"""Errors that can come whatever is sent, by status."""
