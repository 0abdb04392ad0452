"""Control endpoints: look at both sides, move the world on, clear the journal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from starlette.requests import Request

    from marketplace_sandbox.journal import Journal
    from marketplace_sandbox.journy.state import JournyState
    from marketplace_sandbox.world import World

_PAGE = f"""\
Stand-ins for the Atlassian Marketplace vendor API and for journy.io. Nothing here is real.

Marketplace   <this address>/marketplace    (paths /rest/3/...)
  user        {credentials.VENDOR_EMAIL}
  token       {credentials.API_TOKEN}
  vendor      {credentials.VENDOR_ID}, developer space {credentials.DEVELOPER_ID}
  without report permission: {credentials.NO_REPORTS_EMAIL}, same token

journy.io     <this address>/journy
  API key     {credentials.JOURNY_KEY}
  disabled    {credentials.JOURNY_DISABLED_KEY}

GET  /_world           what the Marketplace holds
GET  /_journy          what journy.io holds
GET  /_calls           every call so far
POST /_reset           forget the calls
POST /_step?days=1     move the world on; answers what changed
"""


class Control:
    """The endpoints below `/`."""

    def __init__(self, world: World, journy: JournyState, journal: Journal) -> None:
        self._world = world
        self._journy = journy
        self._journal = journal

    def routes(self) -> list[Route]:
        """All control routes."""
        return [
            Route("/", self._page),
            Route("/_world", self._show_world),
            Route("/_journy", self._show_journy),
            Route("/_calls", self._show_calls),
            Route("/_reset", self._reset, methods=["POST"]),
            Route("/_step", self._step, methods=["POST"]),
        ]

    async def _page(self, _: Request) -> Response:
        return PlainTextResponse(_PAGE)

    async def _show_world(self, _: Request) -> Response:
        return JSONResponse(self._world.content())

    async def _show_journy(self, _: Request) -> Response:
        return JSONResponse({**self._journy.snapshot(), "counts": self._journal.accepted()})

    async def _show_calls(self, _: Request) -> Response:
        return JSONResponse({"calls": self._journal.calls, "counters": self._journal.counters()})

    async def _reset(self, _: Request) -> Response:
        self._journal.clear()
        return Response(status_code=204)

    async def _step(self, request: Request) -> Response:
        days = request.query_params.get("days", "1")
        if not re.fullmatch(r"[1-9]\d{0,3}", days):
            return JSONResponse({"message": "days must be a number from 1 to 9999"}, 400)
        return JSONResponse(self._world.step(int(days)))
