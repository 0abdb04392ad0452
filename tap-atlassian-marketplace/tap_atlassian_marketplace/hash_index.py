"""A set of texts that costs 8 bytes an entry."""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RUN = 1 << 16
NO_HASH = 0  # where there is no text


def hash64(text: str) -> int:
    """Give the 64-bit hash of a text; of a million texts, two share one with a chance of 1 in 30 million."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") or 1


def position(hashes: Sequence[int], wanted: int) -> int | None:
    """Find a hash in a sorted sequence; None when it is not there."""
    found = bisect_left(hashes, wanted)
    return found if found < len(hashes) and hashes[found] == wanted else None


def count_distinct(hashes: array[int]) -> int:
    """Count the different texts behind some hashes; of what has no text, each counts."""
    index = HashIndex()
    index.extend(hashes)
    without = hashes.count(NO_HASH)
    return len(index.distinct()) + max(0, without - 1)


class HashIndex:
    """Collects hashes of texts, then tells which came and which came more than once."""

    def __init__(self) -> None:
        self._runs: list[array[int]] = []
        self._open: array[int] = array("Q")

    def add(self, text: str) -> None:
        """Take in a text."""
        self._open.append(hash64(text))
        if len(self._open) >= _RUN:
            self._close_run()

    def extend(self, hashes: array[int]) -> None:
        """Take in texts by their hashes, where these are known."""
        self._close_run()
        self._runs += [array("Q", sorted(hashes[start : start + _RUN])) for start in range(0, len(hashes), _RUN)]

    def distinct(self) -> array[int]:
        """Give the hashes of all texts, sorted, each once."""
        return array("Q", (value for value, _ in self._counted()))

    def repeated(self) -> array[int]:
        """Give the hashes of the texts that were added more than once, sorted, each once."""
        return array("Q", (value for value, count in self._counted() if count > 1))

    def _counted(self) -> Iterator[tuple[int, int]]:
        self._close_run()
        current, count = -1, 0
        for value in heapq.merge(*self._runs):
            if value != current:
                if count:
                    yield current, count
                current, count = value, 0
            count += 1
        if count:
            yield current, count

    def _close_run(self) -> None:
        if self._open:
            self._runs.append(array("Q", sorted(self._open)))
            self._open = array("Q")
