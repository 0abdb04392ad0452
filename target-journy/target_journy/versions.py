"""Which of two records is the newer, whatever forms their versions have."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

from target_journy.values import parse_time

_FINER = re.compile(r"[.,]\d{6}(\d+)")  # what is more precise than Python's times


@lru_cache(maxsize=4096)
def rank(version: str) -> str:
    """A text by which versions are in order: dates and times by their moment in UTC, whole numbers by their size.

    A date is older than any time of its day, a time without a zone is one of UTC. Digits alone are a number, though a
    date may be meant. What is none of these, such as a negative number, is ranked as the text that it is.

    Args:
        version: A date, a time or a number, as the record gives it; "" is the oldest.
    """
    text = version.strip()
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0")
        return f"{len(digits):04}{digits}"
    try:
        time = parse_time(text)
        if isinstance(time, dt.datetime) and time.tzinfo:
            time = time.astimezone(dt.timezone.utc).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return text
    if not isinstance(time, dt.datetime):
        return time.isoformat()
    finer = _FINER.search(text)
    return time.isoformat(timespec="microseconds") + (finer.group(1).rstrip("0") if finer else "")
