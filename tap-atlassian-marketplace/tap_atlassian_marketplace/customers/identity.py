"""Which licence a row speaks of: its key, its account, and every id by which it may be met.

A licence has had ids of several generations: Server, Data Center and old cloud licences have an
`addonLicenseId` and the same number as a `SEN-` text; newer ones an entitlement id and number; Data Center
licences gained entitlement numbers later, beside the ids they had.
"""

from __future__ import annotations

from typing import Any, Protocol

SEN = "SEN-"


class HasFields(Protocol):
    """A row: a dictionary, or what can be asked like one."""

    def get(self, name: str, /) -> Any:
        """Give the value of a field, None where there is none."""


def license_key(row: HasFields) -> str | None:
    """Give the key of a licence: its oldest id, so that it stays when the row gains newer ones.

    Returns:
        `addonLicenseId`, else the number in `licenseId`, else `appEntitlementId`, else
        `appEntitlementNumber`; None when the row has no id at all.
    """
    return (
        _id(row, "addonLicenseId")
        or (_id(row, "licenseId") or "").removeprefix(SEN)
        or _id(row, "appEntitlementId")
        or _id(row, "appEntitlementNumber")
    )


def account_id(row: HasFields) -> str | None:
    """Give the number by which a vendor knows the licence of a licence or transaction row.

    Returns:
        `appEntitlementNumber`, else `licenseId`, else `SEN-` and `addonLicenseId`, else `appEntitlementId`;
        None when the row has no id at all.
    """
    addon_license = _id(row, "addonLicenseId")
    return (
        _id(row, "appEntitlementNumber")
        or _id(row, "licenseId")
        or (f"{SEN}{addon_license}" if addon_license else None)
        or _id(row, "appEntitlementId")
    )


def aliases(row: HasFields) -> list[str]:
    """List every id by which the licence of a licence or transaction row may be met.

    The number of a multi-instance entitlement is none of them: several licences name the same one.

    Returns:
        Unique ids, always in the same order; empty when the row has none.
    """
    addon_license = _id(row, "addonLicenseId")
    found = (
        _id(row, "appEntitlementNumber"),
        _id(row, "appEntitlementId"),
        _id(row, "licenseId"),
        f"{SEN}{addon_license}" if addon_license else None,
        addon_license,
    )
    return list(dict.fromkeys(alias for alias in found if alias))


def _id(row: HasFields, name: str) -> str | None:
    value = row.get(name)
    if value is None:
        return None
    return (value if value.__class__ is str else str(value)).strip() or None
