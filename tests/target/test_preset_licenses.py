"""The preset marketplace-raw: exactly what licences and their contacts become."""

from __future__ import annotations

from typing import Any

import pytest
from tests.target.preset_raw import STREAMS, account, given, operations
from tests.target.rows import license_messages

from target_journy.mapping import compile_streams
from target_journy.mapping_reading import load_mapping
from target_journy.values import UNSET


def people(technical: Any = None, billing: Any = None, partner: Any = None, **technicals: Any) -> dict[str, Any]:
    return {
        "contactDetails": {
            "technicalContact": {"email": technical, **technicals},
            "billingContact": {"email": billing},
        },
        "partnerDetails": {"billingContact": {"email": partner}},
    }


FULL = {
    "addonLicenseId": "7",
    "licenseId": "SEN-7",
    "appEntitlementNumber": "E-7",
    "appEntitlementId": "uuid-7",
    "hostEntitlementNumber": "E-6",
    "multiInstanceEntitlementNumber": "E-M",
    "cloudId": "cloud-7",
    "cloudSiteHostname": "acme.atlassian.net",
    "transactionAccountId": "TA-7",
    "addonKey": "com.example.diagrams",
    "addonName": "Diagrams",
    "productId": "p-1",
    "appEdition": "Advanced",
    "hosting": "Cloud",
    "tier": "Per Unit Pricing (593 Users)",
    "licenseType": "COMMERCIAL",
    "licenseLevel": "site",
    "licenseSourceType": "direct",
    "status": "active",
    "cloudComplianceBoundaries": ["gov", "commercial"],
    "maintenanceStartDate": "2026-01-01",
    "maintenanceEndDate": "2027-01-01",
    "inGracePeriod": "No",
    "invoiceDunningReason": "CARD_DECLINED",
    "latestEvaluationStartDate": "2025-11-01",
    "evaluationStartDate": "2025-10-01",
    "evaluationEndDate": "2025-12-01",
    "evaluationSaleDate": "2025-11-20",
    "evaluationOpportunitySize": "1200",
    "parentProductName": "Jira",
    "parentProductEdition": "Premium",
    "parentProductBillingCycle": "ANNUAL",
    "installedOnSandbox": "No",
    "lastUpdated": "2026-03-01",
    "contactDetails": {
        "company": "Acme",
        "country": "Germany",
        "region": "EMEA",
        "technicalContact": {"email": "Ann@Mail.ACME.com", "name": "Ann Lee", "phone": "1"},
        "billingContact": {"email": "bob@acme.com", "name": "Bob Ray"},
    },
    "partnerDetails": {
        "partnerName": "Resell",
        "partnerType": "EXPERT",
        "billingContact": {"email": "pat@resell.com", "name": "Pat Kim"},
    },
    "attribution": {
        "channel": "search",
        "referrerDomain": "example.com",
        "campaignSource": "s",
        "campaignMedium": "m",
        "campaignName": "n",
    },
    "cmtDetails": {"status": "done", "relatedOnPremLicense": "SEN-5"},
}


