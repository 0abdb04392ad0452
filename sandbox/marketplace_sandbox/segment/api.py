"""Routes of a door for the Segment protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from marketplace_sandbox.basic_auth import basic_credentials
from marketplace_sandbox.segment.answers import refusal, success
from marketplace_sandbox.segment.protocol import MAX_BATCH, MAX_BODY, MAX_MESSAGE, TYPES
from marketplace_sandbox.strict_json import parsed

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from marketplace_sandbox.segment.state import SegmentState

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class SegmentApi:
    """One address at which messages come in.

    Args:
        state: Where they go.
        write_key: The key whose messages are taken.
        tells: Whether another key is answered with 401; if not, its messages are lost without a word.
    """

    def __init__(self, state: SegmentState, write_key: str, *, tells: bool) -> None:
        self._state = state
        self._write_key = write_key
        self._tells = tells

    def routes(self) -> list[Route]:
        """All routes, below the base URL of the stand-in."""
        return [
            Route("/v1/batch", self._batch, methods=["POST"]),
            Route("/v1/{type}", self._single, methods=["POST"]),
            Route("/{rest:path}", _unknown, methods=_METHODS),
        ]

    async def _batch(self, request: Request) -> Response:
        body, refused = await _read(request, MAX_BODY)
        if refused:
            return refused
        messages = body.get("batch")
        if not isinstance(messages, list):
            return refusal(400, "batch must be an array")
        shared = {name: body[name] for name in ("context", "integrations") if isinstance(body.get(name), dict)}
        return self._take(request, body, [_with(message, shared) for message in messages])

    async def _single(self, request: Request) -> Response:
        if request.path_params["type"] not in TYPES:
            return await _unknown(request)
        body, refused = await _read(request, MAX_MESSAGE)
        if refused:
            return refused
        message = {name: value for name, value in body.items() if name != "writeKey"}
        return self._take(request, body, [{**message, "type": request.path_params["type"]}])

    def _take(self, request: Request, body: dict[str, Any], messages: list[Any]) -> Response:
        user, password = basic_credentials(request) or (None, "")
        given = {key for key in (user, body.get("writeKey")) if key is not None}
        if password or given != {self._write_key}:
            if self._tells:
                return refusal(401, "The write key is missing or not known.")
            reason = "unknown write key"
        else:
            reason = "more than 2,500 in a batch" if len(messages) > MAX_BATCH else ""
        kept = [self._state.discard(message, reason) if reason else self._state.take(message) for message in messages]
        request.state.stored = any(kept)
        return success()


async def _read(request: Request, limit: int) -> tuple[dict[str, Any], Response | None]:
    """The body of a call, and the answer that refuses it, if it cannot be read."""
    content = await request.body()
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return {}, refusal(400, "The content type must be application/json.")
    if len(content) > limit:
        return {}, refusal(400, "The request is too large.")
    try:
        body = parsed(content)
    except ValueError:
        return {}, refusal(400, "The request is not valid JSON.")
    return (body, None) if isinstance(body, dict) else ({}, refusal(400, "The request must be an object."))


async def _unknown(_: Request) -> Response:
    return refusal(404, "There is no such call.")


def _with(message: Any, shared: dict[str, dict[str, Any]]) -> Any:
    """A message of a batch, with what is said for all of them; its own words win."""
    if not isinstance(message, dict):
        return message
    own = {name: message[name] for name in shared if isinstance(message.get(name), dict)}
    return {**message, **{name: {**value, **own.get(name, {})} for name, value in shared.items()}}
