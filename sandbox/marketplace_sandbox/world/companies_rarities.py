"""Fixture companies whose licence is the point: ids that change, rows that hide, repeat or are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from marketplace_sandbox.world.apps import BADGES, DIAGRAMS, FORMS, LEGACY, TIMESHEETS
from marketplace_sandbox.world.calendar import shift
from marketplace_sandbox.world.rows import ABSENT, Company, Person
from marketplace_sandbox.world.trials import evaluation

if TYPE_CHECKING:
    from marketplace_sandbox.world.builder import Builder

_SITE_FIELDS = ("appEntitlementId", "hostEntitlementId", "hostEntitlementNumber", "cloudId")


def no_tier(b: Builder) -> None:
    """Neither licence nor sale says how many users; the licence ends tomorrow and is not renewed."""
    start = shift(b.today, months=-12, days=1)
    row = b.cloud(b.company("Acacia Press"), FORMS, start, shift(start, months=12), tier=ABSENT)
    b.sale(row, "New", 480)


def unlimited_users(b: Builder) -> None:
    """A Data Center licence without a limit, found by a fair trial before: the trial has an id of its own."""
    start = b.ago(months=4)
    company = b.company("Banyan University", "United States")
    before = shift(start, months=-1)
    trial = b.data_center(company, TIMESHEETS, before, start, **evaluation(before, users="Unlimited Users"))
    row = b.data_center(
        company,
        TIMESHEETS,
        start,
        shift(start, months=12),
        tier="Unlimited Users",
        evaluationLicense=trial["addonLicenseId"],
        daysToConvertEval="-1",
        evaluationSaleDate=start,
    )
    b.sale(row, "New", "12500.50", rate=0.75)


def academic(b: Builder) -> None:
    """A school at a quarter of the price."""
    start = b.ago(months=7)
    company = b.company("Cypress College", "Brazil")
    row = b.cloud(company, DIAGRAMS, start, shift(start, months=12), licenseType="ACADEMIC", tier="400 Users")
    b.sale(row, "New", 300)


def legacy_free(b: Builder) -> None:
    """Once a paid subscription, now free for ever."""
    start = b.ago(months=5)
    row = b.cloud(b.company("Dahlia Yoga"), FORMS, start, shift(start, months=12), licenseType="LEGACY_FREE")
    before = {"maintenanceStartDate": shift(start, months=-12), "maintenanceEndDate": start}
    b.sale(row, "New", 120, licenseType="COMMERCIAL", **before)


def gains_entitlement_number(b: Builder) -> None:
    """A Data Center licence, known by its support number today and by an entitlement number from tomorrow."""
    start = b.ago(months=6)
    row = b.data_center(b.company("Eucalyptus Rail", "France"), DIAGRAMS, start, shift(start, months=12))
    b.sale(row, "New", 2150, rate=0.75)


def repeated_2018(b: Builder) -> None:
    """Licences of 2018 that every report repeats, whatever dates it asks for."""
    company = b.company("Fennel Archives", "Japan")
    for start in ("2018-03-05", "2018-05-28", "2018-09-10"):
        row = b.data_center(company, TIMESHEETS, start, shift(start, months=12), hosting="Server", tier="50 Users")
        row["lastUpdated"] = "2019-10-01"
        b.sale(row, "New", 400)
        b.repeated.add(row["addonLicenseId"])


def deleted_license(b: Builder) -> None:
    """A sale and its refund whose licence is gone."""
    start = b.ago(months=5)
    row = b.cloud(b.company("Gorse Pharma"), DIAGRAMS, start, shift(start, months=12))
    b.sale(row, "New", 660)
    b.licenses.remove(row)


def refund_without_license(b: Builder) -> None:
    """A refund that names no licence at all, only the sale that it takes back."""
    start = b.ago(months=3)
    row = b.cloud(b.company("Heather Sports"), FORMS, start, shift(start, months=12))
    sale = b.sale(row, "New", 510)
    nameless = dict.fromkeys((*_SITE_FIELDS, "appEntitlementNumber"), ABSENT)
    original = {"transactionId": sale["transactionId"], "saleDate": start}
    b.sale(row, "Refund", -50, saleDate=shift(start, days=40), originalTransactionDetails=original, fields=nameless)


def far_countries(b: Builder) -> None:
    """Countries whose names have several spellings."""
    for name, country in (("Iris Tekstil", "Türkiye"), ("Jasmine Neft", "Russia"), ("Kapok Gaming", "Macau")):
        start = b.ago(months=8)
        row = b.cloud(b.company(name, country), TIMESHEETS, start, shift(start, months=12))
        b.sale(row, "New", 275)


def upgrade_evaluation(b: Builder) -> None:
    """A paying customer tries the higher edition."""
    start = b.ago(months=3)
    trial = {"upgradeEvaluationStartDate": b.ago(days=5), "upgradeEvaluatingEdition": "Advanced"}
    row = b.cloud(b.company("Lavender Hotels"), DIAGRAMS, start, shift(start, months=12), **trial)
    b.sale(row, "New", 430)


def multi_instance(b: Builder) -> None:
    """Three site licences below one multi-instance entitlement, on which their sales sit."""
    company = b.company("Mimosa Holding", "Germany")
    start = b.ago(months=2)
    parent = {
        "multiInstanceEntitlementId": b.ids.uuid(b.label("parent")),
        "multiInstanceEntitlementNumber": b.ids.entitlement_number(b.label("parent")),
    }
    end = shift(start, months=12)
    sites = [b.cloud(company, TIMESHEETS, start, end, licenseLevel="multi-instance", **parent) for _ in range(3)]
    on_parent = {
        **dict.fromkeys(_SITE_FIELDS, ABSENT),
        "appEntitlementId": parent["multiInstanceEntitlementId"],
        "appEntitlementNumber": parent["multiInstanceEntitlementNumber"],
    }
    b.sale(sites[0], "New", 5400, tier="900 Users", fields=on_parent)
    b.sale(sites[0], "Upgrade", 600, saleDate=shift(start, months=1), tier="1000 Users", fields=on_parent)


def negative_tier(b: Builder) -> None:
    """A credit that is written as a sale of less than no users."""
    start = b.ago(months=4)
    row = b.cloud(b.company("Nettle Events"), FORMS, start, shift(start, months=12), tier="20 Users")
    b.sale(row, "New", 200)
    credit = {"tier": "-3 Users", "changeInTier": "Decrease", "creditNoteReason": "USERS REMOVED"}
    b.sale(row, "Refund", "-30.30", saleDate=shift(start, months=1), **credit)


def migration_to_cloud(b: Builder) -> None:
    """From Data Center to cloud: the free migration trial names the licence that it replaces."""
    start = b.ago(months=10)
    company = b.company("Olive Aerospace", "France")
    old = b.data_center(company, DIAGRAMS, start, shift(start, months=12))
    b.sale(old, "New", 1900, rate=0.75)
    began = b.ago(months=1)
    details = {"status": "active", "relatedOnPremLicense": old["licenseId"]}
    b.cloud(company, DIAGRAMS, began, shift(began, months=9), tier="500 Users", cmtDetails=details)


def moved_site(b: Builder) -> None:
    """The customer's site moved: the old licence turned free, a new one took over under other ids."""
    moved = b.ago(months=3)
    company = b.company("Peony Design")
    before = {"maintenanceStartDate": shift(moved, months=-12), "maintenanceEndDate": moved}
    old = b.cloud(company, FORMS, moved, shift(moved, months=12), licenseType="LEGACY_FREE")
    b.sale(old, "New", 640, licenseType="COMMERCIAL", **before)
    new = b.cloud(company, FORMS, moved, shift(moved, months=12), tier="80 Users")
    b.sale(new, "New", 640)


