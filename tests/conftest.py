"""What every test may use, and what holds in each."""

from tests.contracts.watch import requests_fit, watch
from tests.postgres import postgres_server

__all__ = ["postgres_server", "requests_fit", "watch"]
