"""Fields that a schema does not know: found by name, never by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_NAMES = 50
_LONGEST_NAME = 80


class UnknownFields:
    """Collects the dotted names of fields that a schema lacks.

    Args:
        schema: A JSON schema of objects and arrays with `properties` and `items`.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = _Level(schema)
        self._names: set[str] = set()

    def look_at(self, record: Mapping[str, Any]) -> None:
        """Take note of what a record has beyond the schema."""
        self._look("", record, self._root)

    def names(self) -> list[str]:
        """Give the names, sorted; at most 50, since the names may be as many as the rows."""
        return sorted(self._names)[:_MOST_NAMES]

    def _look(self, path: str, value: Mapping[str, Any], level: _Level) -> None:
        if not level.names.issuperset(value):
            for name in value.keys() - level.names:
                if len(self._names) <= _MOST_NAMES:
                    self._names.add(f"{path}{name}"[:_LONGEST_NAME])
        for name, below in level.below:
            inner = value.get(name)
            if isinstance(inner, dict):
                self._look(f"{path}{name}.", inner, below)
            elif isinstance(inner, list):
                for item in inner:
                    if isinstance(item, dict):
                        self._look(f"{path}{name}.", item, below)


class _Level:
    """The fields of one object of the schema, and those of them that are objects, or lists of them, in turn."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        properties = schema.get("properties", {})
        self.names = frozenset(properties)
        levels = ((name, field.get("items", field)) for name, field in properties.items())
        self.below = tuple((name, _Level(field)) for name, field in levels if "properties" in field)