def trial_that_converts(b: Builder) -> None:
    """A trial found through an advertisement, bought on the second day; a field of its row is in no schema."""
    start = b.ago(days=24)
    company = b.company("Raspberry Radio", "United States")
    found = {
        "channel": "paid-display",
        "referrerDomain": "ads.example",
        "campaignSource": "newsletter",
        "campaignMedium": "banner",
        "campaignName": "spring",
        "campaignContent": "blue",
    }
    trial = {**evaluation(start, users=120), "attribution": found, "growthSignal": "High"}
    b.cloud(company, DIAGRAMS, start, shift(start, days=30), **trial)


def fedramp_site(b: Builder) -> None:
    """A government cloud: reported only to who asks for its compliance boundary."""
    start = b.ago(months=9)
    company = b.company("Sage County", "United States")
    boundary = ["fedramp_moderate"]
    row = b.cloud(company, TIMESHEETS, start, shift(start, months=12), cloudComplianceBoundaries=boundary)
    b.sale(row, "New", 800)


def owned_by_atlassian(b: Builder) -> None:
    """A site of Atlassian: hidden unless asked for."""
    start = b.ago(months=6)
    company = Company("Atlassian", "Australia", Person("Sandbox Contact", "sandbox.contact@atlassian.com"))
    b.cloud(company, DIAGRAMS, start, shift(start, months=12), licenseSourceType="Atlassian", licenseType="FREE")


def free_app(b: Builder) -> None:
    """Licences of the app that was never sold: reported alone, on request, without contacts."""
    for name in ("Thyme Bakery", "Verbena Travel"):
        start = b.ago(months=4)
        company = replace(b.company(name), technical=None, billing=None)
        b.cloud(company, BADGES, start, shift(start, months=12), licenseType="FREE", tier="Unlimited Users")


def archived_app(b: Builder) -> None:
    """An old cloud licence of the archived app, known by support numbers.

    One field has its other name, and a word of the licence and of its sale is none that is known.
    """
    number, host = b.ids.license_number(b.label("cloud")), b.ids.license_number(b.label("host"))
    row = b.cloud(
        b.company("Wisteria Labs", "Netherlands"),
        LEGACY,
        "2019-02-01",
        "2020-02-01",
        addonLicenseId=number,
        licenseId=f"SEN-{number}",
        hostLicenseId=f"SEN-{host}",
        appEntitlementNumber=ABSENT,
        newBillingSystem=ABSENT,
        isNewBillingSystem="No",
        licenseSourceType="Acquired",
        tier="Subscription",
        **dict.fromkeys(_SITE_FIELDS, ABSENT),
    )
    b.sale(row, "New", 10, tier="25 Users", changeInTier="Not Recorded", quantityUnit="users")


IDEAS = (
    no_tier,
    unlimited_users,
    academic,
    legacy_free,
    gains_entitlement_number,
    repeated_2018,
    deleted_license,
    refund_without_license,
    far_countries,
    upgrade_evaluation,
    multi_instance,
    negative_tier,
    migration_to_cloud,
    moved_site,
    trial_that_converts,
    fedramp_site,
    owned_by_atlassian,
    free_app,
    archived_app,
)
