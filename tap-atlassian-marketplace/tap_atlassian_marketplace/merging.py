"""Rows of several exports as one set: each key once, the better row where exports repeat one."""

from __future__ import annotations

from array import array
from hashlib import blake2b
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

    Memory grows by 8 bytes a row, and 32 more for a row that is repeated.

    Args:
        exports: In whatever order: of rows with one key and rank their content decides which one counts.
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
        digests = array("Q", [0]) * len(self._repeated)
        rows = zip(self._read(self._kind.decoder), self._read(ENCODED_ROWS), strict=True) if self._repeated else ()
        for number, (key, (row, content)) in enumerate(zip(self._keys(), rows, strict=False)):
            place = position(self._repeated, key)
            if place is None or (rank := self._kind.rank(row)) < best[place]:
                continue
            digest = int.from_bytes(blake2b(bytes(content), digest_size=8).digest(), "big")
            if rank > best[place] or digest > digests[place]:
                chosen[place], best[place], digests[place] = number, rank, digest
        return chosen

    def _keys(self) -> Iterator[int]:
        return chain.from_iterable(spooled.keys for spooled in self._exports)

    def _read(self, decoder: Decoder[list[Any]]) -> Iterator[Any]:
        for spooled in self._exports:
            with spooled.path.open("rb") as file:
                yield from read_rows(file, decoder=decoder)
