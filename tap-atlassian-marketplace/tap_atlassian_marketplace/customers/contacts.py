"""The people of a licence: one row for each role, cleaned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.fields import FORGOTTEN, obj, text
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
        forgotten (the API writes `RTBF`) has only nulls and `forgotten`.
    """
    details, partner = obj(row, "contactDetails"), obj(row, "partnerDetails")
    customer = {name: _not_forgotten(details.get(name)) for name in ("company", "country")}
    people: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any], str | None], ...] = (
        ("technical", obj(details, "technicalContact"), customer, None),
        ("billing", obj(details, "billingContact"), customer, None),
        ("partner", obj(partner, "billingContact"), {}, _not_forgotten(partner.get("partnerName"))),
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


def _person(person: Mapping[str, Any]) -> dict[str, Any]:
    if not person:
        return {**_NOBODY, "forgotten": False}
    fields: dict[str, Any] = {name: text(person.get(name)) for name in PERSONAL_FIELDS}
    if FORGOTTEN in fields.values():
        return {**_NOBODY, "forgotten": True}
    if fields["email"]:
        fields["email"] = fields["email"].lower()
    fields["forgotten"] = False
    return fields


def _not_forgotten(value: Any) -> str | None:
    cleaned = text(value)
    return None if cleaned == FORGOTTEN else cleaned