def test_a_license_with_everything() -> None:
    portal = "https://marketplace.atlassian.com/manage/vendors/77/reporting"
    assert account(**FULL) == {
        "name": "Acme – Diagrams",
        "plan": "Diagrams Advanced Per Unit Pricing (593 Users)",
        "app_key": "com.example.diagrams",
        "app_name": "Diagrams",
        "product_id": "p-1",
        "app_edition": "Advanced",
        "hosting": "Cloud",
        "tier": "Per Unit Pricing (593 Users)",
        "tier_users": 593,
        "license_type": "COMMERCIAL",
        "license_status": "active",
        "license_level": "site",
        "license_source": "direct",
        "compliance_boundary": "gov, commercial",
        "maintenance_start_date": "2026-01-01T00:00:00Z",
        "maintenance_end_date": "2027-01-01T00:00:00Z",
        "renewal_date": "2027-01-01T00:00:00Z",
        "in_grace_period": False,
        "dunning_reason": "CARD_DECLINED",
        "trial_start_date": "2025-11-01T00:00:00Z",
        "trial_end_date": "2025-12-01T00:00:00Z",
        "trial_sale_date": "2025-11-20T00:00:00Z",
        "opportunity_size": "1200",
        "parent_product": "Jira",
        "parent_edition": "Premium",
        "parent_billing_cycle": "ANNUAL",
        "is_sandbox": False,
        "website": "https://acme.com",
        "domain": "acme.com",
        "country": "Germany",
        "region": "EMEA",
        "technical_contact_email": "Ann@Mail.ACME.com",
        "technical_contact_name": "Ann Lee",
        "billing_contact_email": "bob@acme.com",
        "partner_name": "Resell",
        "partner_type": "EXPERT",
        "partner_contact_email": "pat@resell.com",
        "entitlement_number": "E-7",
        "license_id": "SEN-7",
        "app_entitlement_id": "uuid-7",
        "host_entitlement_number": "E-6",
        "multi_instance_entitlement_number": "E-M",
        "cloud_id": "cloud-7",
        "site_hostname": "acme.atlassian.net",
        "transaction_account_id": "TA-7",
        "attribution_channel": "search",
        "attribution_referrer": "example.com",
        "attribution_campaign_source": "s",
        "attribution_campaign_medium": "m",
        "attribution_campaign_name": "n",
        "cmt_status": "done",
        "cmt_on_prem_license": "SEN-5",
        "link_site": "https://acme.atlassian.net",
        "link_licenses": f"{portal}/licenses?text=E-7",
        "link_transactions": f"{portal}/transactions?text=E-7",
    }


def test_a_license_is_known_by_its_account_id_and_all_aliases() -> None:
    ((_, record), *_) = license_messages(FULL)
    (found,) = operations("licenses", record).accounts
    assert found.account.id == "E-7"
    assert found.account.aliases == ("E-7", "uuid-7", "SEN-7", "7")
    assert found.account.shared_alias == "E-M"
    assert STREAMS["licenses"].key(record) == "7"


