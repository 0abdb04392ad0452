"""Rows of several exports as one set: each key once, the better row where exports repeat one."""

from __future__ import annotations

from array import array
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.hash_index import NO_HASH, HashIndex, position
from tap_atlassian_marketplace.json_array import ENCODED_ROWS, read_rows, whole_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from msgspec.json import Decoder

    from tap_atlassian_marketplace.row_kinds import RowKind
    from tap_atlassian_marketplace.spooled_rows import SpooledRows

Row = dict[str, Any]


class MergedRows:
    """The rows of some exports, each key once; iterate as often as needed.

    Memory grows by 8 bytes a row, and 24 more for a row that is repeated.

    Args:
        exports: Of equal rows the first one counts.
        kind: Which of two rows with one key counts; rows without a key are left out.

    Attributes:
        without_key: How many rows were left out since they have no key.
    """

    def __init__(self, exports: Sequence[SpooledRows], kind: RowKind) -> None:
        self._exports = exports
        self._kind = kind
        index = HashIndex()
        for spooled in exports:
            index.extend(spooled.keys)
        repeated = index.repeated()
        self.without_key = sum(spooled.keys.count(NO_HASH) for spooled in exports)
        self._repeated = array("Q", (value for value in repeated if value != NO_HASH))
        self._chosen = self._choose()

    def __iter__(self) -> Iterator[Row]:
        """Give the rows in the order of the exports."""
        return map(whole_row, self.encoded())

    def encoded(self) -> Iterator[bytes]:
        """Give the same rows as the JSON that they came as."""
        for number, (key, content) in enumerate(zip(self._keys(), self._read(ENCODED_ROWS), strict=True)):
            if key == NO_HASH:
                continue
            place = position(self._repeated, key) if self._repeated else None
            if place is None or self._chosen[place] == number:
                yield bytes(content)

    def _choose(self) -> array[int]:
        chosen = array("q", [-1]) * len(self._repeated)
        best = array("q", [-1]) * len(self._repeated)
        identities = self._read(self._kind.decoder) if self._repeated else ()
        for number, (key, row) in enumerate(zip(self._keys(), identities, strict=False)):
            place = position(self._repeated, key)
            if place is not None and (rank := self._kind.rank(row)) > best[place]:
                chosen[place], best[place] = number, rank
        return chosen

    def _keys(self) -> Iterator[int]:
        return chain.from_iterable(spooled.keys for spooled in self._exports)

    def _read(self, decoder: Decoder[list[Any]]) -> Iterator[Any]:
        for spooled in self._exports:
            with spooled.path.open("rb") as file:
                yield from read_rows(file, decoder=decoder)
