"""JSON as the APIs read it: stricter than Python's own reader."""

from __future__ import annotations

import json
from typing import Any


def parsed(body: bytes) -> Any:
    """The value that a body stands for.

    Raises:
        ValueError: It is no JSON; NaN and the infinities are none.
    """
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