def test_a_license_with_nothing_but_an_id() -> None:
    assert account(appEntitlementNumber="E-1") == {
        "name": "E-1",
        "entitlement_number": "E-1",
        "link_licenses": "https://marketplace.atlassian.com/manage/vendors/77/reporting/licenses?text=E-1",
        "link_transactions": "https://marketplace.atlassian.com/manage/vendors/77/reporting/transactions?text=E-1",
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"contactDetails": {"company": "Acme"}}, {"name": "Acme – Diagrams"}),
        ({"cloudSiteHostname": "acme.atlassian.net"}, {"name": "acme – Diagrams"}),
        ({"hosting": "Data center"}, {"hosting": "Data Center"}),
        ({}, {"name": "E-1 – Diagrams"}),
        ({"contactDetails": {"company": "null"}}, {"name": "E-1 – Diagrams"}),
        ({"contactDetails": {"company": "RTBF"}}, {"name": "E-1 – Diagrams"}),
        ({"contactDetails": {"company": "RTBF"}, "cloudSiteHostname": "a.b"}, {"name": "a.b – Diagrams"}),
        ({"tier": "Unlimited Users"}, {"tier": "Unlimited Users", "tier_users": 10_001}),
        ({"tier": "Evaluation"}, {"tier": "Evaluation", "tier_users": None}),
        ({"tier": "500 Users", "appEdition": None}, {"plan": "Diagrams 500 Users", "tier_users": 500}),
        ({"inGracePeriod": "Yes"}, {"in_grace_period": True}),
        ({"inGracePeriod": True}, {"in_grace_period": True}),
        ({"inGracePeriod": "NA"}, {"in_grace_period": None}),
        ({"installedOnSandbox": "Pending"}, {"is_sandbox": None}),
        ({"installedOnSandbox": "Yes"}, {"is_sandbox": True}),
        ({"evaluationStartDate": "NA"}, {"trial_start_date": None}),
        ({"evaluationStartDate": "2026-01-02"}, {"trial_start_date": "2026-01-02T00:00:00Z"}),
        ({"parentProductName": "NA"}, {"parent_product": None}),
        ({"parentProductEdition": "Pending"}, {"parent_edition": None}),
        ({"attribution": {"channel": "NA"}}, {"attribution_channel": None}),
        ({"contactDetails": {"billingContact": {}}}, {"billing_contact_email": None, "website": None, "domain": None}),
        (people("a@gmail.com"), {"website": None, "domain": None}),
        (people("null", name="null"), {"technical_contact_email": None, "technical_contact_name": None}),
        (people("RTBF", name="RTBF"), {"technical_contact_email": UNSET, "technical_contact_name": UNSET}),
        (people("RTBF", "RTBF", "RTBF"), {"billing_contact_email": UNSET, "partner_contact_email": UNSET}),
        (people("RTBF"), {"website": None}),
        (people("a@resell.com", None, "b@resell.com"), {"website": None}),
        ({"cloudComplianceBoundaries": []}, {"compliance_boundary": None}),
    ],
)
def test_a_license_with_a_gap(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    found = account(appEntitlementNumber="E-1", addonName="Diagrams", **fields)
    assert {name: found.get(name) for name in expected} == expected


def test_without_a_vendor_there_are_no_links_to_its_portal() -> None:
    mapping, *_ = load_mapping("marketplace-raw", None)
    ((_, record), *_) = license_messages(FULL)
    (found,) = compile_streams(mapping)["licenses"].operations(record)[1].accounts
    assert {name for name in given(found.properties) if name.startswith("link_")} == {"link_site"}


def contacts(**row: Any) -> list[tuple[str | None, dict[str, Any], tuple[str, str | None, bool]]]:
    """User, properties and role of each contact."""
    found = []
    for _, record in license_messages(row)[1:]:
        made = operations("contacts", record)
        (held,) = made.slots
        slot = held.slot, held.email, held.forgotten
        user = made.users[0] if made.users else None
        found.append((user and user.user, given(user.properties) if user else {}, slot))
    return found


def test_contacts_with_everything() -> None:
    technical, billing, partner = contacts(**FULL)
    assert technical == (
        "ann@mail.acme.com",
        {
            "full_name": "Ann Lee",
            "first_name": "Ann",
            "last_name": "Lee",
            "phone": "1",
            "country": "Germany",
            "company": "Acme",
            "email_domain": "mail.acme.com",
        },
        ("7|technical", "ann@mail.acme.com", False),
    )
    assert billing[0] == "bob@acme.com"
    assert billing[2] == ("7|billing", "bob@acme.com", False)
    assert partner == (
        "pat@resell.com",
        {
            "full_name": "Pat Kim",
            "first_name": "Pat",
            "last_name": "Kim",
            "partner_name": "Resell",
            "email_domain": "resell.com",
        },
        ("7|partner", "pat@resell.com", False),
    )


@pytest.mark.parametrize(
    ("contact", "user", "slot"),
    [
        (None, None, (None, False)),
        ({}, None, (None, False)),
        ({"email": "null"}, None, (None, False)),
        ({"email": " "}, None, (None, False)),
        ({"email": "RTBF", "name": "RTBF"}, None, (None, True)),
        ({"name": "Nobody"}, None, (None, False)),
        ({"email": " A@B.com\r"}, "a@b.com", ("a@b.com", False)),
    ],
)
def test_a_contact_with_gaps(contact: Any, user: str | None, slot: tuple[str | None, bool]) -> None:
    details = {} if contact is None else {"contactDetails": {"technicalContact": contact}}
    (email, _, (key, holder, forgotten)), *others = contacts(addonLicenseId="1", **details)
    assert (email, key, (holder, forgotten)) == (user, "1|technical", slot)
    assert [other[0] for other in others] == [None, None]
