"""The journal of every call that the stand-ins answered, kept by a middleware."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SIDES = ("marketplace", "journy")


class Journal:
    """Calls in the order in which they were answered.

    A call is `side`, `method`, `path`, `query`, `status`, and `body` where journy.io accepted one. Headers,
    and with them credentials, are not kept.
    """

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def clear(self) -> None:
        """Forget all calls."""
        self.calls.clear()

    def counters(self) -> dict[str, int]:
        """Number of calls by method and path, with `{id}` for UUIDs."""
        return dict(Counter(f"{call['method']} {_UUID.sub('{id}', call['path'])}" for call in self.calls))

    def accepted(self) -> dict[str, int]:
        """Number of journy.io's writes that were accepted, by method and path below its base URL."""
        kinds = (
            f"{call['method']} {call['path'].removeprefix('/journy')}"
            for call in self.calls
            if call["side"] == "journy" and call["method"] != "GET" and call["status"] < 300
        )
        return dict(Counter(kinds))


class JournalMiddleware:
    """Enters every call of the stand-ins, not those of the control endpoints.

    Args:
        app: The application.
        journal: Where calls are entered.
    """

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call and enter it."""
        side = scope["path"].split("/")[1] if scope["type"] == "http" else ""
        if side not in SIDES:
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        call = {
            "side": side,
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode("latin-1"),
        }

        async def enter(message: Message) -> None:
            # Before the answer leaves: who has it in hand finds the call in the journal.
            if message["type"] == "http.response.start":
                call["status"] = message["status"]
                if "accepted" in state:
                    call["body"] = state["accepted"]
                self._journal.calls.append(call)
            await send(message)

        await self._app(scope, receive, enter)
