"""Iterate a big JSON array of objects with flat memory."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tap_atlassian_marketplace.errors import MarketplaceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

CHUNK = 1 << 20
# No row comes near this; a file that seems to hold one is broken, and searching on would take for ever.
LONGEST_ROW = 16 << 20

_SPLIT = msgspec.json.Decoder(list[msgspec.Raw])
_ROW = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)

_OPENING = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*"[^"\\]*"\s*:\s*)?\[')
_LONGEST_OPENING = 256
_COMMA = re.compile(rb"\s*,")
_CLOSING = re.compile(rb"\s*\]")
_MALFORMED_AT = re.compile(r"JSON is malformed: .*\(byte (\d+)\)")


def read_rows(file: BinaryIO, *, chunk: int = CHUNK) -> Iterator[dict[str, Any]]:
    """Give the objects of a JSON array one after another.

    Args:
        file: A bare array of objects, or an object whose first member is one.
        chunk: Bytes to read at a time.

    Yields:
        One object at a time; numbers with a fraction or an exponent as `Decimal`, so that money stays exact.

    Raises:
        MarketplaceError: The file is cut off, or is not such JSON.
    """
    rest, first = _after_opening(file, chunk), True
    while not _CLOSING.match(rest):
        if cut := _last_row_end(rest, first=first):
            yield from _rows(rest[:cut], first=first)
            rest, first = rest[cut:], False
            continue
        if len(rest) > LONGEST_ROW:
            raise MarketplaceError("The export is not readable: it is no JSON array of rows.")
        block = file.read(chunk)
        if not block:
            raise MarketplaceError("The export is cut off: its JSON array does not end. Run again.")
        rest += block


def _after_opening(file: BinaryIO, chunk: int) -> bytes:
    start = b""
    while True:
        block = file.read(chunk)
        start += block
        if opening := _OPENING.match(start):
            return start[opening.end() :]
        if not block or len(start) > _LONGEST_OPENING:
            what = "is empty" if not start.strip() else "does not begin with a JSON array"
            raise MarketplaceError(f"The export is not readable: it {what}.")


def _last_row_end(text: bytes, *, first: bool) -> int:
    """Find how much of a text is whole rows: a prefix that ends with `}` and, closed, is an array.

    Returns:
        The length of that prefix; 0 when more text is needed.
    """
    end, broken = len(text), False
    while (end := text.rfind(b"}", 0, end)) >= 0:
        candidate = _as_array(text[: end + 1], first=first)
        try:
            _SPLIT.decode(candidate)
        except msgspec.DecodeError as error:
            place = _MALFORMED_AT.match(str(error))
            before_bracket = len(candidate) - 1 - int(place[1]) if place else 0
            if before_bracket > 0:
                # Broken before the bracket that was added: only what lies before that place can be rows.
                end, broken = max(0, end + 1 - before_bracket), True
        else:
            return end + 1
    if broken:
        raise MarketplaceError("The export is not readable: its JSON is malformed.")
    return 0


def _rows(text: bytes, *, first: bool) -> Iterator[dict[str, Any]]:
    try:
        for raw in _SPLIT.decode(_as_array(text, first=first)):
            yield _ROW.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MarketplaceError("The export is not readable: a row of it is no JSON object.") from None


def _as_array(text: bytes, *, first: bool) -> bytes:
    if first:
        return b"[" + text + b"]"
    comma = _COMMA.match(text)
    return b"[" + text[comma.end() :] + b"]" if comma else b"[{}" + text + b"]"
