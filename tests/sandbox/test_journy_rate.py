"""How fast journy.io was called, another client that shares its window, and answers that take their time."""

import time

import pytest
import requests

from marketplace_sandbox import credentials
from marketplace_sandbox.journy.limit import SlidingWindow
from marketplace_sandbox.journy.rate import RateMeter
from marketplace_sandbox.server import running

KEY = {"X-Api-Key": credentials.JOURNY_KEY}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def validate(sandbox, key=credentials.JOURNY_KEY):
    return requests.get(f"{sandbox.journy_url}/validate", headers={"X-Api-Key": key}, timeout=10)


def rate(sandbox):
    return requests.get(f"{sandbox.url}/_rate", timeout=10).json()


def test_the_peak_is_that_of_the_fullest_window():
    clock = Clock()
    meter = RateMeter(60, clock)
    for second in (0, 1, 2, 59, 60, 61, 130):
        clock.now = second
        meter.let_in()
    # 60 seconds from 1 on hold 1, 2, 59, 60; from 2 on: 2, 59, 60, 61.
    assert (meter.peak, meter.accepted) == (4, 7)
    clock.now = 131.5
    meter.refuse()
    assert meter.snapshot()["refused_at"] == [131.5]
    assert meter.snapshot()["seconds"] == 130
    meter.clear()
    assert (meter.peak, meter.accepted, meter.refused_at) == (0, 0, [])


def test_another_client_uses_its_share_evenly():
    clock = Clock()
    window = SlidingWindow(100, 60, clock)
    window.share(20)
    clock.now = 29.9
    assert (window.remaining(), window.rival_accepted) == (90, 10)
    clock.now = 600
    assert (window.remaining(), window.rival_refused) == (80, 0)
    window.share(0)
    clock.now = 661
    assert window.remaining() == 100


def test_another_client_finds_the_window_full_and_comes_again():
    clock = Clock()
    window = SlidingWindow(10, 60, clock)
    while window.take():
        pass
    window.share(6)
    clock.now = 65
    # Due at 0, 10, ... 50 it finds no room; at 60 it does, as all of the first calls are over.
    assert window.remaining() == 9
    assert (window.rival_accepted, window.rival_refused) == (1, 6)


def test_calls_that_were_let_in_are_measured_apart_from_the_limiter():
    with running(rate_limit=3) as sandbox:
        assert [validate(sandbox).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
        validate(sandbox, "unknown")
        sandbox.faults.add("429-plain", times=1)
        sandbox.faults.add("502", times=1)
        assert [validate(sandbox).status_code for _ in range(2)] == [429, 502]
        seen = rate(sandbox)
        assert (seen["peak"], seen["accepted"], seen["refused"]) == (3, 3, 3)
        assert len(seen["refused_at"]) == 3
        assert seen["window"] == 60
        requests.post(f"{sandbox.url}/_reset", timeout=10)
        assert rate(sandbox)["accepted"] == 0


def test_another_client_over_http():
    with running(rate_limit=50, rate_window=2) as sandbox:
        answer = requests.post(f"{sandbox.url}/_rival", json={"calls_per_minute": 600}, timeout=10)
        assert answer.status_code == 204
        time.sleep(1)
        remaining = int(validate(sandbox).headers["X-RateLimit-Remaining"])
        assert 50 - 1 - 20 <= remaining <= 50 - 1 - 10
        seen = rate(sandbox)
        assert seen["peak"] == 1
        assert seen["rival"]["accepted"] >= 10


@pytest.mark.parametrize(
    ("path", "body"),
    [("_rival", {}), ("_rival", {"calls_per_minute": -1}), ("_latency", {"ms": "1"}), ("_latency", [])],
)
def test_a_wrong_number_is_named(sandbox, path, body):
    answer = requests.post(f"{sandbox.url}/{path}", json=body, timeout=10)
    assert answer.status_code == 400
    assert "a number" in answer.json()["message"]


def test_every_answer_takes_its_time():
    with running(latency_ms=150) as sandbox:
        for call in (lambda: validate(sandbox), lambda: requests.get(f"{sandbox.marketplace_url}/x", timeout=10)):
            began = time.monotonic()
            call()
            assert time.monotonic() - began >= 0.15
        assert requests.post(f"{sandbox.url}/_latency", json={"ms": 0}, timeout=10).status_code == 204
        assert sandbox.latency_ms == 0


def test_without_a_journal_calls_are_counted_only():
    with running(journal=False) as sandbox:
        body = {"identification": {"accountId": "E-1"}}
        requests.post(f"{sandbox.journy_url}/accounts/upsert", json=body, headers=KEY, timeout=10)
        assert sandbox.journal.calls == []
        assert sandbox.journal.counters() == {"POST /journy/accounts/upsert": 1}
        assert sandbox.journal.accepted() == {"POST /accounts/upsert": 1}


def test_text_that_is_no_unicode_can_be_shown(fresh):
    body = b'{"identification": {"accountId": "E-1"}, "properties": {"name": "\\ud800"}}'
    answer = requests.post(f"{fresh.journy_url}/accounts/upsert", data=body, headers=KEY, timeout=10)
    assert answer.status_code == 201
    for page in ("_journy", "_calls"):
        assert "\\ud800" in requests.get(f"{fresh.url}/{page}", timeout=10).text


def test_a_body_that_is_no_json_is_kept_as_text(fresh):
    requests.post(f"{fresh.journy_url}/track", data=b"\xff{", headers=KEY, timeout=10)
    assert fresh.journal.calls[0]["body"] == "\N{REPLACEMENT CHARACTER}{"
