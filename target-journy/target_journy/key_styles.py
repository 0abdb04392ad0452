"""How names are written: as the source has them, or in the style that journy.io's own names have."""

from __future__ import annotations

import re
from typing import Literal

KeyStyle = Literal["as-is", "snake_case"]

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_GAP = re.compile(r"[\W_]+")


def styled(name: str, style: KeyStyle) -> str:
    """A name in a style; "" where nothing of it is left."""
    return snake_case(name) if style == "snake_case" else name


def snake_case(name: str) -> str:
    """A name in lower case, its words joined by underscores: `firstName`, `First name` and `FIRST-NAME` are one."""
    return _GAP.sub("_", _HUMP.sub("_", name).lower()).strip("_")
