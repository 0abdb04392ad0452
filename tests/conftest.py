"""What holds in every test."""

from tests.contracts.watch import requests_fit, watch

__all__ = ["requests_fit", "watch"]
