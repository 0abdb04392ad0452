"""Routes of the License Service stand-in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from marketplace_sandbox import credentials
from marketplace_sandbox.basic_auth import basic_credentials
from marketplace_sandbox.license_service import answers
from marketplace_sandbox.license_service.validation import flaws, refusals
from marketplace_sandbox.strict_json import parsed

if TYPE_CHECKING:
    from starlette.requests import Request

    from marketplace_sandbox.license_service.state import LicenseServiceState
    from marketplace_sandbox.world import World

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_USERS = {
    credentials.VENDOR_EMAIL,
    credentials.NO_REPORTS_EMAIL,
    credentials.UNAPPROVED_EMAIL,
    credentials.OTHER_VENDOR_EMAIL,
}


class LicenseServiceApi:
    """The licence import over one state.

    Args:
        state: What was imported.
        world: Its apps are those for which licences can be imported.
    """

    def __init__(self, state: LicenseServiceState, world: World) -> None:
        self._state = state
        self._world = world

    def routes(self) -> list[Route]:
        """All routes, below the base URL of the stand-in."""
        return [
            Route("/rest/1.0/plugins/{app_key}/license", self._import, methods=_METHODS),
            Route("/{rest:path}", self._unknown, methods=_METHODS),
        ]

    async def _import(self, request: Request) -> Response:
        if request.method != "POST":
            return answers.refusal(405, "Only POST is allowed.", {"Allow": "POST"})
        app_key = request.path_params["app_key"]
        if refused := _not_let_in(request) or self._not_for(request, app_key):
            return refused
        try:
            body = parsed(await request.body())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return answers.bad_request([("", "The request body is not a valid JSON object.")])
        is_known = self._state.knows_ids_first and self._state.has(app_key, body)
        if not is_known and (findings := refusals(body, self._state.today())):
            return answers.bad_request(findings)
        issued, request.state.stored = self._state.issue(app_key, body, [] if is_known else flaws(body))
        return _json(issued.answer(), 200 if request.state.stored else 409)

    def _not_for(self, request: Request, app_key: str) -> Response | None:
        if app_key not in self._world.apps:
            return answers.refusal(404, "There is no app with this key.")
        user, _ = basic_credentials(request) or ("", "")
        if user == credentials.OTHER_VENDOR_EMAIL:
            return answers.not_the_vendor()
        return answers.not_approved() if user == credentials.UNAPPROVED_EMAIL else None

    async def _unknown(self, request: Request) -> Response:
        return _not_let_in(request) or answers.refusal(404, "There is no such resource.")


def _not_let_in(request: Request) -> Response | None:
    user, token = basic_credentials(request) or ("", "")
    return None if user in _USERS and token == credentials.API_TOKEN else answers.unauthorized()


def _json(content: Any, status: int) -> Response:
    # In ASCII: an id that is no Unicode is told as it came.
    return Response(json.dumps(content), status, media_type="application/json")
