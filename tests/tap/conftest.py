from __future__ import annotations

import itertools
import threading
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import requests_mock
from tests.tap.command import command, settings
from tests.tap.fake_marketplace import TODAY, FakeMarketplace, journalled

from marketplace_http import RetryPolicy
from tap_atlassian_marketplace import exports
from tap_atlassian_marketplace.partner_metrics import RevenueRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.contracts.watch import Watch


@pytest.fixture
def marketplace(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakeMarketplace]]:
    """Make a Marketplace of given rows; anything else that is called fails."""
    monkeypatch.setattr(RevenueRequest, "until_today", lambda: RevenueRequest(TODAY))
    with requests_mock.Mocker() as mock:

        def make(licenses: Any = None, transactions: Any = None, **others: Any) -> FakeMarketplace:
            fake = FakeMarketplace(mock, licenses, transactions, **others)
            fake.mock = mock
            return fake

        yield make
        let_exports_end()
        for request in mock.request_history:
            watch.see(journalled(request))


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_atlassian_marketplace.client._SECONDS_BETWEEN_STARTS", 0)
    monkeypatch.setattr("tap_atlassian_marketplace.client._RETRY", RetryPolicy(base=0.01))
    monkeypatch.setattr("tap_atlassian_marketplace.exports._FIRST_WAIT", 0.01)
    monkeypatch.setattr("tap_atlassian_marketplace.exports._FIRST_RESTART_WAIT", 0.01)


_hours = itertools.count(10, 10)


@pytest.fixture
def hour_of_starts(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time at which exports are started, in `seconds` since 1970; it stands still, hours later in each test."""
    clock = SimpleNamespace(seconds=time.time() + 3600 * next(_hours))
    monkeypatch.setattr(exports, "Export", partial(exports.Export, wall_clock=lambda: clock.seconds))
    return clock


@pytest.fixture
def quick_and_clear(sandbox: Any, monkeypatch: pytest.MonkeyPatch, hour_of_starts: SimpleNamespace) -> Iterator[None]:
    """Shorten the waits after faults, ask anew, and end the faults of the module's sandbox with the test."""
    monkeypatch.setattr("tap_atlassian_marketplace.client._RETRY", RetryPolicy(base=0.01, longest=0.02))
    monkeypatch.setattr("tap_atlassian_marketplace.exports._NOT_READY_TRIES", 3)
    yield
    sandbox.faults.clear()
    sandbox.foreign.calls.clear()


@pytest.fixture
def config(sandbox: Any, tmp_path: Path) -> dict[str, Any]:
    """The settings for the sandbox of the module."""
    return settings(sandbox, tmp_path)


@pytest.fixture
def tap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Callable[..., Any]]:
    """Run the command in this process."""
    with command(tmp_path, monkeypatch, capsys) as call:
        yield call
    let_exports_end()


def let_exports_end() -> None:
    """Wait for exports that are still under way after an error: they must not call the next test's Marketplace."""
    for thread in threading.enumerate():
        if thread.name == "export":
            thread.join(10)
