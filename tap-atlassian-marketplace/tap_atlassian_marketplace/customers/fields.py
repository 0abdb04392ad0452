"""Read the fields of Marketplace rows, which may be missing, null, blank, or a text that stands for nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.dates import is_date

if TYPE_CHECKING:
    from collections.abc import Mapping

FORGOTTEN = "RTBF"
"""What the API writes where a person asked to be forgotten."""

_UNKNOWN = frozenset({"na", "n/a", "null", "pending", "rtbf", "unknown"})
_LONGEST_UNKNOWN = max(map(len, _UNKNOWN))
_MOST_DIGITS = 15  # before the decimal point; decimals compute with 28, and rates have ten behind it


def text(value: Any) -> str | None:
    """Give a text without the blanks and carriage returns around it; None for nothing and the text `null`."""
    if type(value) is not str:  # asked half a million times for ten thousand licences
        if value is None or isinstance(value, (dict, list)):
            return None
        value = str(value)
    cleaned: str = value.strip()
    if "\r" in cleaned:
        cleaned = cleaned.replace("\r", "").strip()
    return cleaned if cleaned and cleaned != "null" else None


def known(value: Any) -> str | None:
    """Give a text, but None for `RTBF`, `NA`, `N/A`, `null`, `Pending` and `Unknown`, in any case."""
    cleaned = text(value)
    if cleaned is None or (len(cleaned) <= _LONGEST_UNKNOWN and cleaned.lower() in _UNKNOWN):
        return None
    return cleaned


def yes(value: Any) -> bool | None:
    """Read `Yes` and `No`; None for anything else."""
    if isinstance(value, bool):
        return value
    return {"yes": True, "no": False}.get((text(value) or "").lower())


def day(value: Any) -> date | None:
    """Read a date written as `YYYY-MM-DD`; None for anything else."""
    return _day(value) if isinstance(value, str) else None


def day_text(value: Any) -> str:
    """Give a date as `YYYY-MM-DD`, to be compared as text; empty for anything else."""
    found = day(value)
    return found.isoformat() if found else ""


@lru_cache(maxsize=16384)
def _day(value: str) -> date | None:
    cleaned = value.strip()
    return date.fromisoformat(cleaned) if is_date(cleaned) else None


def money(value: Any) -> Decimal | None:
    """Read an amount in USD, exactly as it is written; None for what is no number, or none that anybody pays."""
    if value is None or isinstance(value, (bool, dict, list)):
        return None
    try:
        amount = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not amount.is_finite() or not is_plausible(amount):
        return None
    # Numbers that were added up elsewhere may leave such a rest of nothing, as 5E-17.
    return amount if amount.adjusted() > -_MOST_DIGITS else Decimal(0)


def is_plausible(amount: Decimal) -> bool:
    """Say whether an amount, or what it comes to, is one to reckon with: less than a thousand trillion."""
    return amount.adjusted() < _MOST_DIGITS


def obj(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a nested object; an empty one where there is none."""
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def objects(parent: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Give the objects of a list; an empty one where there is none."""
    value = parent.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
