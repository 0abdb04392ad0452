"""Rows of several exports as one set: each key once, the better row where exports repeat one."""

from __future__ import annotations

from array import array
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.hash_index import NO_HASH, HashIndex, count_distinct, position
from tap_atlassian_marketplace.json_array import ENCODED_ROWS, read_rows, whole_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from msgspec.json import Decoder

    from tap_atlassian_marketplace.row_kinds import RowKind
    from tap_atlassian_marketplace.spooled_rows import SpooledRows

Row = dict[str, Any]


class MergedRows:
    """The rows of some exports, each key once; iterate as often as needed.

    Memory grows by 8 bytes a row, and 48 more for a row that is repeated.

    Args:
        exports: In whatever order: of rows with one key and rank their content decides which one counts.
        kind: Which of two rows with one key counts; rows without a key are left out.

    Attributes:
        without_key: How many rows were left out since they have no key.
        strangers: How many rows differ from another one of the same export that has their key, and were left out or
            put in its place. From one export to the next a row may change.
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
        for number, (key, content) in enumerate(zip(self._keys(), self._encoded_rows(), strict=True)):
            if key == NO_HASH:
                continue
            place = position(self._repeated, key) if self._repeated else None
            if place is None or self._chosen[place] == number:
                yield bytes(content)

    def _choose(self) -> array[int]:
        count = len(self._repeated)
        chosen, best, digests = array("q", [-1]) * count, array("q", [-1]) * count, array("Q", [0]) * count
        strangers = _Strangers(count)
        for number, place, export, row, content in self._repeated_rows() if count else ():
            rank, digest = self._kind.rank(row), int.from_bytes(blake2b(content, digest_size=8).digest(), "big")
            strangers.look_at(place, export, digest)
            if (rank, digest) > (best[place], digests[place]):
                chosen[place], best[place], digests[place] = number, rank, digest
        self.strangers = strangers.count
        return chosen

    def _repeated_rows(self) -> Iterator[tuple[int, int, int, Any, bytes]]:
        """Give number, place of the key, number of the export, and the row itself in both forms."""
        number = -1
        for export, spooled in enumerate(self._exports):
            rows = zip(_read(spooled, self._kind.decoder), _read(spooled, ENCODED_ROWS), strict=True)
            for key, (row, content) in zip(spooled.keys, rows, strict=True):
                number += 1
                if (place := position(self._repeated, key)) is not None:
                    yield number, place, export, row, bytes(content)

    def _keys(self) -> Iterator[int]:
        return chain.from_iterable(spooled.keys for spooled in self._exports)

    def _encoded_rows(self) -> Iterator[Any]:
        return chain.from_iterable(_read(spooled, ENCODED_ROWS) for spooled in self._exports)


class _Strangers:
    """Counts the rows that have the key of another row of their export, and are not the same.

    Args:
        count: How many keys are repeated.
    """

    def __init__(self, count: int) -> None:
        self._exports = array("q", [-1]) * count
        self._digests = array("Q", [0]) * count
        self._found = array("Q")

    def look_at(self, place: int, export: int, digest: int) -> None:
        """Take in a row; those of one export come one after another."""
        if self._exports[place] != export:
            self._exports[place], self._digests[place] = export, digest
        elif self._digests[place] != digest:
            self._found.append(digest)

    @property
    def count(self) -> int:
        """How many there are; those that are the same count once."""
        return count_distinct(self._found)


def _read(spooled: SpooledRows, decoder: Decoder[list[Any]]) -> Iterator[Any]:
    with spooled.path.open("rb") as file:
        yield from read_rows(file, decoder=decoder)
