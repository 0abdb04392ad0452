"""Records as tap-atlassian-marketplace emits them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.contacts import contact_rows
from tap_atlassian_marketplace.customers.identity import account_id, aliases, license_key

if TYPE_CHECKING:
    from tests.target.runs import Message

DAY = "2026-03-01"


def person(email: str | None, name: str | None = None, **fields: Any) -> dict[str, Any]:
    return {key: value for key, value in {"email": email, "name": name, **fields}.items() if value is not None}


def license_row(number: int, technical: Any = None, billing: Any = None, **fields: Any) -> dict[str, Any]:
    """A Data Center licence with the ids of an old one."""
    contacts = {"technicalContact": technical, "billingContact": billing}
    return {
        "addonLicenseId": str(number),
        "licenseId": f"SEN-{number}",
        "addonKey": "com.example.diagrams",
        "addonName": "Diagrams",
        "hosting": "Data Center",
        "status": "active",
        "lastUpdated": DAY,
        "contactDetails": {
            "company": f"Company {number}",
            "country": "Germany",
            **{role: contact for role, contact in contacts.items() if contact is not None},
        },
        **fields,
    }


def license_messages(*rows: dict[str, Any]) -> list[Message]:
    """Licences, then their contacts."""
    found: list[Message] = [
        ("licenses", {**row, "id": license_key(row), "account_id": account_id(row), "aliases": aliases(row)})
        for row in rows
    ]
    return found + [("contacts", contact) for row in rows for contact in contact_rows(row)]


def with_email(messages: list[Message], instead: str, email: str) -> list[Message]:
    """Give records in which one e-mail is another, which the tap would not emit."""
    return [
        (stream, {**record, "email": email} if record.get("email") == instead else record)
        for stream, record in messages
    ]


def sale(number: int, /, kind: str | None = "New", date: str = DAY, line: str = "1", **fields: Any) -> Message:
    """A sale on the licence with the ids given in `fields`; by default that of `license_row(1)`."""
    ids = {name: fields.pop(name) for name in list(fields) if name in ID_FIELDS}
    row = {
        "transactionId": f"AT-{number}",
        "transactionLineItemId": line,
        "addonKey": "com.example.diagrams",
        "lastUpdated": date,
        **(ids or {"addonLicenseId": "1", "licenseId": "SEN-1"}),
        "purchaseDetails": {"saleDate": date, "saleType": kind, "vendorAmount": 100, **fields},
    }
    return "transactions", {**row, "account_id": account_id(row), "aliases": aliases(row)}


ID_FIELDS = ("appEntitlementNumber", "appEntitlementId", "addonLicenseId", "licenseId")
