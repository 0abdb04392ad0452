"""Control endpoints that make things go wrong, slow or wait, and that tell how fast journy.io was called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from marketplace_sandbox.control import plain
from marketplace_sandbox.faults.pauses import sleep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from marketplace_sandbox.server import Sandbox

_MAX_WAIT = 30.0


class Switches:
    """The endpoints below `/` for faults, holds, latency and rate.

    A body that is wrong is answered by 400 and one line in `message`.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        """All routes."""
        return [
            Route("/_faults", self._show_faults),
            Route("/_faults", _checked(self._add_faults), methods=["POST"]),
            Route("/_faults", self._clear_faults, methods=["DELETE"]),
            Route("/_hold", _checked(self._hold), methods=["POST"]),
            Route("/_hold", self._clear_holds, methods=["DELETE"]),
            Route("/_held", _checked(self._held)),
            Route("/_release", _checked(self._release), methods=["POST"]),
            Route("/_rate", self._rate),
            Route("/_rival", _checked(self._rival), methods=["POST"]),
            Route("/_latency", _checked(self._latency), methods=["POST"]),
            Route("/_foreign", self._foreign),
        ]

    async def _show_faults(self, _: Request) -> Response:
        return plain({"faults": self._sandbox.faults.snapshot()})

    async def _add_faults(self, request: Request) -> Response:
        content = await _content(request)
        for fault in content if isinstance(content, list) else [content]:
            if not isinstance(fault, dict) or "name" not in fault:
                raise ValueError("Expected a fault with a name, or a list of faults")
            self._sandbox.faults.add(**fault)
        return plain({"faults": self._sandbox.faults.snapshot()}, 201)

    async def _clear_faults(self, _: Request) -> Response:
        self._sandbox.faults.clear()
        return Response(status_code=204)

    async def _hold(self, request: Request) -> Response:
        content = await _content(request)
        if not isinstance(content, dict):
            raise TypeError("Expected an object")
        self._sandbox.gates.hold(**content)
        return Response(status_code=204)

    async def _clear_holds(self, _: Request) -> Response:
        self._sandbox.gates.clear()
        return Response(status_code=204)

    async def _held(self, request: Request) -> Response:
        sandbox = self._sandbox
        seconds = min(float(request.query_params.get("wait", "0")), _MAX_WAIT)
        await sleep(seconds, lambda: bool(sandbox.gates.held()) or sandbox.stopped())
        return plain({"held": sandbox.gates.held()})

    async def _release(self, request: Request) -> Response:
        content = await _content(request, default={})
        if not isinstance(content, dict) or content.get("drop") not in (None, True, False):
            raise ValueError('Expected {"drop": true or false}')
        return plain({"released": self._sandbox.gates.release(drop=bool(content.get("drop")))})

    async def _rate(self, _: Request) -> Response:
        limit = self._sandbox.limit
        limit.remaining()  # the other client's calls are counted when somebody looks
        rival = {"accepted": limit.rival_accepted, "refused": limit.rival_refused}
        return plain({**self._sandbox.rate.snapshot(), "rival": rival})

    async def _rival(self, request: Request) -> Response:
        self._sandbox.limit.share(_number(await _content(request), "calls_per_minute"))
        return Response(status_code=204)

    async def _latency(self, request: Request) -> Response:
        self._sandbox.latency_ms = _number(await _content(request), "ms")
        return Response(status_code=204)

    async def _foreign(self, _: Request) -> Response:
        return plain({"url": self._sandbox.foreign.url, "calls": self._sandbox.foreign.calls})


def _checked(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (TypeError, ValueError) as error:
            return plain({"message": str(error)}, 400)

    return answer


async def _content(request: Request, default: Any = None) -> Any:
    body = await request.body()
    return json.loads(body) if body or default is None else default


def _number(content: Any, name: str) -> float:
    value = content.get(name) if isinstance(content, dict) else None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 0:
        raise ValueError(f"Expected {{{name!r}: a number}}")
    return float(value)
