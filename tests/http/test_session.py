"""What a session does on the wire: retry, time-outs, no credential to another host, nothing secret in a message."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from contextlib import contextmanager
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from marketplace_http import (
    ApiError,
    ApiSession,
    BasicAuth,
    ConnectionFailedError,
    HeaderAuth,
    RateLimiter,
    RedirectedError,
    RetryPolicy,
    retry_after,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "very-secret-key"


class Scripted:
    """A server that answers from a list; its last answer repeats."""

    def __init__(self, url: str, seen: list[dict[str, str]]) -> None:
        self.url = url
        self.seen = seen


@contextmanager
def serving(*answers: tuple[int, dict[str, str], bytes] | str) -> Iterator[Scripted]:
    left = list(answers)
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            answer = left.pop(0) if len(left) > 1 else left[0]
            if answer == "drop":
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            assert not isinstance(answer, str)
            status, headers, body = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Scripted(f"http://127.0.0.1:{server.server_port}", seen)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def session(url: str, pauses: list[float] | None = None, **options: Any) -> ApiSession:
    sleep: Callable[[float], None] = (pauses if pauses is not None else []).append
    return ApiSession(
        url,
        auth=HeaderAuth("X-Api-Key", SECRET),
        user_agent="test",
        retry=RetryPolicy(tries=4, sleep=sleep),
        secrets=[SECRET],
        timeout=5,
        **options,
    )


OK = (200, {}, b"{}")


@pytest.mark.parametrize("failure", [(502, {}, b""), (503, {}, b"<html>"), (429, {}, b"{}"), "drop"])
def test_what_may_pass_is_tried_again(failure: Any) -> None:
    pauses: list[float] = []
    with serving(failure, failure, OK) as server:
        assert session(server.url, pauses).call("GET", "/x").status_code == 200
        assert len(server.seen) == 3
    assert 0.5 <= pauses[0] <= 1.0 <= pauses[1] <= 2.0  # grows, with jitter


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_what_cannot_succeed_is_not_tried_again(status: int) -> None:
    with serving((status, {}, b'{"message": "no"}')) as server:
        with pytest.raises(ApiError) as caught:
            session(server.url).call("GET", "/x")
        assert len(server.seen) == 1
    assert (caught.value.status, caught.value.reason) == (status, "no")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"errors": [{"message": ' + b"[" * 900 + b"]" * 900 + b"}]}",
        b'{"errors": {"fields": {"email": ' + b"[" * 900 + b"]" * 900 + b"}}}",
    ],
)
def test_an_error_of_deep_nesting_is_an_error_like_others(body: bytes) -> None:
    with serving((500, {}, body), (500, {}, body), OK) as server:
        assert session(server.url).call("GET", "/x").status_code == 200
    with serving((500, {}, body)) as server, pytest.raises(ApiError) as caught:
        session(server.url).call("GET", "/x")
    assert (caught.value.status, caught.value.reason) == (500, "")


@pytest.mark.parametrize("expect_json", [False, True])
def test_an_answer_of_deep_nesting_is_no_json_where_that_is_expected(*, expect_json: bool) -> None:
    with serving((200, {}, b"[" * 200_000), OK) as server:
        session(server.url).call("GET", "/x", expect_json=expect_json)
        assert len(server.seen) == (2 if expect_json else 1)


def test_gives_up_after_its_tries() -> None:
    with serving((502, {}, b"")) as server:
        with pytest.raises(ApiError):
            session(server.url).call("GET", "/x")
        assert len(server.seen) == 4


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("in half a minute, as a date", 30.0),
        ("300", 300.0),
    ],
)
def test_retry_after_is_obeyed(header: str, seconds: float) -> None:
    if header == "in half a minute, as a date":
        header = format_datetime(dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=30), usegmt=True)
    pauses: list[float] = []
    with serving((429, {"Retry-After": header}, b"{}"), OK) as server:
        session(server.url, pauses).call("GET", "/x")
    assert pauses == [pytest.approx(seconds, abs=2)]


@pytest.mark.parametrize("header", ["0", "1", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_server_that_asks_for_no_wait_is_not_hurried(header: str) -> None:
    pauses: list[float] = []
    with serving((503, {"Retry-After": header}, b"{}")) as server, pytest.raises(ApiError):
        session(server.url, pauses).call("GET", "/x")
    asked = 1.0 if header == "1" else 0.0
    assert max(asked, 0.5) <= pauses[0] <= 1.0 <= pauses[1] <= 2.0 <= pauses[2] <= 4.0  # as if it had not asked


def test_a_server_that_asks_for_too_long_is_left_alone() -> None:
    with serving((429, {"Retry-After": "86400"}, b"{}")) as server:
        with pytest.raises(ApiError):
            session(server.url).call("GET", "/x")
        with pytest.raises(ApiError):
            session(server.url, limiter=RateLimiter(100)).call("GET", "/x")
        assert len(server.seen) == 2


def test_a_date_to_wait_for_is_seen_by_the_clock_of_the_server() -> None:
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert retry_after(headers) == 30


@pytest.mark.parametrize("header", ["", "soon", "-3", "\u00b2", "\u0663"])
def test_an_unreadable_retry_after_is_none(header: str) -> None:
    assert retry_after({"Retry-After": header}) is None


def test_a_limiter_waits_out_refusals_without_counting_them() -> None:
    waits: list[float] = []
    limiter = RateLimiter(100, sleep=waits.append, clock=lambda: sum(waits))
    with serving(*[(429, {}, b"{}")] * 9, OK) as server:
        assert session(server.url, limiter=limiter).call("GET", "/x").status_code == 200
        assert len(server.seen) == 10
    assert sum(waits) >= 9 * 2


def test_repeats_that_may_double_a_call_are_told() -> None:
    told: list[int] = []
    with serving((429, {}, b"{}"), "drop", (500, {}, b"{}"), OK) as server:
        session(server.url).call("POST", "/x", body=b"{}", on_uncertain_repeat=lambda: told.append(1))
    assert len(told) == 2  # a refused call was certainly not carried out


def test_no_answer_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ConnectionFailedError) as caught:
        session(url).call("GET", "/x")
    assert not caught.value.maybe_received
    assert url.removeprefix("http://") in str(caught.value)


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9", "http://proxy.invalid:80"])
def test_a_host_that_cannot_be_found_received_nothing(monkeypatch: pytest.MonkeyPatch, proxy: str | None) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
        if proxy:
            monkeypatch.setenv(name, proxy)
    with pytest.raises(ConnectionFailedError) as caught:
        session("https://nowhere.invalid").call("POST", "/x", body=b"{}")
    assert not caught.value.maybe_received


def test_a_connection_that_breaks_off_may_have_carried_the_call() -> None:
    with serving("drop") as server, pytest.raises(ConnectionFailedError) as caught:
        session(server.url).call("POST", "/x", body=b"{}")
    assert caught.value.maybe_received


def test_a_redirect_is_not_followed_and_the_credential_stays() -> None:
    with serving(OK) as other, serving((302, {"Location": f"{other.url}/x"}, b"")) as server:
        with pytest.raises(RedirectedError):
            session(server.url).call("GET", "/x")
        assert other.seen == []


def test_messages_hold_no_secret_and_no_address() -> None:
    body = (
        b'{"message": "very-secret-key of ada@acme.test is wrong", "errors": {"fields": {"email": "bob@acme.test?"}}}'
    )
    with serving((400, {}, body)) as server, pytest.raises(ApiError) as caught:
        session(server.url).call("GET", "/x")
    assert SECRET not in str(caught.value)
    assert "acme.test" not in str(caught.value)
    assert "email: ***" in str(caught.value)


def test_a_message_of_the_server_stays_in_one_line() -> None:
    body = b'{"message": "no\\r\\n2026-01-01 | ERROR | all is lost\\u2028 \\u001b[31m and \\tred"}'
    with serving((400, {}, body)) as server, pytest.raises(ApiError) as caught:
        session(server.url).call("GET", "/x")
    assert caught.value.reason == "no 2026-01-01 | ERROR | all is lost [31m and red"


def test_no_proxy_sees_what_is_not_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(OK) as proxy, serving(OK) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        session(server.url).call("GET", "/x")
        assert len(server.seen) == 1
        assert proxy.seen == []


def test_netrc_does_not_add_a_credential(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(OK) as server:
        session(server.url).call("GET", "/x")
        assert "Authorization" not in server.seen[0]
        assert server.seen[0]["X-Api-Key"] == SECRET


def test_basic_is_utf_8() -> None:
    with serving(OK) as server:
        ApiSession(server.url, auth=BasicAuth("ä@acme.test", "tökén"), user_agent="test").call("GET", "/x")
        assert server.seen[0]["Authorization"] == "Basic w6RAYWNtZS50ZXN0OnTDtmvDqW4="
