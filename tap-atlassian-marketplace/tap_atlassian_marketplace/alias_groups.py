"""Which ids belong to one licence, because rows name them together; kept as 64-bit hashes."""

from __future__ import annotations

from array import array
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.hash_index import hash64, position
from tap_atlassian_marketplace.hash_map import merged, sorted_runs

if TYPE_CHECKING:
    from collections.abc import Iterable


class AliasGroups:
    """Groups of ids: two that came as a pair are in one group, and so is whatever shares an id with it.

    It costs 12 bytes an id, and 16 for each pair while it is made. Groups do not depend on the order of pairs.

    Args:
        pairs: Ids that belong together. The second of each also comes as the first of a pair, perhaps with itself.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        runs = sorted_runs((hash64(one), hash64(other)) for one, other in pairs)
        self._hashes = array("Q", (one for one, _ in groupby(merged(runs), key=itemgetter(0))))
        # Each id leads to one with a smaller hash, at last to the smallest of its group, which leads to itself.
        self._leads_to = array("I", range(len(self._hashes)))
        for place, (_, group) in enumerate(groupby(merged(runs), key=itemgetter(0))):
            for _, other in group:
                self._join(place, other)

    def get(self, name: str) -> int | None:
        """Give what stands for the group of an id: the smallest hash of its ids; None for an id that never came."""
        return self.get_by_hash(hash64(name))

    def get_by_hash(self, name: int) -> int | None:
        """Do so for an id of which only the hash is known."""
        place = position(self._hashes, name)
        return None if place is None else self._hashes[self._root(place)]

    def _join(self, place: int, other: int) -> None:
        other_place = position(self._hashes, other)
        if other_place is not None and other_place != place:
            low, high = sorted((self._root(place), self._root(other_place)))
            self._leads_to[high] = low

    def _root(self, place: int) -> int:
        leads_to = self._leads_to
        while (above := leads_to[place]) != place:
            leads_to[place] = place = leads_to[above]
        return place
