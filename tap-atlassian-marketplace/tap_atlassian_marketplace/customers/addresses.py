"""Which texts are e-mail addresses that can be written to."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from tap_atlassian_marketplace.customers.fields import known

_LONGEST = 254  # RFC 5321, less the brackets around a path
_ADDRESS = re.compile(
    r'[^@\s\x00-\x1f\x7f<>()\[\],;:\\"]+@(?:\w(?:[\w-]*\w)?\.)+(?:[^\W\d_]{2,}|xn--[a-z0-9-]+)', re.IGNORECASE
)


def email_address(value: Any) -> str | None:
    """Give an address in lower case; None for nothing, for what stands for nothing, and for what is no address."""
    said = known(value)
    return _address(said) if said else None


def is_unusable(value: Any) -> bool:
    """Say whether a text is there that should be an address and is none."""
    said = known(value)
    return said is not None and _address(said) is None


@lru_cache(maxsize=16384)
def _address(text: str) -> str | None:
    return text.lower() if len(text) <= _LONGEST and _ADDRESS.fullmatch(text) else None
