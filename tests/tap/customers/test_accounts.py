"""The row of an account, and what it shares with the loader's preset for raw rows."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import account, examine, licence

from tap_atlassian_marketplace.customers.dossier import Dossier, Settings
from tap_atlassian_marketplace.customers.examine import Examiner
from tap_atlassian_marketplace.customers.identity import account_id, aliases, license_key
from tap_atlassian_marketplace.customers.survey import Survey
from tap_atlassian_marketplace.customers.twins import one_license
from target_journy.mapping import compile_streams
from target_journy.mapping_reading import load_mapping

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

RAW = compile_streams(load_mapping("marketplace-raw", None)[0])["licenses"]
YEAR = row("New", 1200, "2025-01-01", "2026-01-01", net=1020)

FULL = licence(
    licenseId="SEN-1",
    appEntitlementId="uuid-1",
    hostEntitlementNumber="E-0",
    multiInstanceEntitlementNumber="E-M",
    cloudId="cloud-1",
    cloudSiteHostname="acme.atlassian.net",
    productId="product-1",
    appEdition="Advanced",
    licenseLevel="single-instance",
    licenseSourceType="Non-Atlassian",
    cloudComplianceBoundaries=["commercial", "isolated_cloud"],
    inGracePeriod="No",
    latestEvaluationStartDate="2024-12-01",
    evaluationEndDate="2024-12-31",
    evaluationSaleDate="2025-01-01",
    evaluationOpportunitySize="50",
    parentProductName="Jira",
    parentProductEdition="Premium",
    parentProductBillingCycle="ANNUAL",
    installedOnSandbox="No",
    partnerDetails={
        "partnerName": "Partner",
        "partnerType": "Expert",
        "billingContact": {"email": "bill@partner.com"},
    },
    attribution={"channel": "ads", "referrerDomain": "search.com", "campaignName": "NA"},
    cmtDetails={"status": "converted", "relatedOnPremLicense": "SEN-9"},
    transactionAccountId="ta-1",
)


@pytest.mark.parametrize(("today", "expected"), [("2026-01-15", True), ("2026-01-31", True), ("2026-02-01", False)])
def test_a_grace_period_is_believed_while_it_can_last(today: str, expected: bool) -> None:
    dead = licence(inGracePeriod="Yes", status="inactive")
    assert account(dead, today=today)["in_grace_period"] is expected


def test_properties_are_those_of_the_preset_for_raw_rows_and_say_the_same() -> None:
    # Addresses of people are folded here, since they are the keys of `people`.
    full = json.loads(json.dumps(FULL).replace("Ada@", "ada@"))
    record = {**full, "id": license_key(full), "account_id": account_id(full), "aliases": aliases(full)}
    (raw,) = RAW.operations(record)[1].accounts
    mine = account(full, YEAR)
    differ = {"link_licenses", "link_transactions"}  # they need the vendor's number
    for name, value in raw.properties.items():
        if name in differ:
            continue
        said = mine[name]
        if isinstance(said, str) and str(value).startswith(f"{said}T"):
            continue
        assert said == value, name


def test_links_are_made_of_templates() -> None:
    day = date.fromisoformat("2025-07-15")
    links = {"link_licenses": "https://portal.test/{account_id}/licenses"}
    found = Examiner(Settings(day, links=links), Survey.begin(day)).examine(
        Dossier(licence(appEntitlementNumber="E 1/2"))
    )
    assert found.account is not None
    assert found.account["link_licenses"] == "https://portal.test/E%201%2F2/licenses"


@pytest.mark.parametrize("kind", ["SOCIAL_IMPACT_GLOBAL_ACCESS", "INTERNAL USE", "SOMETHING_NEW"])
def test_licence_types_pass_through(kind: str) -> None:
    found = account(licence(licenseType=kind), YEAR)
    assert (found["license_type"], found["mrr_source"], found["lifecycle_stage"]) == (kind, "transactions", "active")


@pytest.mark.parametrize("nothing", ["null", "N/A", "NA", "RTBF", " ", None])
def test_texts_that_stand_for_nothing_are_none(nothing: str | None) -> None:
    details = {"company": nothing, "country": nothing, "technicalContact": {"email": nothing, "name": nothing}}
    found = account(licence(contactDetails=details), YEAR)
    names = ("company", "country", "country_code", "technical_contact_email", "technical_contact_name", "website")
    assert {found[name] for name in names} == {None}


@pytest.mark.parametrize("tier", ["lots of people", f"{'9' * 5000} Users"], ids=["words", "digits"])
def test_a_licence_of_no_known_tier_is_odd(tier: str) -> None:
    found = examine(licence(tier=tier), YEAR)
    assert found.account is not None
    assert (found.account["tier_users"], found.account["tier_bucket"]) == (None, None)
    assert [(each["reason"], each["transaction_key"]) for each in found.anomalies] == [("unknown_tier", "")]


def test_an_e_mail_that_is_no_address_is_none_and_odd() -> None:
    details = {"technicalContact": {"email": "nonsense"}, "billingContact": {"email": "@"}}
    partner = {"partnerName": "P", "billingContact": {"email": "x@@partner.com"}}
    found = examine(licence(contactDetails=details, partnerDetails=partner), YEAR)
    assert found.account is not None
    names = ("technical_contact_email", "billing_contact_email", "partner_contact_email", "partner_domain")
    assert {found.account[name] for name in names} == {None}
    assert found.people == []
    assert [each["reason"] for each in found.anomalies] == ["unusable_email"]


@pytest.mark.parametrize(
    ("email", "cloud_id", "key"),
    [
        ("ada@eu.acme.com", "site-1", "company:acme.com"),
        ("ada@gmail.com", "site-1", "site:site-1"),
        ("ada@gmail.com", None, "E-1"),
    ],
)
def test_what_the_licences_of_a_customer_share(email: str, cloud_id: str | None, key: str) -> None:
    details = {"technicalContact": {"email": email}}
    assert account(licence(contactDetails=details, cloudId=cloud_id), YEAR)["customer_key"] == key


def contacts(technical: str, billing: str) -> Row:
    return {"technicalContact": {"email": technical}, "billingContact": {"email": billing}}


def test_a_clerk_who_pays_for_two_makes_them_no_one_customer() -> None:
    details = [contacts(f"{name}@gmail.com", "clerk@reseller.com") for name in ("ada", "bob")]
    found = [account(licence(contactDetails=each, cloudId=f"site-{n}"), YEAR) for n, each in enumerate(details)]
    assert [each["customer_key"] for each in found] == ["site:site-0", "site:site-1"]
    assert {each["domain"] for each in found} == {"reseller.com"}


def test_a_host_without_a_site_is_shared() -> None:
    details = contacts("ada@gmail.com", "ada@gmail.com")
    found = account(licence(contactDetails=details, hostEntitlementNumber="E-0"), YEAR)
    assert found["customer_key"] == "site:E-0"


# -- prices: estimates and opportunities


# -- who and where


@pytest.mark.parametrize(
    ("technical", "billing", "earlier", "website"),
    [
        ("a@dev.acme.com", "b@other.com", None, "https://acme.com"),
        ("a@gmail.com", "b@other.com", None, "https://other.com"),
        ("a@gmail.com", "b@partner.com", "c@acme.com", "https://acme.com"),
        ("a@vendor.com", "b@partner.com", None, None),
        ("a@x.atlassian.net", None, None, None),
    ],
)
def test_the_website(technical: str, billing: str | None, earlier: str | None, website: str | None) -> None:
    contacts = {"technicalContact": {"email": technical}, "billingContact": {"email": billing}}
    sale = {**YEAR, "customerDetails": {"technicalContact": {"email": earlier}}}
    partner = {"billingContact": {"email": "bill@partner.com"}}
    others = tuple(licence(partnerDetails=partner, contactDetails={"company": company}) for company in "BC")
    found = account(licence(contactDetails=contacts), sale, others=others)
    assert found["website"] == website
    assert found["domain"] == (website.removeprefix("https://") if website else None)


@pytest.mark.parametrize("contact", [{"email": "RTBF", "name": "RTBF"}, {}])
def test_a_customer_whose_contact_is_gone_stays_who_he_is(contact: Row) -> None:
    told = {"technicalContact": {"email": "it@megacorp.com"}, "billingContact": {"email": "pay@agency.com"}}
    row_ = licence(cloudId="c1", contactDetails={"technicalContact": contact})
    found = account(row_, {**YEAR, "customerDetails": told})
    assert (found["customer_key"], found["domain"]) == ("company:megacorp.com", "megacorp.com")


def test_a_customer_who_is_his_own_partner_once_stays_a_customer() -> None:
    mega = {"company": "Megacorp", "technicalContact": {"email": "it@megacorp.com"}}
    partner = {"partnerDetails": {"partnerName": "X", "billingContact": {"email": "buyer@megacorp.com"}}}
    found = account(licence(contactDetails=mega), YEAR, more_sales=({**YEAR, **partner, "customerDetails": mega},))
    assert (found["customer_key"], found["domain"]) == ("company:megacorp.com", "megacorp.com")
    assert found["is_partner_managed"] is False


def test_the_partner_of_a_licence_is_not_its_customer() -> None:
    contacts = {"company": "Acme", "technicalContact": {"email": "jo@small-partner.com"}}
    partner = {"billingContact": {"email": "bill@small-partner.com"}}
    found = account(licence(cloudId="c1", contactDetails=contacts, partnerDetails=partner), YEAR)
    assert (found["customer_key"], found["domain"]) == ("site:c1", None)


def test_a_partner_of_the_last_sale_manages_the_account() -> None:
    sale = {**YEAR, "partnerDetails": {"partnerName": "P", "billingContact": {"email": "x@partner.com"}}}
    found = account(licence(), sale)
    assert (found["is_partner_managed"], found["partner_name"], found["partner_domain"]) == (True, "P", "partner.com")
    assert account(licence(), YEAR)["is_partner_managed"] is False


def test_a_forgotten_person_is_nowhere() -> None:
    gone = {"company": "Acme", "technicalContact": {"email": "RTBF", "name": "RTBF"}}
    found = examine(licence(contactDetails=gone), YEAR)
    assert "RTBF" not in str(found)
    assert found.people == []


def test_a_licence_that_moved_to_cloud() -> None:
    old = licence(licenseId="SEN-1")
    for status, new in (("converted", "E-9"), ("active", None), ("non-converted", None)):
        migration = {"status": status, "relatedOnPremLicense": "SEN-1"}
        cloud = licence(addonLicenseId="9", appEntitlementNumber="E-9", cmtDetails=migration)
        assert account(old, others=(cloud,))["migrated_to"] == new
        assert account(cloud)["migrated_from"] == (new and "SEN-1")


# -- sales without a licence


def test_sales_of_a_licence_that_is_not_listed() -> None:
    sale = {**YEAR, "addonName": "App", "customerDetails": {"company": "Acme", "country": "Turkey"}}
    found = examine(None, sale)
    assert found.account is not None
    assert (found.account["name"], found.account["country_code"], found.account["mrr"]) == ("Acme – App", "TR", 85)
    assert [each["reason"] for each in found.anomalies] == ["license_missing"]
    assert len(found.mrr_segments) == 1


def test_sales_of_an_unlisted_licence_under_ids_of_two_generations_are_one_account() -> None:
    old = {"addonLicenseId": "77", "licenseId": "SEN-77", "appEntitlementNumber": None}
    refund = row("Refund", -600, "2025-07-01", "2026-01-01") | {**old, "appEntitlementNumber": "E-77"}
    older = {"addonLicenseId": "66", "licenseId": None, "appEntitlementNumber": "E-77"}
    found = examine(None, YEAR | old, refund, row("New", 1, "2020-01-01", "2021-01-01") | older)
    assert found.account is not None
    assert (found.account["account_id"], found.account["license_key"], found.account["mrr"]) == ("E-77", "77", 0)
    assert found.account["aliases"] == ["E-77", "SEN-77", "77", "SEN-66", "66"]
    assert [each["reason"] for each in found.anomalies] == ["license_missing"]


def test_rows_that_are_one_licence_are_one_account_and_odd() -> None:
    rows = [licence(status="inactive", lastUpdated="2025-01-01"), licence(addonLicenseId=None, appEntitlementId="u")]
    day = date.fromisoformat("2025-07-15")
    for some in (rows, rows[::-1]):
        dossier = Dossier(one_license(some), [YEAR], twins=some)
        found = Examiner(Settings(day), Survey.begin(day)).examine(dossier)
        assert found.account is not None
        assert (found.account["account_id"], found.account["license_key"], found.account["mrr"]) == ("E-1", "1", 85)
        assert (found.account["license_status"], found.account["app_entitlement_id"]) == ("active", "u")
        assert set(found.account["aliases"]) == {"E-1", "u", "SEN-1", "1"}
        assert [each["reason"] for each in found.anomalies] == ["license_twice"]


def test_a_sale_that_names_no_licence_is_quarantined() -> None:
    nameless = {name: value for name, value in YEAR.items() if name not in {"addonLicenseId", "appEntitlementNumber"}}
    found = examine(None, nameless)
    assert (found.account, found.mrr_segments, found.account_events) == (None, [], [])
    assert [each["reason"] for each in found.anomalies] == ["no_license_named"]
    assert [(each.amount, each.quarantined) for each in found.money] == [(1200, 1200)]


@pytest.mark.parametrize(
    "row_",
    [
        {"addonLicenseId": "1"},
        licence(contactDetails=None, partnerDetails={}, tier=None, cmtDetails=[], attribution="x"),
        licence(contactDetails={"technicalContact": {"email": "nonsense"}}, maintenanceEndDate="NA", tier="lots"),
    ],
)
def test_what_is_missing_breaks_nothing(row_: Row) -> None:
    assert examine(row_, {"transactionId": "1", "transactionLineItemId": "2"}).account is not None
