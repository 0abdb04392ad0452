"""Error bodies in the shapes in which the Marketplace writes them."""

from __future__ import annotations

from starlette.responses import JSONResponse


class BadParameterError(Exception):
    """A query parameter that the API refuses.

    Args:
        name: The parameter.
        message: What the API says about it.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


def bad_parameter(error: BadParameterError) -> JSONResponse:
    """400 of the reporting resources."""
    return JSONResponse({"errors": [{"message": error.message, "path": error.name}]}, 400)


def unauthorized() -> JSONResponse:
    """401 of the gateway: no credentials, or wrong ones."""
    return JSONResponse({"code": 401, "message": "Unauthorized"}, 401)


def problem(status: int, code: str, title: str, detail: str) -> JSONResponse:
    """An error of the newer resources."""
    entry = {"status": str(status), "code": code, "title": title, "detail": detail}
    return JSONResponse({"errors": [entry]}, status)


def forbidden() -> JSONResponse:
    """403: known, but not allowed to see this."""
    return problem(403, "FORBIDDEN", "Forbidden", "You do not have permission to access this resource")


def not_found(detail: str) -> JSONResponse:
    """404: no such vendor, developer space, export or resource."""
    return problem(404, "NOT_FOUND", "Not found", detail)


def retired() -> JSONResponse:
    """410 of everything below `/rest/2`."""
    return problem(410, "API_DEPRECATED", "Gone", "This API version has been retired")
