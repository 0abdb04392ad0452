"""Whether a text names a person who has to be forgotten, and nobody else of whose name theirs is a part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection

_NOTHING = "(?!)"


class Naming:
    """Finds some people. An address is found wherever it stands as a word, an id only where it is a whole value.

    Args:
        people: Their e-mail addresses, and ids, which have no @.
    """

    def __init__(self, people: Collection[str]) -> None:
        self._ids = {person for person in people if "@" not in person}
        addresses = [person for person in people if "@" in person]
        self._address = re.compile(_words(addresses), re.IGNORECASE)
        quoted = [msgspec.json.encode(address).decode()[1:-1] for address in addresses]
        self._quoted_address = re.compile(_words(quoted), re.IGNORECASE)
        ids = sorted(re.escape(msgspec.json.encode(person).decode()) for person in self._ids)
        values = rf"(?<=[:,\[])(?:{'|'.join(ids)})(?=[,\]}}]|$)" if ids else _NOTHING
        self._quoted_id = re.compile(values)

    def is_in(self, value: Any) -> bool:
        """Whether a value, as a text, names one of them."""
        return (isinstance(value, str) and value in self._ids) or bool(self._address.search(str(value)))

    def is_within(self, value: Any) -> bool:
        """Whether any text within what JSON says names one of them."""
        waiting = [value]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                waiting += part.values()
                if any(map(self._address.search, part)):
                    return True
            elif isinstance(part, list):
                waiting += part
            elif self.is_in(part):
                return True
        return False

    def is_in_json(self, line: bytes) -> bool:
        """Whether a piece of JSON, without blanks between its parts, seems to name one of them."""
        text = line.decode(errors="replace")
        return bool(self._quoted_address.search(text) or self._quoted_id.search(text))


def _words(texts: Collection[str]) -> str:
    found = "|".join(sorted(map(re.escape, texts)))
    return rf"(?<![\w.+%-])(?:{found})(?![\w-]|\.\w)" if texts else _NOTHING
