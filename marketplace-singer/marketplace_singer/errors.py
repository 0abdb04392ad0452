"""Errors that a person can act on; their texts hold no value of a setting and no data."""

from __future__ import annotations


class SettingsError(Exception):
    """A setting cannot be used; the message names it and says what it takes."""
