"""An answer that trickles for ever is given up in time, whichever part of it trickles, and a download is not."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from marketplace_http import ApiError, ApiSession, ConnectionFailedError, HeaderAuth, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ERROR = b"HTTP/1.1 500 Oh\r\nContent-Type: application/json\r\n"
LONG = b"Content-Length: 1000000\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
OK = HEAD + b"Content-Length: 2\r\n\r\n{}"


@contextmanager
def trickling(*answers: Iterable[bytes]) -> Iterator[str]:
    """Serve answers, one a connection, piece by piece with a little time between."""
    ended = threading.Event()

    def answer(connection: socket.socket, pieces: Iterable[bytes]) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            for piece in pieces:
                connection.sendall(piece)
                if ended.wait(0.02):
                    return

    def serve() -> None:
        for pieces in answers:
            with suppress(OSError):
                connection, _ = server.accept()
                threads.append(threading.Thread(target=answer, args=(connection, pieces)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threads = [threading.Thread(target=serve)]
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(10)


def session(url: str, *, tries: int = 1, timeout: float = 0.4) -> ApiSession:
    retry = RetryPolicy(tries=tries, sleep=lambda _: None)
    return ApiSession(url, auth=HeaderAuth("X-Api-Key", "key"), user_agent="test", timeout=timeout, retry=retry)


def for_ever(start: bytes, piece: bytes) -> Iterator[bytes]:
    return itertools.chain([start], itertools.repeat(piece))


ENDLESS = {
    "status line": (b"HTTP/1.1 200 ", b"O"),
    "headers": (HEAD + b"X-Long: ", b"x"),
    "body": (HEAD + LONG, b" "),
    "chunked body": (HEAD + CHUNKED, b"1\r\n \r\n"),
    "size of a chunk": (HEAD + CHUNKED, b"0"),
    "body of an error": (ERROR + LONG, b" "),
}


CASES = [(part, False) for part in ENDLESS]
CASES += [(part, True) for part in ENDLESS if part in {"status line", "headers", "body of an error"}]


@pytest.mark.parametrize(("part", "stream"), CASES)  # how long the body of a download takes is for the caller to say
def test_an_answer_that_trickles_is_given_up(part: str, *, stream: bool) -> None:
    begun = time.monotonic()
    with trickling(for_ever(*ENDLESS[part])) as url, pytest.raises((ConnectionFailedError, ApiError)) as caught:
        session(url).call("GET", "/x", stream=stream)
    assert time.monotonic() - begun < 10
    if isinstance(caught.value, ConnectionFailedError):
        assert str(caught.value).endswith(": the answer took too long")
        assert caught.value.maybe_received


@pytest.mark.parametrize("part", ["headers", "body"])
def test_it_is_asked_for_again(part: str) -> None:
    told: list[int] = []
    with trickling(for_ever(*ENDLESS[part]), [OK]) as url:
        answer = session(url, tries=2).call("POST", "/x", body=b"{}", on_uncertain_repeat=lambda: told.append(1))
    assert (answer.json(), told) == ({}, [1])


def test_a_download_takes_the_time_that_it_needs() -> None:
    pieces = [HEAD + b"Content-Length: 50\r\n\r\n", *[b"x"] * 50]
    with trickling(pieces) as url, session(url).call("GET", "/x", stream=True) as response:
        assert response.content == b"x" * 50


def test_an_answer_that_is_only_slow_arrives() -> None:
    pieces = [HEAD + b"Content-Length: 22\r\n\r\n", *[b" "] * 20, b"{}"]
    with trickling(pieces) as url:
        assert session(url, timeout=20).call("GET", "/x").json() == {}
