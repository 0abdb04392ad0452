"""What every test may use, and what holds in each."""

from hypothesis import HealthCheck, settings
from tests.contracts.watch import requests_fit, watch
from tests.postgres import postgres_server

# The machine may be busy: what is slow there is not wrong.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

__all__ = ["postgres_server", "requests_fit", "watch"]
