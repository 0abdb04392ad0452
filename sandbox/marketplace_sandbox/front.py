"""What every call passes before and after the stand-ins: faults, holds, latency, and the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sandbox.calls import call_of
from marketplace_sandbox.faults.answers import Answer, instead, spoiled
from marketplace_sandbox.faults.pauses import sleep
from marketplace_sandbox.faults.wire import Wire

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from marketplace_sandbox.calls import Call
    from marketplace_sandbox.faults import Fault
    from marketplace_sandbox.journal import Entry
    from marketplace_sandbox.server import Sandbox

_SILENT = ("drop-before", "drop-after")
_TOO_MANY = 429
_NOT_LET_IN = (401, 403)


class Front:
    """Middleware of the sandbox.

    Args:
        app: The stand-ins and the control endpoints.
        sandbox: Its faults, holds, latency and journal.
    """

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, to whichever of the hosts."""
        if scope["server"][1] == self._sandbox.foreign.port:
            await self._sandbox.foreign(scope, receive, send)
            return
        call = call_of(scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
        if call is None:
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        if body is not None:
            await _Visit(self._app, self._sandbox, scope, receive, send, call, body).run()


class _Visit:
    """One call to a stand-in, on its way in and out."""

    def __init__(
        self,
        app: ASGIApp,
        sandbox: Sandbox,
        scope: Scope,
        receive: Receive,
        send: Send,
        call: Call,
        body: bytes,
    ) -> None:
        self._app = app
        self._sandbox = sandbox
        self._scope = scope
        self._receive = receive
        self._send = send
        self._call = call
        self._body = body
        self._replayed = False

    async def run(self) -> None:
        fault = self._sandbox.faults.strike(self._call)
        if fault is None and not self._sandbox.gates.armed:
            await self._app(self._scope, self._replay, self._pass_on)
        else:
            await self._run_with(fault)

    async def _pass_on(self, message: Message) -> None:
        # Entered before the answer leaves: who has it in hand finds the call in the journal.
        if message["type"] == "http.response.start":
            self._measure(message["status"])
            self._enter(message["status"], None)
            await self._travel()
        await self._send(message)

    async def _run_with(self, fault: Fault | None) -> None:
        wire = Wire(self._scope, self._receive, self._send, self._sandbox.stopped)
        name = fault.name if fault else ""
        if not await self._goes_on("before-store"):
            self._enter(None, fault)
            await wire.close()
            return
        limits = self._sandbox.limit.headers() if self._call.side == "journy" else {}
        answer = instead(fault, self._call, self._sandbox.foreign.url, limits) if fault else None
        if answer and answer.status == _TOO_MANY:
            self._measure(_TOO_MANY)
        if answer is None and name != "drop-before":
            answer = await self._handled(fault)
        if fault and answer:
            answer = spoiled(fault, answer, self._sandbox.foreign.url)
        entry = self._enter(answer.status if answer and name not in _SILENT else None, fault)
        if answer is None or not await self._goes_on("after-store"):
            entry["status"] = None
            await wire.close()
            return
        await self._travel()
        await self._deliver(fault, answer, wire)

    async def _handled(self, fault: Fault | None) -> Answer:
        """Let the stand-in answer, and keep what it says."""
        self._scope["state"]["fault"] = fault.name if fault else None
        starts: list[Message] = []
        pieces: list[bytes] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                starts.append(message)
            else:
                pieces.append(message.get("body", b""))

        await self._app(self._scope, self._replay, keep)
        self._measure(starts[0]["status"])
        return Answer(starts[0]["status"], list(starts[0]["headers"]), b"".join(pieces))

    async def _deliver(self, fault: Fault | None, answer: Answer, wire: Wire) -> None:
        name, seconds = (fault.name, fault.seconds or 0) if fault else ("", 0)
        if name == "drop-after":
            await wire.close()
        elif name in ("cut-body", "cut-body-chunked"):
            await wire.cut(answer, chunked=name == "cut-body-chunked")
        elif name == "half-answer":
            await wire.half_headers(answer)
        elif name == "slow-body":
            await wire.trickle(answer, seconds)
        elif self._sandbox.gates.catches("mid-answer", self._call):
            await wire.first_half(answer)
            goes_on = await self._sandbox.gates.keep("mid-answer", self._call)
            await (wire.second_half(answer) if goes_on else wire.close())
        else:
            if name == "slow":
                await sleep(seconds, self._sandbox.stopped)
            await wire.whole(answer)

    async def _goes_on(self, when: str) -> bool:
        gates = self._sandbox.gates
        return not gates.catches(when, self._call) or await gates.keep(when, self._call)

    async def _travel(self) -> None:
        if self._sandbox.latency_ms:
            await sleep(self._sandbox.latency_ms / 1000, self._sandbox.stopped)

    async def _replay(self) -> Message:
        if self._replayed:
            return await self._receive()
        self._replayed = True
        return {"type": "http.request", "body": self._body, "more_body": False}

    def _measure(self, status: int) -> None:
        if self._call.side != "journy":
            return
        if status == _TOO_MANY:
            self._sandbox.rate.refuse()
        elif status not in _NOT_LET_IN:
            self._sandbox.rate.let_in()

    def _enter(self, status: int | None, fault: Fault | None) -> Entry:
        return self._sandbox.journal.enter(
            self._call,
            self._body,
            status=status,
            stored=bool(self._scope["state"].get("stored")),
            fault=fault.name if fault else None,
        )


async def _read(receive: Receive) -> bytes | None:
    """The body of a call, None if the client left before it had sent all of it."""
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)
