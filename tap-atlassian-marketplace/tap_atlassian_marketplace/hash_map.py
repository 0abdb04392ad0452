"""A map between ids that keeps only their 64-bit hashes: 16 bytes an entry."""

from __future__ import annotations

import heapq
from array import array
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.identity import in_order
from tap_atlassian_marketplace.hash_index import hash64, position

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RUN = 1 << 16


class HashMap:
    """Maps the hashes of some ids to the hashes of others, each to that of the smallest id that it came with.

    Args:
        pairs: Keys and values, in any order; gone through again when a key comes with more than one value.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._keys, self._values = array("Q"), array("Q")
        ambiguous: dict[int, str] = {}
        for key, found in groupby(
            merged(sorted_runs((hash64(key), hash64(value)) for key, value in pairs)), key=itemgetter(0)
        ):
            values = {value for _, value in found}
            self._keys.append(key)
            self._values.append(values.pop())
            if values:
                ambiguous[key] = ""
        if ambiguous:
            self._settle(ambiguous, pairs)

    def get(self, key: str) -> int | None:
        """Give the hash of the value that belongs to a key; None for a key that never came."""
        place = position(self._keys, hash64(key))
        return None if place is None else self._values[place]

    def _settle(self, smallest: dict[int, str], pairs: Iterable[tuple[str, str]]) -> None:
        for key, value in pairs:
            hashed = hash64(key)
            if hashed in smallest:
                smallest[hashed] = min(smallest[hashed] or value, value, key=in_order)
        for hashed, value in smallest.items():
            place = position(self._keys, hashed)
            if place is not None:
                self._values[place] = hash64(value)


def sorted_runs(pairs: Iterable[tuple[int, int]], *, once: bool = True) -> list[tuple[array[int], array[int]]]:
    """Give pairs of hashes in parts of which each is sorted, and holds a pair once unless told otherwise."""
    runs: list[tuple[array[int], array[int]]] = []
    rest = iter(pairs)
    while run := list(islice(rest, _RUN)):
        run = sorted(set(run) if once else run)
        runs.append((array("Q", map(itemgetter(0), run)), array("Q", map(itemgetter(1), run))))
    return runs


def merged(runs: Iterable[tuple[array[int], array[int]]]) -> Iterator[tuple[int, int]]:
    """Go through the pairs of sorted parts in order."""
    return heapq.merge(*(zip(keys, values, strict=True) for keys, values in runs))
