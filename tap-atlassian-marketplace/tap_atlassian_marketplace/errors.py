"""Errors that a person can act on; their texts hold neither credentials nor people's data."""

from __future__ import annotations


class TapError(Exception):
    """The run cannot go on; the message is one line that says what to do."""


class SettingError(TapError):
    """A setting is missing or has an unusable value, found before any call."""


class MarketplaceError(TapError):
    """The Marketplace refused a call, did not answer, or answered with something unusable."""
