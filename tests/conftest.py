"""What every test may use, and what holds in each."""

import pytest
from hypothesis import HealthCheck, settings
from tests.contracts.watch import requests_fit, watch
from tests.postgres import postgres_server

# The machine may be busy: what is slow there is not wrong.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

__all__ = ["postgres_server", "requests_fit", "watch"]

_WHOLE_RUNS = ("end_to_end", "workspace")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with whole runs: a file of minutes that is left to the end lets the other processes wait for it."""
    items.sort(key=lambda item: item.path.parent.name not in _WHOLE_RUNS)


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is one at somebody's desk: `require_ledger` and the progress depend on it."""
    monkeypatch.delenv("CI", raising=False)
