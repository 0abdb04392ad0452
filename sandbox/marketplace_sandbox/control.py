"""Control endpoints: look at all sides, move the world on, clear the journal."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from marketplace_sandbox import credentials
from marketplace_sandbox.faults import FAULTS

if TYPE_CHECKING:
    from starlette.requests import Request

    from marketplace_sandbox.server import Sandbox

_PAGE = f"""\
Stand-ins for the Atlassian Marketplace vendor API, for Atlassian's License Service, for journy.io and for Segment.
Nothing here is real.

Marketplace   <this address>/marketplace    (paths /rest/3/...)
  user        {credentials.VENDOR_EMAIL}
  token       {credentials.API_TOKEN}
  vendor      {credentials.VENDOR_ID}, developer space {credentials.DEVELOPER_ID}
  without report permission: {credentials.NO_REPORTS_EMAIL}, same token

Licences      <this address>/license-service    (paths /rest/1.0/plugins/...)
  user and token as above
  of another vendor: {credentials.OTHER_VENDOR_EMAIL}, not approved: {credentials.UNAPPROVED_EMAIL}, same token

journy.io     <this address>/journy
  API key     {credentials.JOURNY_KEY}
  disabled    {credentials.JOURNY_DISABLED_KEY}

Segment protocol    (paths /v1/batch, /v1/identify, ...)
  journy.io's door    <this address>/journy_segment/backend    write key {credentials.WRITE_KEY}
  Segment, US         <this address>/segment                   write key {credentials.WRITE_KEY}
  Segment, EU         <this address>/segment/eu                write key {credentials.EU_WRITE_KEY}

GET  /_world           what the Marketplace holds
GET  /_truth           what the simulated licences are worth a month, day by day
GET  /_journy          what journy.io holds
GET  /_segment         which messages came in the Segment protocol, and which of them were lost
GET  /_licenses        what was imported into the License Service
GET  /_calls           every call so far
POST /_reset           forget the calls
POST /_step?days=1     move the world on; answers what changed

GET, POST, DELETE /_faults   what goes wrong: {{"name", "side", "kind", "path", "query", "times", "after", "seconds"}}
POST, DELETE /_hold          hold calls: {{"when", "side", "kind", "path", "query", "times", "after"}}
GET  /_held                  the calls that are held; ?wait=5 waits for one
POST /_release               let them go on; {{"drop": true}} closes their connections
GET  /_rate                  how fast journy.io was called
POST /_rival                 another client of journy.io: {{"calls_per_minute"}}
POST /_latency               delay every answer: {{"ms"}}
GET  /_foreign               what came to the host to which faulty answers point

Faults
{chr(10).join(f"  {name:<19} {trouble.about}" for name, trouble in FAULTS.items())}
"""


def plain(content: Any, status: int = 200) -> Response:
    """An answer of a control endpoint: JSON in ASCII, so that text that is no Unicode can be shown, too."""
    return Response(json.dumps(content, separators=(",", ":")), status, media_type="application/json")


class Control:
    """The endpoints below `/`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        """All control routes."""
        return [
            Route("/", self._page),
            Route("/_world", self._show_world),
            Route("/_truth", self._show_truth),
            Route("/_journy", self._show_journy),
            Route("/_segment", self._show_segment),
            Route("/_licenses", self._show_licenses),
            Route("/_calls", self._show_calls),
            Route("/_reset", self._reset, methods=["POST"]),
            Route("/_step", self._step, methods=["POST"]),
        ]

    async def _page(self, _: Request) -> Response:
        return PlainTextResponse(_PAGE)

    async def _show_world(self, _: Request) -> Response:
        return plain(self._sandbox.world.content())

    async def _show_truth(self, _: Request) -> Response:
        return plain([known.as_json() for known in self._sandbox.world.truth.values()])

    async def _show_journy(self, _: Request) -> Response:
        return plain({**self._sandbox.journy.snapshot(), "counts": self._sandbox.journal.accepted()})

    async def _show_segment(self, _: Request) -> Response:
        sides = {"journy_segment": self._sandbox.journy_segment, "segment": self._sandbox.segment}
        return plain({side: state.snapshot() for side, state in sides.items()})

    async def _show_licenses(self, _: Request) -> Response:
        return plain(self._sandbox.license_service.snapshot())

    async def _show_calls(self, _: Request) -> Response:
        journal = self._sandbox.journal
        return plain({"calls": journal.calls, "counters": journal.counters()})

    async def _reset(self, _: Request) -> Response:
        self._sandbox.journal.clear()
        self._sandbox.rate.clear()
        self._sandbox.foreign.calls.clear()
        return Response(status_code=204)

    async def _step(self, request: Request) -> Response:
        days = request.query_params.get("days", "1")
        if not re.fullmatch(r"[1-9]\d{0,3}", days):
            return plain({"message": "days must be a number from 1 to 9999"}, 400)
        return plain(self._sandbox.world.step(int(days)))
