"""Iterate a big JSON array of objects with flat memory."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import msgspec

from tap_atlassian_marketplace.errors import TroubleError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

CHUNK = 1 << 18
# No row comes near this; a file that seems to hold one is broken, and searching on would take for ever.
LONGEST_ROW = 16 << 20
_LONGEST_ENDING = 1 << 20


ENCODED_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_ROW = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_ROWS = msgspec.json.Decoder(list[dict[str, Any]], float_hook=Decimal)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation)
_NO_OBJECT = "not readable: a row of it is no JSON object"

_OPENING = re.compile(rb'(?:\xef\xbb\xbf)?\s*(\{\s*"([^"\\]*)"\s*:\s*)?\[')
_LONGEST_OPENING = 256
_COMMA = re.compile(rb"\s*,")
_CLOSING = re.compile(rb"\s*\]")
_MOST_GUESSES = 8
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\]]', re.DOTALL)
# Half of a character that takes two escapes; texts that were cut to a length end so. The group is what stays.
_LONE_HALF = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}(?=[^\\]|\\[^u]|\\u(?![dD][c-fC-F])....)",
    re.DOTALL,
)
_MALFORMED_AT = re.compile(r"JSON is malformed: .*\(byte (\d+)\)")


class BrokenArrayError(TroubleError):
    """An export is not what it should be.

    Attributes:
        state: What it is instead, as the end of a sentence.
    """

    def __init__(self, state: str) -> None:
        super().__init__(f"The export is {state}.")
        self.state = state


def read_rows(
    file: BinaryIO, *, chunk: int = CHUNK, decoder: msgspec.json.Decoder[list[Any]] = _ROWS
) -> Iterator[dict[str, Any]]:
    """Give the objects of a JSON array one after another.

    Half a character (a lone surrogate), which no output could hold, becomes U+FFFD.

    Args:
        file: A bare array of objects, or an object whose first member is one.
        chunk: Bytes to read at a time.
        decoder: Reads an array of objects; by default whole ones, in which numbers with a fraction or an exponent are
            `Decimal`, so that money stays exact.

    Yields:
        One object at a time.

    Raises:
        BrokenArrayError: The file is cut off, goes on after its array, or is not such JSON.
    """
    try:
        for rows in _arrays(file, chunk):
            yield from decoder.decode(rows)
    except _UNREADABLE:
        raise BrokenArrayError(_NO_OBJECT) from None


def whole_row(content: bytes) -> dict[str, Any]:
    """Make a row of its JSON; numbers with a fraction or an exponent are `Decimal`, so that money stays exact.

    Raises:
        BrokenArrayError: It is no object that can be read.
    """
    try:
        return _ROW.decode(content)
    except _UNREADABLE:
        raise BrokenArrayError(_NO_OBJECT) from None


def without_lone_halves(text: bytes) -> bytes:
    """Give JSON in which half a character (a lone surrogate), which nothing could decode, is U+FFFD."""
    if b"\\" not in text or (b"\\ud" not in text and b"\\uD" not in text):
        return text
    return _LONE_HALF.sub(lambda found: found[1] or rb"\ufffd", text)


def read_checked(
    file: BinaryIO, decoder: msgspec.json.Decoder[list[Any]], name: str, *, chunk: int = CHUNK
) -> Iterator[Any]:
    """Give the rows as `read_rows` does, and see that all of the file is what it should be.

    Args:
        file: As for `read_rows`.
        decoder: Likewise.
        name: What the array is called where it is a member of an object; errors, too, come as an array in one.
        chunk: Bytes to read at a time.

    Raises:
        BrokenArrayError: It is not UTF-8, also where the decoder passes over it, or not such JSON.
    """
    try:
        for rows in _arrays(file, chunk, name):
            str(rows, "utf-8")
            yield from decoder.decode(rows)
    except _UNREADABLE:
        raise BrokenArrayError(_NO_OBJECT) from None


def _arrays(file: BinaryIO, chunk: int, name: str | None = None) -> Iterator[bytes]:
    """Cut the array into smaller ones of about one chunk."""
    opening, rest = _after_opening(file, chunk, name)
    first = True
    while not (closing := _CLOSING.match(rest)):
        if cut := _last_row_end(rest, first=first):
            yield _as_array(rest[:cut], first=first)
            rest, first = rest[cut:], False
            continue
        if len(rest) > LONGEST_ROW:
            raise BrokenArrayError("not readable: it is no JSON array of rows")
        block = file.read(max(chunk, len(rest)))  # all of a long row is looked at again, so twice as much each time
        if not block:
            raise BrokenArrayError("cut off: its JSON array does not end")
        rest = without_lone_halves(rest + block)
    _check_ending(opening + b"[]" + rest[closing.end() :] + file.read(_LONGEST_ENDING))


def _after_opening(file: BinaryIO, chunk: int, name: str | None) -> tuple[bytes, bytes]:
    start = b""
    while True:
        block = file.read(chunk)
        start += block
        if opening := _OPENING.match(start):
            if name and opening[2] not in (None, name.encode()):
                raise BrokenArrayError(f"not readable: it holds something else than an array of `{name}`")
            return opening[1] or b"", without_lone_halves(start[opening.end() :])
        if not block or len(start) > _LONGEST_OPENING:
            what = "is empty" if not start.strip() else "does not begin with a JSON array"
            raise BrokenArrayError(f"not readable: it {what}")


def _check_ending(without_rows: bytes) -> None:
    try:
        msgspec.json.decode(without_rows)
    except _UNREADABLE:
        raise BrokenArrayError("cut off or not readable: something is wrong after its JSON array") from None


def _last_row_end(text: bytes, *, first: bool) -> int:
    """Find how much of a text is whole rows: a prefix that ends with `}` and, closed, is an array.

    Returns:
        The length of that prefix; 0 when more text is needed.
    """
    end, broken, guesses = len(text), False, 0
    while (end := text.rfind(b"}", 0, end)) >= 0:
        # A long text may be full of brackets, and each guess reads all that lies before it.
        guesses += 1
        if guesses == _MOST_GUESSES:
            end = _last_outer_bracket(text, end)
        if guesses > _MOST_GUESSES or end < 0:
            break
        candidate = _as_array(text[: end + 1], first=first)
        try:
            ENCODED_ROWS.decode(candidate)
        except msgspec.DecodeError as error:
            place = _MALFORMED_AT.match(str(error))
            before_bracket = len(candidate) - 1 - int(place[1]) if place else 0
            if before_bracket > 0:
                # Broken before the bracket that was added: only what lies before that place can be rows.
                end, broken = max(0, end + 1 - before_bracket), True
        except RecursionError:
            broken = True
        else:
            return end + 1
    if broken:
        raise BrokenArrayError("not readable: its JSON is malformed")
    return 0


def _last_outer_bracket(text: bytes, before: int) -> int:
    """Find the last `}` outside of strings and other brackets, up to a place; -1 when there is none."""
    depth, found = 0, -1
    for token in _STRING_OR_BRACKET.finditer(text, 0, before + 1):
        match token[0]:
            case b"{" | b"[":
                depth += 1
            case b"}" | b"]":
                depth -= 1
                if depth <= 0:
                    found = token.start()
            case b'"':
                break  # a string that does not end
    return found


def _as_array(text: bytes, *, first: bool) -> bytes:
    if first:
        return b"[" + text + b"]"
    comma = _COMMA.match(text)
    return b"[" + text[comma.end() :] + b"]" if comma else b"[{}" + text + b"]"
