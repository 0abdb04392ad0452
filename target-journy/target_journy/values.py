"""Turn what a Singer record holds into what journy.io accepts, and tell when two values are the same.

journy.io takes texts, booleans, numbers, ISO 8601 times and lists of non-empty texts as properties, and all of these
but lists as metadata of events. There are no objects and no lists of anything else.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = "str | bool | int | Decimal | list[str] | None"
"""What a property may hold; None stands for "has no value"."""

Scalar: TypeAlias = "str | bool | int | Decimal"
"""What the metadata of an event may hold."""

Type = Literal["string", "number", "boolean", "datetime", "list"]

_TRUE = frozenset({"true", "yes", "y", "1"})
_FALSE = frozenset({"false", "no", "n", "0"})
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_ISO = re.compile(
    r"(\d{4})(-?)(\d\d)\2(\d\d)"
    r"(?:\D(\d\d)(?:(:?)(\d\d)(?:\6(\d\d)(?:[.,](\d+))?)?)?(?:([Zz])|([+-]\d\d)(?::?(\d\d))?)?)?",
    re.ASCII,
)
_DIGITS_BEFORE_POINT = 300  # beyond this a JSON reader with doubles sees infinity
_EXACT = Context(prec=10_000)  # the usual one would round to 28 digits

_encode_json = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode


class Unset:
    """Marks a property that has to go, whatever `null_policy` says: its owner was erased at the source."""


UNSET = Unset()

VACANT = Unset()
"""Marks a property that has to go because it has no value now, by a `null_policy` of its own."""

VACANT_IF_POSSIBLE = Unset()
"""The same, but it stays as it is, and nothing is said of it, over a transport that cannot delete."""


def to_value(raw: Any, kind: Type | None = None) -> Value:
    """Coerce a raw value to a property of the wanted type.

    Args:
        raw: A value of a Singer record, as JSON gives it.
        kind: The wanted type; None takes the nearest that journy.io knows.

    Returns:
        The value, None for nothing. Numbers are exact, times in UTC, lists hold their texts once, sorted.

    Raises:
        ValueError: The value cannot be read as that type; the message never quotes it.
    """
    if raw is None or raw == "":
        return None
    return _COERCIONS[kind](raw) if kind else _nearest(raw)


def to_scalar(raw: Any, kind: Type | None = None) -> Scalar | None:
    """Coerce a raw value to metadata of an event; a list becomes one text.

    Raises:
        ValueError: The value cannot be read as that type.
    """
    value = to_value(raw, kind)
    return ", ".join(value) if isinstance(value, list) else value


def to_time(raw: Any) -> str:
    """Coerce a date or time to ISO 8601 in UTC, for example `2026-03-01T12:00:00Z`; a date is its midnight.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(raw, str):
        raw = parse_time(raw.strip())
    if isinstance(raw, dt.datetime):
        try:
            utc = raw.astimezone(dt.timezone.utc) if raw.tzinfo else raw.replace(tzinfo=dt.timezone.utc)
        except OverflowError:
            raise ValueError("expected a time between the years 1 and 9999") from None
        return utc.isoformat(timespec="seconds" if not utc.microsecond else "milliseconds").replace("+00:00", "Z")
    if isinstance(raw, dt.date):
        return f"{raw.isoformat()}T00:00:00Z"
    raise ValueError("expected a date or time")


def to_json(value: Any) -> str:
    """Write a value as JSON text, numbers exact, names sorted."""
    return _encode_json(value).decode()


def parse_time(text: str) -> dt.date:
    """Read a date or time in ISO 8601; a time has the zone that it names, or none.

    Raises:
        ValueError: It is neither.
    """
    text = _spelled_out(text)
    try:
        if len(text) == 10:
            return dt.date.fromisoformat(text)
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("expected a date or time in ISO 8601") from None


def _spelled_out(text: str) -> str:
    """The one spelling of a time that Python 3.10 reads; later ones read the shorter ones of ISO 8601, too."""
    if not (found := _ISO.fullmatch(text)):
        return text
    year, _, month, day, hour, _, minute, second, fraction, utc, offset, minutes = found.groups()
    date = f"{year}-{month}-{day}"
    if hour is None:
        return date
    zone = "+00:00" if utc else f"{offset}:{minutes or '00'}" if offset else ""
    return f"{date}T{hour}:{minute or '00'}:{second or '00'}.{(fraction or '')[:6]:0<6}{zone}"


def _to_string(raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, (dt.date, dt.datetime)):
        return raw.isoformat()
    return to_json(raw)


def _to_number(raw: Any) -> int | Decimal:
    if isinstance(raw, bool):
        raise ValueError("expected a number, found a boolean")  # noqa: TRY004 - it is the value that is wrong
    text = str(raw).strip()
    try:
        number = Decimal(text.replace(",", "") if _GROUPED.fullmatch(text) else text)
    except InvalidOperation:
        raise ValueError("expected a number") from None
    if not number.is_finite() or number.adjusted() >= _DIGITS_BEFORE_POINT:
        raise ValueError("expected a finite number")
    return int(number) if number == number.to_integral_value() else _EXACT.normalize(number)


def _to_boolean(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    text = str(raw).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("expected yes or no")


def _to_list(raw: Any) -> list[str] | None:
    items = raw if isinstance(raw, (list, tuple)) else [raw]
    return sorted({_to_string(item) for item in items if item not in (None, "")}) or None


def _nearest(raw: Any) -> Value:
    if isinstance(raw, (str, bool)):
        return raw
    if isinstance(raw, (int, float, Decimal)):
        return _to_number(raw)
    if isinstance(raw, (list, tuple)):
        return _to_list(raw)
    if isinstance(raw, (dt.date, dt.datetime)):
        return to_time(raw)
    return to_json(raw)


_COERCIONS: dict[Type, Callable[[Any], Value]] = {
    "string": _to_string,
    "number": _to_number,
    "boolean": _to_boolean,
    "datetime": to_time,
    "list": _to_list,
}
