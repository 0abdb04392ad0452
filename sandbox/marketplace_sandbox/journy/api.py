"""Routes of the journy.io stand-in."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from marketplace_sandbox import credentials
from marketplace_sandbox.journy import validation
from marketplace_sandbox.journy.answers import bad_request, meta, refusal
from marketplace_sandbox.strict_json import parsed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from marketplace_sandbox.journy.limit import SlidingWindow
    from marketplace_sandbox.journy.state import JournyState

    Endpoint = Callable[[Request], Awaitable[Response]]

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
PERMISSIONS = ["TrackData", "GetTrackingSnippet", "ReadEvents", "ReadProperties", "ReadSegments"]


class JournyApi:
    """journy.io's REST API over one state.

    Args:
        state: What journy.io holds.
        limit: The rate limit of the business.
        now: The present, as ISO 8601 text, for events that do not say when they happened.
    """

    def __init__(self, state: JournyState, limit: SlidingWindow, now: Callable[[], str]) -> None:
        self._state = state
        self._limit = limit
        self._now = now

    def routes(self) -> list[Route]:
        """All routes, below the base URL of the stand-in."""
        write = self._write
        state, rules = self._state, validation
        return [
            Route("/validate", self._read(lambda: {"permissions": PERMISSIONS})),
            Route("/properties/accounts", self._read(lambda: self._properties("accounts"))),
            Route("/properties/users", self._read(lambda: self._properties("users"))),
            Route("/events", self._read(self._event_definitions)),
            Route("/segments/accounts", self._read(list)),
            Route("/segments/users", self._read(list)),
            Route(
                "/accounts/upsert",
                write(
                    lambda body: rules.upsert(body, rules.account),
                    lambda body: state.upsert_account(body["identification"], body.get("properties", {})),
                    201,
                    "Account will be created or updated",
                ),
                methods=["POST"],
            ),
            Route(
                "/users/upsert",
                write(
                    lambda body: rules.upsert(body, rules.user),
                    lambda body: state.upsert_user(body["identification"], body.get("properties", {})),
                    201,
                    "User will be created or updated",
                ),
                methods=["POST"],
            ),
            Route(
                "/accounts",
                write(
                    lambda body: rules.deletion(body, rules.account),
                    lambda body: state.delete_account(body["identification"]),
                    202,
                    "Account will be deleted",
                ),
                methods=["DELETE"],
            ),
            Route(
                "/users",
                write(
                    lambda body: rules.deletion(body, rules.user),
                    lambda body: state.delete_user(body["identification"]),
                    202,
                    "User will be deleted",
                ),
                methods=["DELETE"],
            ),
            Route(
                "/accounts/users/add",
                write(
                    rules.membership,
                    lambda body: state.add_members(body["account"], _members(body)),
                    201,
                    "Users will be added to the account",
                ),
                methods=["POST"],
            ),
            Route(
                "/accounts/users/remove",
                write(
                    rules.membership,
                    lambda body: state.remove_members(body["account"], _members(body)),
                    204,
                    "",
                ),
                methods=["POST"],
            ),
            Route(
                "/track",
                write(rules.event, lambda body: state.track(body, self._now()), 201, "Event is tracked"),
                methods=["POST"],
            ),
            Route("/{rest:path}", self._admitted(_unknown), methods=_METHODS),
        ]

    def _read(self, data: Callable[[], Any]) -> Endpoint:
        async def endpoint(_: Request) -> Response:
            return JSONResponse({"meta": meta(200), "data": data()})

        return self._admitted(endpoint)

    def _write(
        self,
        check: Callable[[dict[str, Any]], dict[str, str]],
        apply: Callable[[dict[str, Any]], dict[str, str] | None],
        status: int,
        message: str,
    ) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            try:
                body = parsed(await request.body())
            except ValueError:
                return bad_request({}, "The request body is not valid JSON.")
            if not isinstance(body, dict):
                return bad_request({"": "Expected an object."})
            errors = check(body)
            if errors:
                return bad_request(errors)
            rejected = apply(body)
            request.state.stored = True
            if status == 204:
                return Response(status_code=204)
            answer: dict[str, Any] = {"meta": meta(status), "message": message}
            if rejected:
                answer["rejected"] = rejected
            return JSONResponse(answer, status)

        return self._admitted(endpoint)

    def _admitted(self, endpoint: Endpoint) -> Endpoint:
        async def limited(request: Request) -> Response:
            key = request.headers.get("x-api-key")
            if key == credentials.JOURNY_DISABLED_KEY:
                response: Response = refusal(403, "The API key is disabled.")
            elif key != credentials.JOURNY_KEY:
                response = refusal(401, "No API key was given, or it is not known.")
            elif not self._limit.take():
                response = refusal(429, "Too many requests.")
            else:
                response = await endpoint(request)
            response.headers.update(self._limit.headers())
            return response

        return limited

    def _properties(self, kind: str) -> list[dict[str, Any]]:
        return [{"name": name, "label": name, "isComputed": False} for name in self._state.types[kind]]

    def _event_definitions(self) -> list[dict[str, Any]]:
        names = dict.fromkeys(event["name"] for event in self._state.events)
        return [{"id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)), "name": name} for name in names]


async def _unknown(_: Request) -> Response:
    return refusal(404, "There is no such operation.")


def _members(body: dict[str, Any]) -> list[dict[str, str]]:
    return [entry["identification"] for entry in body["users"]]
