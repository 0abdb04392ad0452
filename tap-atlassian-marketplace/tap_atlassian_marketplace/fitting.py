"""Values of the types that a schema declares, since a loader stops at a record that does not fit its schema.

What another type says as well is put into the right one: a number becomes the text of it, a text that is a number
that number. What says nothing to the schema becomes null, and is counted by the name of its field.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_atlassian_marketplace.customers.fields import money, yes
from tap_atlassian_marketplace.dates import is_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Make = Callable[[Any], Any]


class _Field(NamedTuple):
    """What a schema wants of a field.

    Attributes:
        as_it_is: The class whose values all fit; None where each has to be looked at.
        make: Gives the value that fits, None where there is none.
        place: The field's dotted name, and what it should hold.
    """

    as_it_is: type | None
    make: Make
    place: tuple[str, str]


class Fitting:
    """Makes records fit a schema.

    Args:
        schema: A JSON schema of objects with `properties` and arrays with `items`; further fields may hold anything.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._misfits: Counter[tuple[str, str]] = Counter()
        self._fields = self._fields_of(schema, "")

    def fit(self, record: dict[str, Any]) -> None:
        """Change what does not fit."""
        self._fit(record, self._fields)

    def misfits(self) -> Iterable[tuple[str, str, int]]:
        """Give the name of each field that had to become null, what it should have held, and how often."""
        return ((*place, count) for place, count in sorted(self._misfits.items()))

    def _fit(self, record: dict[str, Any], fields: Mapping[str, _Field]) -> None:
        for name, value in record.items():
            if value is None:
                continue
            field = fields.get(name)
            if field is not None and value.__class__ is not field.as_it_is:
                record[name] = self._made(field, value)

    def _made(self, field: _Field, value: Any) -> Any:
        made = field.make(value)
        if made is None:
            self._misfits[field.place] += 1
        return made

    def _fields_of(self, schema: Mapping[str, Any], prefix: str) -> dict[str, _Field]:
        return {name: self._field(f"{prefix}{name}", each) for name, each in schema.get("properties", {}).items()}

    def _field(self, path: str, schema: Mapping[str, Any]) -> _Field:
        match json_type(schema):
            case "string" if schema.get("format") == "date":
                return _Field(None, _date, (path, "valid date"))
            case "string":
                return _Field(str, _text, (path, "text"))
            case "number":
                return _Field(int, _number, (path, "number"))
            case "integer":
                return _Field(int, _integer, (path, "whole number"))
            case "boolean":
                return _Field(bool, yes, (path, "yes or no"))
            case "array":
                return _Field(None, self._list_of(self._field(path, schema["items"])), (path, "list"))
            case _:
                return _Field(None, self._object_of(self._fields_of(schema, f"{path}.")), (path, "object"))

    def _list_of(self, item: _Field) -> Make:
        def make(value: Any) -> list[Any] | None:
            if not isinstance(value, list):
                return None
            return [
                each if each is None or each.__class__ is item.as_it_is else self._made(item, each) for each in value
            ]

        return make

    def _object_of(self, fields: Mapping[str, _Field]) -> Make:
        def make(value: Any) -> dict[str, Any] | None:
            if not isinstance(value, dict):
                return None
            self._fit(value, fields)
            return value

        return make


def json_type(schema: Mapping[str, Any]) -> str:
    """Give the type that a schema declares, beside null."""
    declared = schema["type"]
    return str(declared if isinstance(declared, str) else declared[0])


def _date(value: Any) -> Any:
    return value if is_date(value) else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, Decimal)) else None


def _number(value: Any) -> Any:
    return value if isinstance(value, Decimal) else money(value)


def _integer(value: Any) -> int | None:
    number = money(value)
    return int(number) if number is not None and number == number.to_integral_value() else None
