"""Rows of several exports as one set: each key once, the better row where exports repeat one."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.identity import license_key
from tap_atlassian_marketplace.dates import is_date
from tap_atlassian_marketplace.hash_index import HashIndex, hash64, position
from tap_atlassian_marketplace.json_array import read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

Row = dict[str, Any]

INSIGHT_FIELDS = (
    "evaluationOpportunitySize",
    "evaluationLicense",
    "daysToConvertEval",
    "evaluationStartDate",
    "evaluationEndDate",
    "evaluationSaleDate",
    "parentProductBillingCycle",
    "parentProductName",
    "parentProductEdition",
    "installedOnSandbox",
)

_INSIGHTS = 100_000_000


class MergedRows:
    """The rows of some export files, each key once; iterate as often as needed.

    Memory grows by 8 bytes a row, and 24 more for a row that is repeated.

    Args:
        files: Export files. Of equal rows the first one counts.
        key: Gives a row's key; rows without one are left out.
        rank: The row of the highest rank counts, where a key is repeated.

    Attributes:
        without_key: How many rows were left out since they have no key.
    """

    def __init__(
        self,
        files: Sequence[Path],
        key: Callable[[Mapping[str, Any]], str | None],
        rank: Callable[[Mapping[str, Any]], int],
    ) -> None:
        self._files = files
        self._key = key
        self.without_key = 0
        index = HashIndex()
        for row in self._all():
            if text := key(row):
                index.add(text)
            else:
                self.without_key += 1
        self._repeated = index.repeated()
        self._chosen = self._choose(rank) if self._repeated else array("q")

    def __iter__(self) -> Iterator[Row]:
        """Give the rows in the order of the files."""
        for number, row in enumerate(self._all()):
            text = self._key(row)
            if not text:
                continue
            place = position(self._repeated, hash64(text)) if self._repeated else None
            if place is None or self._chosen[place] == number:
                yield row

    def _choose(self, rank: Callable[[Mapping[str, Any]], int]) -> array[int]:
        chosen = array("q", [-1]) * len(self._repeated)
        best = array("q", [-1]) * len(self._repeated)
        for number, row in enumerate(self._all()):
            place = position(self._repeated, hash64(self._key(row) or ""))
            if place is not None and (value := rank(row)) > best[place]:
                chosen[place], best[place] = number, value
        return chosen

    def _all(self) -> Iterator[Row]:
        for path in self._files:
            with path.open("rb") as file:
                yield from read_rows(file)


def transaction_key(row: Mapping[str, Any]) -> str | None:
    """Give the key of a transaction row as one text; None when one of its two parts is missing."""
    parts = row.get("transactionId"), row.get("transactionLineItemId")
    return None if None in parts or "" in parts else f"{parts[0]}\n{parts[1]}"


def newer(row: Mapping[str, Any]) -> int:
    """Rank a row by the day of its last update; a row without one ranks lowest."""
    updated = row.get("lastUpdated")
    return int(str(updated).replace("-", "")) if is_date(updated) else 0


def with_insights_then_newer(row: Mapping[str, Any]) -> int:
    """Rank a licence row: first whether it carries data insights, then the day of its last update."""
    has_insights = any(row.get(name) is not None for name in INSIGHT_FIELDS)
    return newer(row) + (_INSIGHTS if has_insights else 0)


def merged_licenses(files: Sequence[Path]) -> MergedRows:
    """Merge exports of licences: a row with data insights counts, else the one updated last."""
    return MergedRows(files, license_key, with_insights_then_newer)


def merged_transactions(files: Sequence[Path]) -> MergedRows:
    """Merge exports of transactions: the row updated last counts."""
    return MergedRows(files, transaction_key, newer)
