"""What else the Marketplace tells is derived from licences and their sales: the same for the same rows, row by row."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.rows import ABSENT, present

if TYPE_CHECKING:
    from collections.abc import Iterable

    from marketplace_sandbox.world.rows import Row

_TRIALS = ("EVALUATION", "NET_NEW_EVALUATION", "UPGRADE_EVALUATION")
_LICENSE_IDS = ("licenseId", "appEntitlementId", "appEntitlementNumber", "cloudId")


def license_name(row: Row) -> str | None:
    """The oldest id of a licence or sale, by which the two find each other; None if it has none."""
    for field in ("addonLicenseId", "licenseId", "appEntitlementId", "appEntitlementNumber"):
        if row.get(field):
            return str(row[field]).removeprefix("SEN-")
    return None


def is_trial(license_row: Row) -> bool:
    """Whether a licence is still an evaluation."""
    return license_row.get("licenseType") in _TRIALS


def sales_by_license(transactions: Iterable[Row]) -> dict[str, list[Row]]:
    """The sales of each licence by its name, in the order of their sale dates."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in transactions:
        name = license_name(row)
        if name and row.get("purchaseDetails"):
            found[name].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: row["purchaseDetails"].get("saleDate") or "")
    return found


def dice(*labels: Any) -> random.Random:
    """Chances that are the same for the same labels."""
    return random.Random("/".join(map(str, labels)))  # noqa: S311 - made-up data


def uuid_of(*labels: Any) -> str:
    """A UUID that is the same for the same labels."""
    return str(uuid.UUID(bytes=hashlib.sha256("/".join(map(str, labels)).encode()).digest()[:16], version=4))


def license_ids(row: Row) -> Row:
    """The ids by which a report other than those of licences and sales names a licence."""
    return present({name: row.get(name, ABSENT) for name in _LICENSE_IDS})


def app_fields(row: Row) -> Row:
    """The fields by which such a report names the app."""
    return present({name: row.get(name, ABSENT) for name in ("addonKey", "productId", "addonName")})
