"""Take people's data out of what is kept of a refused record, so that others may look at it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK = "***"

_FIELD = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_.:/=%-]+")
_WORD = re.compile(r"[^\W_]+")
_MASKS = re.compile(rf"{re.escape(MASK)}(?:\W{{1,2}}{re.escape(MASK)})+")
_LONG = 3  # letters of a word that is known again when its end is cut off, or something is hung on it


def masked(value: Any) -> Any:
    """Mask a value: of texts and numbers nothing is left; true, false, null and the shape of objects and lists stay.

    So do the names of an object's fields, but one that is no plain word, for that may itself be data.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {name if _FIELD.fullmatch(str(name)) else MASK: masked(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [masked(part) for part in value]
    return MASK


def masked_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Mask a record; the names of its fields stay."""
    return {name: masked(value) for name, value in record.items()}


def masked_key(key: str) -> str:
    """Mask those parts of a record's key (with `|` between them) that do not look like an id.

    So an e-mail address goes, and so does whatever has a blank, a plus or a letter with an accent in it.
    """
    return "|".join(part if not part or _ID.fullmatch(part) else MASK for part in key.split("|"))


def masked_quotes(text: str, *data: Any) -> str:
    """Mask each word of a text that stands somewhere in the data, also in other letters, cut off or drawn together.

    Args:
        text: The text.
        data: Records, of which the names of fields may stand in the text, and other values.
    """
    values = [list(item.values()) if isinstance(item, Mapping) else item for item in data]
    words = {word for leaf in _leaves(values) for word in _words(leaf)}
    long = tuple(word for word in words if len(word) >= _LONG)

    def mask(found: re.Match[str]) -> str:
        word = found[0].casefold()
        is_cut = len(word) >= _LONG and (
            word.startswith(long) or any(known.startswith(word) or (word.isdigit() and word in known) for known in long)
        )
        return MASK if word in words or is_cut else found[0]

    return _MASKS.sub(MASK, _WORD.sub(mask, unicodedata.normalize("NFC", text)))


def _words(leaf: str) -> Iterator[str]:
    leaf = unicodedata.normalize("NFC", leaf)
    yield from (word.casefold() for word in _WORD.findall(leaf))
    yield "".join(filter(str.isalnum, leaf)).casefold()


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            if not _FIELD.fullmatch(str(name)):
                yield str(name)
            yield from _leaves(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
