"""journy.io's rate limit: a sliding window, told in every answer."""

import pytest
import requests

from marketplace_sandbox import credentials
from marketplace_sandbox.journy.limit import SlidingWindow
from marketplace_sandbox.server import running


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_the_window_slides_and_refused_calls_cost_nothing():
    clock = Clock()
    window = SlidingWindow(3, 60, clock)
    for second in (0, 10, 20):
        clock.now = second
        assert window.take()
    clock.now = 59.9
    assert not any(window.take() for _ in range(10))
    clock.now = 60
    assert (window.remaining(), window.take(), window.take()) == (1, True, False)
    clock.now = 70
    assert (window.take(), window.remaining()) == (True, 0)


def test_above_the_limit_calls_are_429_and_not_applied():
    headers = {"X-Api-Key": credentials.JOURNY_KEY}
    with running(rate_limit=2) as sandbox:
        answers = [
            requests.post(
                f"{sandbox.journy_url}/accounts/upsert",
                json={"identification": {"accountId": str(number)}},
                headers=headers,
                timeout=10,
            )
            for number in range(4)
        ]
        assert list(sandbox.journy.accounts) == ["0", "1"]
    assert [answer.status_code for answer in answers] == [201, 201, 429, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0", "0"]
    assert set(answers[-1].json()) == {"meta", "message"}
    assert "Retry-After" not in answers[-1].headers


@pytest.mark.parametrize("path", ["/validate", "/nothing", "/accounts/upsert"])
@pytest.mark.parametrize("key", [credentials.JOURNY_KEY, "unknown", credentials.JOURNY_DISABLED_KEY])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_answer_tells_the_limit(shared_journy, path, key, method):
    response = shared_journy.call(method, path, key=key)
    assert response.headers["X-RateLimit-Limit"] == "1800"
    assert int(response.headers["X-RateLimit-Remaining"]) <= 1800
