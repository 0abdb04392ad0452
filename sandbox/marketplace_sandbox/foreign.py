"""Another host, to which faulty answers point: it notes what comes, and with which credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_CREDENTIALS = (b"authorization", b"cookie", b"x-api-key")


class ForeignHost:
    """Answers every call with an empty list.

    Args:
        port: Where it listens, on the same machine, under another name.

    Attributes:
        calls: What came: `method`, `path`, `query`, and `credentials`, the names of the headers that carry some.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.calls: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """Base URL, without a slash at the end."""
        return f"http://localhost:{self.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note a call and answer it."""
        self.calls.append(
            {
                "method": scope["method"],
                "path": scope["path"],
                "query": scope["query_string"].decode("latin-1"),
                "credentials": [name.decode() for name, _ in scope["headers"] if name in _CREDENTIALS],
            }
        )
        await JSONResponse([])(scope, receive, send)
