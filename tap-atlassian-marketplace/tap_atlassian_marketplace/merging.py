"""Rows of several exports as one set: each key once, the better row where exports repeat one."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.hash_index import HashIndex, hash64, position
from tap_atlassian_marketplace.json_array import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tap_atlassian_marketplace.row_kinds import RowKind

Row = dict[str, Any]


class MergedRows:
    """The rows of some export files, each key once; iterate as often as needed.

    Memory grows by 8 bytes a row, and 24 more for a row that is repeated.

    Args:
        files: Export files. Of equal rows the first one counts.
        kind: What identifies a row, and which of two rows with one key counts; rows without a key are left out.

    Attributes:
        without_key: How many rows were left out since they have no key.
    """

    def __init__(self, files: Sequence[Path], kind: RowKind) -> None:
        self._files = files
        self._kind = kind
        self.without_key = 0
        index = HashIndex()
        for row in self._identities():
            if text := kind.key(row):
                index.add(text)
            else:
                self.without_key += 1
        self._repeated = index.repeated()
        self._chosen = self._choose() if self._repeated else array("q")

    def __iter__(self) -> Iterator[Row]:
        """Give the rows in the order of the files."""
        for number, row in enumerate(self._whole_rows()):
            text = self._kind.key(row)
            if not text:
                continue
            place = position(self._repeated, hash64(text)) if self._repeated else None
            if place is None or self._chosen[place] == number:
                yield row

    def _choose(self) -> array[int]:
        chosen = array("q", [-1]) * len(self._repeated)
        best = array("q", [-1]) * len(self._repeated)
        for number, row in enumerate(self._identities()):
            place = position(self._repeated, hash64(self._kind.key(row) or ""))
            if place is not None and (value := self._kind.rank(row)) > best[place]:
                chosen[place], best[place] = number, value
        return chosen

    def _identities(self) -> Iterator[Row]:
        for path in self._files:
            with path.open("rb") as file:
                yield from read_rows(file, decoder=self._kind.decoder)

    def _whole_rows(self) -> Iterator[Row]:
        for path in self._files:
            with path.open("rb") as file:
                yield from read_rows(file)
