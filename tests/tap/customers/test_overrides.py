"""What each correction of a licence or a domain changes about the account and its people."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import TODAY, licence

from tap_atlassian_marketplace.customers.domains import DomainClasses
from tap_atlassian_marketplace.customers.dossier import Dossier, Settings
from tap_atlassian_marketplace.customers.examine import Examiner
from tap_atlassian_marketplace.customers.overrides import DomainOverride, LicenseOverride, Overrides
from tap_atlassian_marketplace.customers.people import fold_person
from tap_atlassian_marketplace.customers.survey import Survey

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

YEAR = row("New", 1200, "2025-01-01", "2026-01-01")
OWN = {"technicalContact": {"email": "me@vendor.com"}}
FREE = {"company": "Acme", "technicalContact": {"email": "ada@gmail.com"}}
PARTNER = {"partnerDetails": {"partnerName": "P", "billingContact": {"email": "x@reseller.com"}}}


def examined(overrides: Overrides, **fields: Any) -> tuple[Row, dict[str, Row]]:
    """Give the account of a licence, and the people by e-mail."""
    day = date.fromisoformat(TODAY)
    license_ = licence(**fields)
    survey = Survey.begin(day)
    survey.add_license(license_)
    domains = DomainClasses(own=frozenset({"vendor.com"}), assigned=overrides.classes)
    examiner = Examiner(Settings(day, domains=domains, overrides=overrides), survey)
    found = examiner.examine(Dossier(license_, [YEAR]))
    assert found.account is not None
    return found.account, {part.email: fold_person([part], examiner.domains) for part in found.people}


@pytest.mark.parametrize(
    ("fields", "override", "expected"),
    [
        ({}, LicenseOverride(company="Acme Group"), {"company": "Acme Group", "name": "Acme Group – App"}),
        (
            {"contactDetails": FREE},
            LicenseOverride(domain="acme.com"),
            {"domain": "acme.com", "website": "https://acme.com", "customer_key": "company:acme.com"},
        ),
        ({}, LicenseOverride(customer="group.com"), {"customer_key": "company:group.com", "domain": "acme.com"}),
        ({}, LicenseOverride(own=True), {"lifecycle_stage": "internal", "health_score": None}),
        ({"contactDetails": OWN}, LicenseOverride(own=False), {"lifecycle_stage": "active"}),
        ({"licenseSourceType": "Atlassian"}, LicenseOverride(own=False), {"lifecycle_stage": "active"}),
        ({}, LicenseOverride(partner=True), {"is_partner_managed": True}),
        (PARTNER, LicenseOverride(partner=False), {"is_partner_managed": False, "partner_name": "P"}),
    ],
)
def test_a_licence(fields: Row, override: LicenseOverride, expected: Row) -> None:
    for alias in ("E-1", "SEN-1", "1"):
        account, _ = examined(Overrides(licenses={alias: override}), **fields)
        assert {name: account[name] for name in expected} == expected
    without, _ = examined(Overrides(licenses={"E-2": override}), **fields)
    assert {name: without[name] for name in expected} != expected


@pytest.mark.parametrize(
    ("domain", "fields", "override", "expected"),
    [
        ("acme.com", {}, DomainOverride(kind="own"), {"lifecycle_stage": "internal", "domain_class": "own"}),
        ("acme.com", {}, DomainOverride(kind="free"), {"domain": None, "domain_class": "free"}),
        ("acme.com", {}, DomainOverride(kind="partner"), {"is_partner_managed": True, "website": None}),
        ("gmail.com", {"contactDetails": FREE}, DomainOverride(kind="business"), {"domain": "gmail.com"}),
        (
            "reseller.com",
            {**PARTNER, "contactDetails": {"technicalContact": {"email": "it@reseller.com"}}},
            DomainOverride(kind="business"),
            {"domain": "reseller.com", "domain_class": "business"},
        ),
        ("acme.com", {}, DomainOverride(company="Acme Group"), {"company": "Acme Group"}),
        ("acme.com", {}, DomainOverride(customer="group.com"), {"customer_key": "company:group.com"}),
    ],
)
def test_a_domain(domain: str, fields: Row, override: DomainOverride, expected: Row) -> None:
    account, _ = examined(Overrides(domains={domain: override}), **fields)
    assert {name: account[name] for name in expected} == expected
    without, _ = examined(Overrides(domains={"other.com": override}), **fields)
    assert {name: without[name] for name in expected} != expected


def test_a_licence_counts_before_its_domain() -> None:
    overrides = Overrides(
        licenses={"E-1": LicenseOverride(company="This", customer="this.com")},
        domains={"acme.com": DomainOverride(company="That", customer="that.com")},
    )
    account, people = examined(overrides)
    assert (account["company"], account["customer_key"]) == ("This", "company:this.com")
    assert {person["company"] for person in people.values()} == {"This"}


def test_a_domain_is_met_by_what_belongs_to_it() -> None:
    details = {"technicalContact": {"email": "ada@mail.acme.com"}}
    account, people = examined(Overrides(domains={"acme.com": DomainOverride(kind="partner")}), contactDetails=details)
    assert account["domain_class"] == "partner"
    assert people["ada@mail.acme.com"]["is_partner"] is True


def test_a_licence_that_is_named_twice_gets_what_both_say() -> None:
    named = {"E-1": LicenseOverride(company="A", own=False), "77": LicenseOverride(company="B", own=True, ignore=True)}
    overrides = Overrides(licenses=named)

    assert overrides.of_license(["E-1", "77"]) == LicenseOverride(company="A", own=False, ignore=True)
    assert overrides.ignores(["77", "E-1"])
    assert not overrides.ignores(["E-1"])
