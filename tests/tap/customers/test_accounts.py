"""The row of an account, and what it shares with the loader's preset for raw rows."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import account, examine, licence, trial

from tap_atlassian_marketplace.customers.dossier import Dossier, Settings
from tap_atlassian_marketplace.customers.examine import Examiner
from tap_atlassian_marketplace.customers.identity import account_id, aliases, license_key
from tap_atlassian_marketplace.customers.survey import Survey
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


def test_the_money_of_an_account() -> None:
    found = account(licence(), YEAR, row("Refund", -60, "2025-07-01", "2026-01-01", net=-51))
    money = {
        "mrr": Decimal("76.50"),
        "mrr_gross": 90,
        "arr": 918,
        "mrr_source": "transactions",
        "lifetime_revenue": 969,
        "lifetime_gross": 1140,
        "refunds_total": 60,
        "transactions_count": 2,
        "last_transaction_at": "2025-07-01",
        "last_sale_type": "Refund",
        "billing_period": "Annual",
        "paid_through": "2026-01-01",
        "renewal_date": "2026-01-01",
        "renewal_amount_expected": 1020,
        "payment_status_last": "Paid",
    }
    assert {name: found[name] for name in money} == money


@pytest.mark.parametrize(
    ("sales", "expected"),
    [
        ([YEAR, row("Upgrade", 300, "2025-07-01", "2026-01-01", tier="25 Users")], 1620),
        ([row("New", 972, "2025-03-10", "2026-01-01")], Decimal("1201.28")),
        ([row("New", 2400, "2025-01-01", "2027-01-01")], 2400),
        ([row("New", 100, "2025-07-01", "2025-08-01", billingPeriod="Monthly")], 100),
        ([], None),
    ],
    ids=["an upgrade", "a short first term", "two years", "a month", "nothing"],
)
def test_what_a_renewal_will_bring(sales: list[Row], expected: Decimal | None) -> None:
    found = account(licence(), *sales)["renewal_amount_expected"]
    assert found == expected


def test_an_open_invoice_is_unconfirmed_mrr() -> None:
    assert account(licence(), {**YEAR, "paymentStatus": "Open"})["mrr_unconfirmed"] == 85


@pytest.mark.parametrize(
    "off", [{"discounts": [{"type": "EXPERT", "amount": 200}, {"amount": 100}]}, {"partnerDiscountAmount": 300}]
)
def test_a_discount_in_percent(off: Row) -> None:
    sale = row("New", 900, "2025-01-01", "2026-01-01", **off)
    assert account(licence(), sale)["discount_pct_last"] == 25


@pytest.mark.parametrize(
    ("end", "sales", "renewal"),
    [
        ("2026-05-05", [YEAR], "2026-01-01"),
        ("2026-05-05", [], "2026-05-05"),
    ],
)
def test_paid_sales_say_the_renewal_date(end: str, sales: list[Row], renewal: str) -> None:
    assert account(licence(maintenanceEndDate=end), *sales)["renewal_date"] == renewal


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


# -- prices: estimates and opportunities

LISTED = {"hosting": "Cloud", "licenseType": "COMMERCIAL"}
SOLD = tuple(
    row(
        "Renewal",
        usd,
        "2025-02-01",
        "2026-02-01",
        tier=tier,
        order=f"P-{usd}",
        hosting="Cloud",
        licenseType="COMMERCIAL",
    )
    | {"addonKey": "app"}
    for usd, tier in ((1200, "10 Users"), (1200.12, "10 Users"), (9999, "10 Users"), (12000, "110 Users"))
)


@pytest.mark.parametrize(
    ("tier", "fields", "mrr"),
    [
        ("10 Users", {}, "100.01"),
        ("60 Users", {}, "550.01"),
        ("220 Users", {}, "2000"),
        ("5 Users", {}, "50.01"),
        ("10 Users", {"licenseType": "ACADEMIC"}, "25.00"),
        ("10 Users", {"licenseType": "COMMUNITY"}, "25.00"),
    ],
)
def test_an_estimate_where_no_sale_is_known(tier: str, fields: Row, mrr: str) -> None:
    found = account(licence(tier=tier, **fields), more_sales=SOLD)
    assert found["mrr_source"] == "estimated"
    assert abs(found["mrr"] - Decimal(mrr)) <= Decimal("0.01")


@pytest.mark.parametrize(
    "fields",
    [
        {"licenseType": "OPEN_SOURCE"},
        {"status": "inactive"},
        {"tier": "Subscription"},
        {"licenseSourceType": "Atlassian"},
        {"multiInstanceEntitlementNumber": "E-M"},
        {"cmtDetails": {"status": "active", "relatedOnPremLicense": "SEN-9"}},
    ],
)
def test_what_is_not_estimated(fields: Row) -> None:
    found = account(licence(**fields), more_sales=SOLD)
    assert (found["mrr"], found["mrr_source"]) == (0, "none")


def test_an_estimate_has_no_segments() -> None:
    assert examine(licence(), more_sales=SOLD).mrr_segments == []


@pytest.mark.parametrize(
    ("size", "users", "arr"),
    [
        ("110", 110, 12000),
        ("Unlimited Users", 10001, Decimal("1091018.16")),
        ("Evaluation", None, None),
        ("Unknown", None, None),
        ("NA", None, None),
        (None, None, None),
    ],
)
def test_the_opportunity_of_a_trial(size: str | None, users: int | None, arr: Any) -> None:
    row_ = trial("2025-07-01", "2025-07-31", evaluationOpportunitySize=size, parentProductBillingCycle="ANNUAL")
    found = account(row_, more_sales=SOLD)
    assert found["opportunity_users"] == users
    assert found["opportunity_arr"] is arr is None or abs(found["opportunity_arr"] - arr) < 100


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
    other = licence(addonLicenseId="2", partnerDetails=partner)
    found = account(licence(contactDetails=contacts), sale, others=(other,))
    assert found["website"] == website
    assert found["domain"] == (website.removeprefix("https://") if website else None)


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
