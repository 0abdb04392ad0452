"""Answers that a fault gives instead of the right one, and those that it spoils."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse

from marketplace_sandbox.journy import answers as journy
from marketplace_sandbox.license_service import answers as license_service
from marketplace_sandbox.marketplace import answers as marketplace
from marketplace_sandbox.segment import answers as segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from marketplace_sandbox.calls import Call
    from marketplace_sandbox.faults.faults import Fault

_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_ROW_LISTS = ("licenses", "transactions", "events", "feedback", "quotes", "items", "versions", "reviews", "records")


class Answer(NamedTuple):
    """A whole answer, before it is sent.

    Attributes:
        status: HTTP status.
        headers: Names in lower case, and values.
        body: All of it.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @classmethod
    def of(cls, response: Response) -> Answer:
        """The answer that a response stands for."""
        return cls(response.status_code, list(response.raw_headers), bytes(response.body))

    def with_body(self, body: bytes) -> Answer:
        """The same with another body, and a Content-Length that fits it if there was one."""
        headers = [
            (name, str(len(body)).encode() if name == b"content-length" else value) for name, value in self.headers
        ]
        return self._replace(headers=headers, body=body)


def instead(fault: Fault, call: Call, foreign_url: str, limits: dict[str, str]) -> Answer | None:
    """The answer of a fault that keeps a call from taking effect; None if the fault lets it through.

    Args:
        fault: What hits the call.
        call: The call.
        foreign_url: Base URL of the other host, for redirects.
        limits: Headers that journy.io, though not a gateway before it, adds to every answer.
    """
    if fault.name.startswith("429-"):
        response = _refusal(429, call, limits)
        if fault.name == "429-seconds":
            response.headers["Retry-After"] = str(math.ceil(fault.seconds or 0))
            if call.side in ("segment", "journy_segment"):
                response.headers["X-RateLimit-Reset"] = response.headers["Retry-After"]
        elif fault.name == "429-date":
            response.headers["Retry-After"] = _http_date(fault.seconds or 0)
        return Answer.of(response)
    if fault.name in ("401", "403", "410", "500"):
        return Answer.of(_refusal(int(fault.name), call, limits))
    if fault.name in ("502", "503"):
        return Answer.of(_gateway(int(fault.name)))
    if fault.name == "non-json":
        return Answer.of(HTMLResponse(_PAGE.format("Please sign in")))
    if fault.name == "redirect":
        return Answer.of(RedirectResponse(foreign_url + call.path + (f"?{call.query}" if call.query else ""), 302))
    return None


def spoiled(fault: Fault, answer: Answer, foreign_url: str) -> Answer:
    """The answer of a call that took effect, as a fault leaves it; errors stay as they are."""
    if fault.name == "502-after":
        return Answer.of(_gateway(502))
    if answer.status >= 300:
        return answer
    if fault.name == "foreign-links":
        return _changed(answer, lambda content: _with_foreign_links(content, foreign_url))
    if fault.name == "duplicate-rows":
        return _changed(answer, lambda content: _with_rows(content, lambda rows: rows + rows))
    if fault.name == "empty":
        return _changed(answer, lambda content: _with_rows(content, lambda _: []), otherwise=b"")
    if fault.name == "export-truncated":
        return answer.with_body(answer.body[: len(answer.body) * 2 // 3])
    return answer


def _refusal(status: int, call: Call, limits: dict[str, str]) -> JSONResponse:
    if call.side == "journy":
        words = {401: "No API key was given, or it is not known.", 403: "The API key is disabled."}
        words |= {429: "Too many requests.", 410: "This operation was removed.", 500: "Something went wrong."}
        response = journy.refusal(status, words[status])
        response.headers.update(limits)
        return response
    if call.side in ("segment", "journy_segment"):
        return segment.refusal(status, HTTPStatus(status).phrase)
    if call.side == "license-service":
        return license_service.REFUSALS[status]()
    if status == 429:
        return JSONResponse({"message": "Rate limit exceeded"}, status)
    if status == 500:
        return marketplace.problem(status, "INTERNAL", "Internal error", "Something went wrong")
    return {401: marketplace.unauthorized, 403: marketplace.forbidden, 410: marketplace.retired}[status]()


def _gateway(status: int) -> HTMLResponse:
    return HTMLResponse(_PAGE.format({502: "502 Bad Gateway", 503: "503 Service Unavailable"}[status]), status)


def _http_date(seconds: float) -> str:
    # Dates have whole seconds: rounded up, so that at least the time asked for is waited.
    moment = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    if moment.microsecond:
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    return format_datetime(moment, usegmt=True)


def _changed(answer: Answer, change: Callable[[Any], Any], *, otherwise: bytes | None = None) -> Answer:
    """The answer with its content changed; where the change says None, with `otherwise` as its body."""
    try:
        content = change(json.loads(answer.body))
    except ValueError:
        content = None
    if content is None:
        return answer if otherwise is None else answer.with_body(otherwise)
    return answer.with_body(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def _with_rows(content: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    if isinstance(content, list):
        return change(content)
    rows = {name: change(content[name]) for name in _ROW_LISTS if isinstance(content.get(name), list)}
    return {**content, **rows} if rows else None


def _with_foreign_links(content: Any, foreign_url: str) -> Any:
    if isinstance(content, list):
        return [_with_foreign_links(entry, foreign_url) for entry in content]
    if isinstance(content, dict):
        return {key: _with_foreign_links(entry, foreign_url) for key, entry in content.items()}
    is_link = isinstance(content, str) and content.startswith(("/reporting/", "/product-listing/", "/app-software/"))
    return f"{foreign_url}/marketplace/rest/3{content}" if is_link else content
