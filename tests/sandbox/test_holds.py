"""Calls that are held at a named point until they are told to go on."""

import threading
import time

import pytest
import requests

from marketplace_sandbox import credentials

KEY = {"X-Api-Key": credentials.JOURNY_KEY}
SECONDS = 10


class Caller(threading.Thread):
    """An upsert in a thread of its own, and what came of it."""

    def __init__(self, sandbox, account="E-1"):
        super().__init__(daemon=True)
        self._sandbox, self._account = sandbox, account
        self.outcome = None
        self.start()

    def run(self):
        body = {"identification": {"accountId": self._account}}
        url = f"{self._sandbox.journy_url}/accounts/upsert"
        try:
            self.outcome = requests.post(url, json=body, headers=KEY, timeout=SECONDS).json()["meta"]["status"]
        except requests.RequestException as error:
            self.outcome = type(error)

    def end(self):
        self.join(SECONDS)
        assert not self.is_alive()
        return self.outcome


@pytest.mark.parametrize(
    ("when", "stored", "cut"),
    [
        ("before-store", False, requests.ConnectionError),
        ("after-store", True, requests.ConnectionError),
        ("mid-answer", True, requests.exceptions.ChunkedEncodingError),
    ],
)
@pytest.mark.parametrize("drop", [False, True])
def test_a_held_call_goes_on_or_is_dropped(fresh, when, stored, cut, drop):
    fresh.gates.hold(when, kind="upsert_account")
    caller = Caller(fresh)
    (held,) = fresh.gates.wait(SECONDS)
    assert (held["when"], held["kind"], held["path"]) == (when, "upsert_account", "/journy/accounts/upsert")
    assert (list(fresh.journy.accounts) == ["E-1"]) == stored
    assert fresh.gates.release(drop=drop) == 1
    assert caller.end() == (cut if drop else 201)
    assert bool(fresh.journy.accounts) == (stored or not drop)
    (entry,) = fresh.journal.calls
    assert entry["stored"] == (stored or not drop)
    assert (entry["status"] is None) == (drop and when != "mid-answer")


def test_a_hold_catches_as_many_calls_as_it_is_told_after_those_that_pass(fresh):
    fresh.gates.hold(after=1, times=1)
    assert Caller(fresh, "E-1").end() == 201
    second = Caller(fresh, "E-2")
    fresh.gates.wait(SECONDS)
    assert Caller(fresh, "E-3").end() == 201
    assert list(fresh.journy.accounts) == ["E-1", "E-3"]
    fresh.gates.release()
    assert second.end() == 201
    assert not fresh.gates.held()


def test_holds_over_http(fresh):
    hold = {"when": "after-store", "side": "journy"}
    assert requests.post(f"{fresh.url}/_hold", json=hold, timeout=SECONDS).status_code == 204
    assert requests.get(f"{fresh.url}/_held", timeout=SECONDS).json() == {"held": []}
    caller = Caller(fresh)
    held = requests.get(f"{fresh.url}/_held?wait=5", timeout=SECONDS).json()["held"]
    assert [(entry["when"], entry["kind"]) for entry in held] == [("after-store", "upsert_account")]
    assert requests.post(f"{fresh.url}/_release", json={"drop": True}, timeout=SECONDS).json() == {"released": 1}
    assert caller.end() is requests.ConnectionError
    assert requests.post(f"{fresh.url}/_release", timeout=SECONDS).json() == {"released": 0}


def test_holds_are_taken_back(fresh):
    fresh.gates.hold(times=None)
    caller = Caller(fresh)
    fresh.gates.wait(SECONDS)
    assert requests.delete(f"{fresh.url}/_hold", timeout=SECONDS).status_code == 204
    assert caller.end() == 201
    assert Caller(fresh).end() == 201


@pytest.mark.parametrize(
    ("hold", "word"),
    [({"when": "now"}, "mid-answer"), ({"side": "x"}, "side"), ({"seconds": 3}, "times"), (["before-store"], "object")],
)
def test_a_wrong_hold_is_named(sandbox, hold, word):
    answer = requests.post(f"{sandbox.url}/_hold", json=hold, timeout=SECONDS)
    assert answer.status_code == 400
    assert word in answer.json()["message"]


def test_nobody_comes(sandbox):
    with pytest.raises(TimeoutError, match="0 of 1 calls"):
        sandbox.gates.wait(0.05)


def test_a_client_that_is_gone_leaves_its_call_behind(fresh):
    fresh.gates.hold("before-store")
    url = f"{fresh.journy_url}/accounts/upsert"
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(url, json={"identification": {"accountId": "E-1"}}, headers=KEY, timeout=0.2)
    assert fresh.journy.accounts == {}
    fresh.gates.release()
    deadline = time.monotonic() + SECONDS
    while not fresh.journal.calls and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(fresh.journy.accounts) == ["E-1"]
    assert fresh.journal.calls[0]["stored"]
