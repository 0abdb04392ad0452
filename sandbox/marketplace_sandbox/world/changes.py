"""What differs between two days, row by row and field by field."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from marketplace_sandbox.world.rows import Row

_IDS = {
    "license": ("addonLicenseId", "licenseId", "appEntitlementId", "appEntitlementNumber"),
    "transaction": ("transactionId", "transactionLineItemId"),
}


class Snapshot:
    """The rows of a moment, to be compared with those of a later one.

    Rows are recognised as objects: a row keeps its identity while its fields, even its ids, change.
    """

    def __init__(self, licenses: Sequence[Row], transactions: Sequence[Row]) -> None:
        self._held = {"license": list(licenses), "transaction": list(transactions)}
        self._copies = copy.deepcopy(self._held)

    def changes(self, licenses: Sequence[Row], transactions: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows that were added, changed or removed since."""
        found: list[dict[str, Any]] = []
        for entity, rows in (("license", licenses), ("transaction", transactions)):
            earlier = dict(zip(map(id, self._held[entity]), self._copies[entity], strict=True))
            for row in rows:
                if id(row) not in earlier:
                    found.append(_change(entity, row, "added"))
                elif row != (old := earlier[id(row)]):
                    found.append({**_change(entity, row, "changed"), "fields": _differences(old, row)})
            still_there = set(map(id, rows))
            gone = (row for row in self._held[entity] if id(row) not in still_there)
            found += (_change(entity, row, "removed") for row in gone)
        return found


def _change(entity: str, row: Row, change: str) -> dict[str, Any]:
    ids = {key: row[key] for key in _IDS[entity] if key in row}
    return {"entity": entity, "id": ids, "change": change}


def _differences(old: Row, new: Row) -> dict[str, list[Any]]:
    before, after = dict(_leaves(old)), dict(_leaves(new))
    paths = dict.fromkeys((*before, *after))
    return {
        path: [before.get(path), after.get(path)]
        for path in paths
        if before.get(path) != after.get(path) or (path in before) != (path in after)
    }


def _leaves(row: Row, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
