"""Which of two records is the newer, whatever forms their versions have."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from target_journy.values import parse_time

_DIGITS = 40


@lru_cache(maxsize=4096)
def rank(version: str) -> str:
    """A text by which versions are in order: dates and times by their moment in UTC, whole numbers by their size.

    A date is older than any time of its day, a time without a zone is one of UTC, and what is none of these is ranked
    as the text that it is.

    Args:
        version: A date, a time or a number, as the record gives it; "" is the oldest.
    """
    text = version.strip()
    if text.isascii() and text.isdigit():
        return text.lstrip("0").zfill(_DIGITS)
    try:
        time = parse_time(text)
        if isinstance(time, dt.datetime) and time.tzinfo:
            time = time.astimezone(dt.timezone.utc).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return text
    return time.isoformat()
