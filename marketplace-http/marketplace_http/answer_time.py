"""A time limit for a whole answer: the time-outs of sockets begin anew with each byte, and never end a trickle."""

from __future__ import annotations

import http.client
import io
import math
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from urllib3 import ProxyManager

_current: ContextVar[AnswerTime | None] = ContextVar("answer_time", default=None)


class AnswerTime:
    """How long an answer may take.

    Args:
        seconds: From now on, for status, headers and body together.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds

    def lift(self) -> None:
        """Let the rest of the answer take as long as it needs, as long as something comes every `seconds`."""
        self._ends = math.inf

    def left(self) -> float:
        """Seconds that may pass until something more of the answer has come.

        Raises:
            TimeoutError: There are none.
        """
        left = min(self._seconds, self._ends - time.monotonic())
        if left <= 0:
            raise TimeoutError
        return left


@contextmanager
def answer_within(seconds: float) -> Iterator[AnswerTime]:
    """End an answer that begins inside the block and is not complete in time, with a `TimeoutError`."""
    limit = AnswerTime(seconds)
    token = _current.set(limit)
    try:
        yield limit
    finally:
        _current.reset(token)


class TimedAdapter(HTTPAdapter):
    """Lets `answer_within` hold for the calls that it carries."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Open direct connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **options: Any) -> ProxyManager:
        """Open connections through a proxy."""
        manager: ProxyManager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _TimedSocket(io.RawIOBase):
    """What comes from a socket, as long as it comes in time."""

    def __init__(self, connection: socket.socket, limit: AnswerTime) -> None:
        self._connection = connection
        self._limit = limit
        self._incoming = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(self._limit.left())
        return self._incoming.readinto(buffer)

    def fileno(self) -> int:
        return self._incoming.fileno()

    def close(self) -> None:
        self._incoming.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        if limit := _current.get():
            self.fp.close()
            self.fp = io.BufferedReader(_TimedSocket(sock, limit))


class _Connection(HTTPConnection):
    response_class = _TimedResponse


class _EncryptedConnection(HTTPSConnection):
    response_class = _TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _EncryptedConnection


_POOLS = {"http": _Pool, "https": _EncryptedPool}
