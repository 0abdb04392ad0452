"""Answers in the shapes in which Segment's tracking API writes them."""

from __future__ import annotations

from starlette.responses import JSONResponse


def success() -> JSONResponse:
    """What nearly every call is answered with, whatever becomes of its messages."""
    return JSONResponse({"success": True})


def refusal(status: int, message: str) -> JSONResponse:
    """An answer to a call of which nothing is taken."""
    return JSONResponse({"success": False, "message": message}, status)
