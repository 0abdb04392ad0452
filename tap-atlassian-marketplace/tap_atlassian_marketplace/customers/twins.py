"""Rows that are one licence: the Marketplace may list it under an id of each generation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.fields import known
from tap_atlassian_marketplace.customers.identity import in_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_IDS = ("addonLicenseId", "licenseId", "appEntitlementId", "appEntitlementNumber")


def one_license(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give what the rows of a licence say together, in whatever order they come.

    The row that was updated last says most, others what it leaves open. Of several ids of a kind the smallest counts,
    so that none changes when one of the rows is updated.

    Args:
        rows: At least one.
    """
    if len(rows) == 1:
        return dict(rows[0])
    said: dict[str, Any] = {}
    for row in sorted(rows, key=lambda row: (str(row.get("lastUpdated") or ""), repr(sorted(row.items())))):
        said |= {name: value for name, value in row.items() if value is not None}
    for name in _IDS:
        if ids := [found for row in rows if (found := known(row.get(name)))]:
            said[name] = min(ids, key=in_order)
    return said
