"""One row through both presets: what they share is the same, but for differences that are meant."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.target.preset_raw import operations
from tests.target.rows import license_messages

from tap_atlassian_marketplace.customers.dossier import Dossier, Settings
from tap_atlassian_marketplace.customers.examine import Examiner
from tap_atlassian_marketplace.customers.people import fold_person
from tap_atlassian_marketplace.customers.survey import Survey
from target_journy.mapping import compile_streams
from target_journy.mapping_reading import load_mapping
from target_journy.values import Unset

TODAY = "2026-07-15"
COMPUTED = compile_streams(load_mapping("marketplace", None)[0])
PORTAL = "https://marketplace.atlassian.com/manage/vendors/77/reporting"
LINKS = {f"link_{name}": f"{PORTAL}/{name}?text={{account_id}}" for name in ("licenses", "transactions")}

NOTHING = {"NA", "N/A", "null", "Pending", "Unknown"}
NASTY = {
    "addonLicenseId": "1",
    "licenseId": "SEN-1",
    "appEntitlementNumber": "E-1",
    "appEntitlementId": "Pending",
    "hostEntitlementNumber": "NA",
    "multiInstanceEntitlementNumber": "null",
    "cloudSiteHostname": "acme.atlassian.net",
    "cloudId": "cloud-1",
    "addonKey": "a",
    "addonName": "A",
    "hosting": "Data center",
    "status": "active",
    "licenseType": "COMMERCIAL",
    "tier": "10 Users",
    "appEdition": "Unknown",
    "maintenanceStartDate": "2026-01-01",
    "maintenanceEndDate": "2027-01-01",
    "inGracePeriod": "NA",
    "invoiceDunningReason": "NA",
    "evaluationOpportunitySize": "NA",
    "evaluationStartDate": "NA",
    "evaluationSaleDate": "Pending",
    "installedOnSandbox": "NA",
    "parentProductName": "Pending",
    "lastUpdated": "2026-07-01",
    "cmtDetails": {"status": "NA", "relatedOnPremLicense": "NA"},
    "contactDetails": {
        "company": "N/A",
        "country": "Unknown",
        "region": "Unknown",
        "technicalContact": {"email": "Anna@Acme.com", "name": "Anna Maria Smith"},
        "billingContact": {"email": "RTBF", "name": "RTBF"},
    },
    "partnerDetails": {"partnerName": "Unknown", "partnerType": "Expert", "billingContact": {"email": "p@resell.com"}},
}

ON_TRIAL = {**NASTY, "licenseType": "EVALUATION", "tier": "Evaluation"}
OF_PARTNER = {**NASTY, "partnerDetails": None, "contactDetails": {"technicalContact": {"email": "RTBF"}}}

# Properties of an account that differ by intent, and why; docs/marketplace-raw.md says the same.
AS_WRITTEN = {"technical_contact_email": "addresses are sent as they are written, by `marketplace` in small letters"}
PAID = {"renewal_date": "the end of maintenance; `marketplace` takes the end of what was paid for"}
TRIED = {
    "trial_start_date": "what the licence tells of its trial; `marketplace` has a trial of its days of maintenance too",
    "trial_end_date": "likewise",
}
UNDUNNED = {"dunning_reason": "nothing where there is none; `marketplace` says `none`, so that it replaces one"}
SOLD = {
    "domain": "of the contacts that the licence has; `marketplace` asks its sales too",
    "website": "likewise",
    "partner_name": "the partner that the licence names; `marketplace` has that of the last sale too",
    "partner_type": "likewise",
    "partner_contact_email": "likewise",
}


def sale(**details: Any) -> dict[str, Any]:
    return {
        "transactionId": "AT-1",
        "transactionLineItemId": "1",
        "addonLicenseId": "1",
        "addonKey": "a",
        "paymentStatus": "Paid",
        "lastUpdated": "2026-07-02",
        "purchaseDetails": {
            "saleType": "Upgrade",
            "saleDate": "2026-07-01",
            "maintenanceStartDate": "2026-06-16",
            "maintenanceEndDate": "2026-07-01",
            "purchasePrice": 25,
            "vendorAmount": 20,
            "tier": "3 User",
            **details,
        },
    }


YEAR = sale(saleType="New", saleDate="2026-02-01", maintenanceStartDate="2026-02-01", maintenanceEndDate="2027-02-01")

SOLD_BY_PARTNER = {
    **YEAR,
    "customerDetails": {"technicalContact": {"email": "it@acme.com"}},
    "partnerDetails": {"partnerName": "Resell", "partnerType": "Expert", "billingContact": {"email": "p@resell.com"}},
}


def computed(license_row: dict[str, Any], *sales: dict[str, Any]) -> Any:
    """What the preset `marketplace` sends of a row: the account, the technical contact, and events by id."""
    settings = Settings(date.fromisoformat(TODAY), links=LINKS)
    survey = Survey.begin(settings.today)
    survey.add_license(license_row)
    examiner = Examiner(settings, survey)
    found = examiner.examine(Dossier(license_row, sales))
    (account,) = COMPUTED["accounts"].operations({**(found.account or {}), "as_of": TODAY})[1].accounts
    parts = [part for part in found.people if part.role == "technical"]
    people = [{**fold_person(parts, examiner.domains), "as_of": TODAY}] if parts else []
    users = [user for person in people for user in COMPUTED["people"].operations(person)[1].users]
    events = [event for row in found.account_events for event in COMPUTED["account_events"].operations(row)[1].events]
    return account, users, {event.event_id: event for event in events}


@pytest.mark.parametrize(
    ("license_row", "sales", "meant"),
    [
        (NASTY, [YEAR], {**AS_WRITTEN, **UNDUNNED, **PAID}),
        (ON_TRIAL, [], {**AS_WRITTEN, **UNDUNNED, **TRIED}),
        (OF_PARTNER, [SOLD_BY_PARTNER], {**PAID, **UNDUNNED, **SOLD}),
    ],
)
def test_accounts_have_the_same_shared_properties_but_those_that_are_meant_to_differ(
    license_row: dict[str, Any], sales: list[dict[str, Any]], meant: dict[str, str]
) -> None:
    ((_, record), *_) = license_messages(license_row)
    (raw,) = operations("licenses", record).accounts
    mine = computed(license_row, *sales)[0]
    shared = raw.properties.keys() & mine.properties.keys()
    assert len(shared) > 50
    different = {name for name in shared if _said(raw.properties[name]) != _said(mine.properties[name])}
    assert different == meant.keys()
    assert (raw.account.names, raw.account.shared_alias) == (mine.account.names, None)
    assert NOTHING.isdisjoint(value for value in raw.properties.values() if isinstance(value, str))
    assert raw.properties["name"] == "acme – A"


def _said(value: Any) -> Any:
    return None if isinstance(value, Unset) else value


def test_people_have_the_same_names() -> None:
    (record,) = (row for stream, row in license_messages(NASTY) if stream == "contacts" and row["role"] == "technical")
    (raw,) = operations("contacts", record).users
    (mine,) = computed(NASTY, YEAR)[1]
    names = ("full_name", "first_name", "last_name", "email_domain", "country", "company")
    assert {name: raw.properties.get(name) for name in names} == {name: mine.properties.get(name) for name in names}
    assert (mine.properties["first_name"], mine.properties["last_name"]) == ("Anna Maria", "Smith")


@pytest.mark.parametrize("where", ["purchaseDetails", None])
@pytest.mark.parametrize("kind", ["Upgrade", "Renewal", None])
def test_users_added_within_a_month_are_one_event_in_both(kind: str | None, where: str | None) -> None:
    added = [{"addedUsers": 2, "date": "2026-06-20"}, {"addedUsers": 1, "date": "2026-06-16"}]
    row = sale(saleType=kind, **({"proratedDetails": added} if where else {}))
    row |= {} if where else {"proratedDetails": added}
    (raw,) = operations("transactions", {**row, "account_id": "E-1", "aliases": ["E-1"]}).events
    mine = computed(NASTY, row)[2]["tx:AT-1|1"]
    assert (raw.name, raw.triggered_at) == (mine.name, mine.triggered_at) == ("users_added", "2026-07-01T12:00:06Z")
    assert {name: mine.metadata.get(name) for name in raw.metadata} == raw.metadata
    assert (raw.metadata["added_users"], raw.metadata["added_on"]) == (3, "2026-06-16, 2026-06-20")
