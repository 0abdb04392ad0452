"""The people of a licence: one row for each role, cleaned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.addresses import email_address, is_unusable
from tap_atlassian_marketplace.customers.fields import FORGOTTEN, known, obj, text
from tap_atlassian_marketplace.customers.identity import identity

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES = ("technical", "billing", "partner")
PERSONAL_FIELDS = ("email", "name", "phone", "address1", "address2", "city", "state", "postcode")

_NOBODY: dict[str, Any] = dict.fromkeys(PERSONAL_FIELDS)


def contact_rows(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the three contacts of a licence, vacant roles included.

    Args:
        row: A licence as the API sends it, with an id.

    Returns:
        One row a role, in the order of `ROLES`. A vacant role has only nulls. A person who asked to be
        forgotten (the API writes `RTBF`) has only nulls and `forgotten`. What stands for nothing, such as `N/A`, and
        an e-mail that is no address are null.
    """
    details, partner = obj(row, "contactDetails"), obj(row, "partnerDetails")
    customer = {name: known(details.get(name)) for name in ("company", "country")}
    technical, billing, partners = _people(row)
    people: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any], str | None], ...] = (
        ("technical", technical, customer, None),
        ("billing", billing, customer, None),
        ("partner", partners, {}, known(partner.get("partnerName"))),
    )
    key, account_id, aliases = identity(row)
    return [
        {
            "license_id": key,
            "account_id": account_id,
            "aliases": aliases,
            "role": role,
            "lastUpdated": row.get("lastUpdated"),
            **_person(person),
            "company": organisation.get("company"),
            "country": organisation.get("country"),
            "partner_name": partner_name,
        }
        for role, person, organisation, partner_name in people
    ]


def unusable_emails(row: Mapping[str, Any]) -> int:
    """Count the contacts of a licence whose e-mail says something that is no address."""
    return sum(is_unusable(person.get("email")) for person in _people(row))


def _people(row: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    details = obj(row, "contactDetails")
    return (
        obj(details, "technicalContact"),
        obj(details, "billingContact"),
        obj(obj(row, "partnerDetails"), "billingContact"),
    )


def _person(person: Mapping[str, Any]) -> dict[str, Any]:
    if not person:
        return {**_NOBODY, "forgotten": False}
    if any(text(person.get(name)) == FORGOTTEN for name in PERSONAL_FIELDS):
        return {**_NOBODY, "forgotten": True}
    fields: dict[str, Any] = {name: known(person.get(name)) for name in PERSONAL_FIELDS}
    return {**fields, "email": email_address(person.get("email")), "forgotten": False}
