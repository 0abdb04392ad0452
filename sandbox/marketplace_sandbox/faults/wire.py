"""The connection of a call: answers that come slowly, in part, or not at all."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from marketplace_sandbox.faults.pauses import sleep

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from marketplace_sandbox.faults.answers import Answer

_PIECES = 20


class Protocol(H11Protocol):
    """uvicorn's HTTP, which also hands the connection itself to the application, as `state.transport`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the connection where every request of it finds it."""
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, "transport": transport}


class Wire:
    """Sends the answer of one call, or fails to.

    Args:
        scope: ASGI scope of the call, whose body has been read: what is unread would turn an end into a reset.
        receive: ASGI channel.
        send: ASGI channel.
        stopped: Tells whether the sandbox ends; then nothing waits any longer.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, stopped: Callable[[], bool]) -> None:
        self._transport: asyncio.Transport = scope["state"]["transport"]
        self._receive = receive
        self._send = send
        self._stopped = stopped

    async def close(self) -> None:
        """Send what was written so far, then end the connection."""
        self._transport.close()
        # uvicorn takes a call that returns without an answer for a failure, unless the connection is gone.
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def whole(self, answer: Answer) -> None:
        """Send it as it is."""
        await self.begin(answer)
        await self._body(answer.body)

    async def begin(self, answer: Answer) -> None:
        """Send status and headers."""
        await self._send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})

    async def first_half(self, answer: Answer) -> None:
        """Send status, headers and half of the body."""
        await self.begin(answer)
        await self._body(answer.body[: len(answer.body) // 2], more=True)

    async def second_half(self, answer: Answer) -> None:
        """Send the other half of the body."""
        await self._body(answer.body[len(answer.body) // 2 :])

    async def trickle(self, answer: Answer, seconds: float) -> None:
        """Send the body in pieces over so many seconds."""
        await self.begin(answer)
        size = len(answer.body) // _PIECES + 1
        starts = range(0, len(answer.body), size)
        for at in starts:
            await sleep(seconds / len(starts), self._stopped)
            await self._body(answer.body[at : at + size], more=True)
        await self._body(b"")

    async def cut(self, answer: Answer, *, chunked: bool) -> None:
        """End the connection in the middle of the body; an answer without a body arrives whole."""
        headers = [header for header in answer.headers if not chunked or header[0] != b"content-length"]
        await self.first_half(answer._replace(headers=headers))
        await self.close()

    async def half_headers(self, answer: Answer) -> None:
        """End the connection in the middle of the headers, before Content-Length.

        To many clients that is a whole answer with an empty body.
        """
        lines = [b"HTTP/1.1 %d %s" % (answer.status, HTTPStatus(answer.status).phrase.encode())]
        headers = sorted(answer.headers, key=lambda header: header[0] == b"content-length")
        lines += [name + b": " + value for name, value in headers]
        text = b"\r\n".join(lines)
        self._transport.write(text[: (len(lines[0]) + len(text)) // 2])
        await self.close()

    async def _body(self, body: bytes, *, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})
