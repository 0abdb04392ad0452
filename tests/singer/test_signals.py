"""A closed terminal ends every plugin as SIGTERM does, unless it was started to outlive that."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PLUGINS = {
    "tap_atlassian_marketplace.tap": "TapAtlassianMarketplace",
    "target_journy.target": "TargetJourny",
    "target_atlassian_marketplace.target": "TargetAtlassianMarketplace",
}


@pytest.fixture(autouse=True)
def _handlers_as_before() -> Iterator[None]:
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


def plugin(module: str) -> Any:
    found = pytest.importorskip(module, reason=f"{module} is not installed")
    config = {"email": "me@example.com", "api_token": "none", "app_key": "com.example.one"}
    return getattr(found, PLUGINS[module])(config=config, validate_config=False)


@pytest.mark.parametrize("module", PLUGINS)
def test_a_closed_terminal_ends_a_plugin(module: str) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    made = plugin(module)
    assert signal.getsignal(signal.SIGHUP) == signal.getsignal(signal.SIGTERM) == made._handle_termination


@pytest.mark.parametrize("module", PLUGINS)
def test_a_plugin_under_nohup_goes_on(module: str) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    plugin(module)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
