"""Which licence a row speaks of: its key, its account, and every id by which it may be met.

A licence has had ids of several generations: Server, Data Center and old cloud licences have an
`addonLicenseId` and the same number as a `SEN-` text; newer ones an entitlement id and number; Data Center
licences gained entitlement numbers later, beside the ids they had. A text that stands for nothing, such as `N/A`, is no
id: strangers share it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from tap_atlassian_marketplace.customers.fields import known

SEN = "SEN-"
_SEPARATOR = "|"


class HasFields(Protocol):
    """A row: a dictionary, or what can be asked like one."""

    def get(self, name: str, /) -> Any:
        """Give the value of a field, None where there is none."""


class Identity(NamedTuple):
    """Which licence a licence or transaction row speaks of.

    Attributes:
        key: The oldest id of the licence, so that it stays when the row gains newer ones: `addonLicenseId`, else the
            number in `licenseId`, else `appEntitlementId`, else `appEntitlementNumber`.
        account_id: The number by which a vendor knows the licence: `appEntitlementNumber`, else `licenseId`, else
            `SEN-` and `addonLicenseId`, else `appEntitlementId`.
        aliases: Every id by which the licence may be met, each once, always in the same order. The number of a
            multi-instance entitlement is none of them: several licences name the same one.

    A row without any id has neither key nor account nor aliases.
    """

    key: str | None
    account_id: str | None
    aliases: list[str]


def identity(row: HasFields) -> Identity:
    """Tell which licence a row speaks of."""
    number, entitlement = _id(row, "appEntitlementNumber"), _id(row, "appEntitlementId")
    licence, addon_license = _id(row, "licenseId"), _id(row, "addonLicenseId")
    sen = f"{SEN}{addon_license}" if addon_license else None
    key = addon_license or (licence or "").removeprefix(SEN) or entitlement or number
    found = dict.fromkeys((number, entitlement, licence, sen, addon_license))
    return Identity(key, number or licence or sen or entitlement, [alias for alias in found if alias])


def license_key(row: HasFields) -> str | None:
    """Give the key of a row's licence."""
    return identity(row).key


def account_id(row: HasFields) -> str | None:
    """Give the number by which a vendor knows the licence of a row."""
    return identity(row).account_id


def aliases(row: HasFields) -> list[str]:
    """List every id by which the licence of a row may be met."""
    return identity(row).aliases


def key_part(value: Any) -> str | None:
    """Give a value as a part of a key; None for what is nothing, or no single value."""
    if value.__class__ is str:
        return value or None
    return None if value is None or isinstance(value, (dict, list)) else str(value)


def shared_number(row: HasFields) -> str | None:
    """Give the number of the multi-instance entitlement above a licence, which several licences name."""
    return _id(row, "multiInstanceEntitlementNumber")


def in_order(id_: str) -> tuple[int, str]:
    """Sort ids by it as they were given out: 9 before 10, which no comparison of texts does.

    Ids made at random, as of an entitlement, have no such order, but always the same one.
    """
    return len(id_), id_


def _id(row: HasFields, name: str) -> str | None:
    part = key_part(row.get(name))
    return part and known(part)


def transaction_key(row: HasFields) -> str | None:
    """Give the key of a transaction row: its invoice and the line of it, an order alone has several rows.

    Returns:
        `transactionId|transactionLineItemId`, in which no two keys are one: parts that hold the separator are
        escaped, which a separator at the end tells, as in the ids of the events that target-journy makes of
        transactions. None when one of them is missing, or the invoice has a text for a number that stands for
        nothing: several would be one.
    """
    invoice, line = key_part(row.get("transactionId")), key_part(row.get("transactionLineItemId"))
    if invoice is None or line is None or known(invoice) is None:
        return None
    texts = (invoice, line)
    if not any(_SEPARATOR in part for part in texts):
        return _SEPARATOR.join(texts)
    return "".join(part.replace("%", "%25").replace(_SEPARATOR, "%7C") + _SEPARATOR for part in texts)
