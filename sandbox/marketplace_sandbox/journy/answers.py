"""Answers in the shapes in which journy.io writes them."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.responses import JSONResponse


def meta(status: int) -> dict[str, Any]:
    """What every body begins with; each request has an id of its own."""
    return {"requestId": str(uuid.uuid4()), "status": status}


def refusal(status: int, message: str) -> JSONResponse:
    """An error that has nothing to do with the body."""
    return JSONResponse({"meta": meta(status), "message": message}, status)


def bad_request(fields: dict[str, str], message: str = "The request is invalid.") -> JSONResponse:
    """400, with a text for each field that is wrong, by its dotted path."""
    errors = {"fields": fields, "parameters": {}}
    return JSONResponse({"meta": meta(400), "message": message, "errors": errors}, 400)
