"""Query parameters as the reporting resources read them: strict where named, blind to the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from marketplace_sandbox.marketplace.answers import BadParameterError

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.datastructures import QueryParams

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
MAX_LIMIT = 50
DEFAULT_LIMIT = 10


def date_of(params: QueryParams, name: str) -> str | None:
    """A date parameter, None if absent; only `YYYY-MM-DD` is one."""
    text = params.get(name)
    if text is None:
        return None
    if not _is_date(text):
        raise BadParameterError(name, "Must be a date")
    return text


def choices(params: QueryParams, name: str, allowed: Collection[str]) -> list[str]:
    """The values of a repeatable parameter, each one of the allowed ones; their case counts."""
    values = params.getlist(name)
    for value in values:
        if value not in allowed:
            raise BadParameterError(name, f"Must be one of: {', '.join(allowed)}")
    return values


def choice(params: QueryParams, name: str, allowed: Collection[str], default: str) -> str:
    """The value of a parameter that is given once."""
    values = choices(params, name, allowed)
    return values[-1] if values else default


def flag(params: QueryParams, name: str) -> bool:
    """A boolean parameter, false if absent."""
    return choice(params, name, ("true", "false"), "false") == "true"


def number(params: QueryParams, name: str, default: int, *, least: int) -> int:
    """A whole number, not below `least`."""
    text = params.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
        raise BadParameterError(name, f"Must be a number not below {least}")
    return int(text)


@dataclass
class Paging:
    """How lists are cut into pages.

    Attributes:
        largest: Most rows of a page; a limit above it is silently cut.
    """

    largest: int = MAX_LIMIT

    def page(self, params: QueryParams) -> tuple[int, int]:
        """Offset and limit of a list."""
        return (
            number(params, "offset", 0, least=0),
            min(number(params, "limit", DEFAULT_LIMIT, least=1), self.largest),
        )


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None
