"""Values as text that a person can look at without harm: nothing hidden, nothing endless."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from typing import Any

LONGEST_NAME = 80
LONGEST_VALUE = 500
LONGEST_BODY = 20_000

_DOUBTFUL = re.compile(r"[^ -~\n\t]")
_HARMLESS = frozenset("\u200c\u200d")  # they join letters in Persian and in emoji
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text with a name such as `[U+202E]` for each character that has no shape or changes the order of others."""
    return _DOUBTFUL.sub(lambda match: _visible(match[0]), text)


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning and how much is missing."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text) - longest:,} more characters)"


def value_text(value: Any) -> str | None:
    """A property or metadata as text; None for no value."""
    if value is None:
        return None
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, Decimal):
        text = format(value, "f") if -300 < value.adjusted() < 300 else str(value)
    elif isinstance(value, (list, tuple)):
        text = ", ".join(map(str, value))
    else:
        text = str(value)
    return shortened(text, LONGEST_VALUE)


def name_text(value: Any) -> str:
    """What something is called, short enough for a heading."""
    text = str(value)
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"


@lru_cache(maxsize=10_000)
def _visible(character: str) -> str:
    if character in _HARMLESS or unicodedata.category(character) not in _HIDDEN:
        return character
    return f"[U+{ord(character):04X}]"
