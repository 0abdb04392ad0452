"""Fixture companies whose contacts are the point: who is named, in how many places, how untidily."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from marketplace_sandbox.world.apps import DIAGRAMS, FORMS, TIMESHEETS
from marketplace_sandbox.world.calendar import shift
from marketplace_sandbox.world.rows import ABSENT, Company, Person
from marketplace_sandbox.world.trials import evaluation

if TYPE_CHECKING:
    from marketplace_sandbox.world.builder import Builder

_RESELLER = "orchid-resale-sbx.com"


def reseller_five_customers(b: Builder) -> None:
    """Five unrelated customers of one reseller: its buyer is the billing contact of all five."""
    buyer = b.person(_RESELLER)
    office = {"address1": "1 Canal Street", "address2": "Floor 3", "city": "Utrecht", "state": "UT", "postcode": "3511"}
    partner = {"partnerName": "Orchid Resale", "partnerType": "Reseller", "billingContact": buyer.contact(office)}
    names = ("Quince Labs", "Rowan Dental", "Spruce Games", "Teak Legal", "Umbra Optics")
    for months, name in enumerate(names, start=1):
        company = replace(b.company(name, "Netherlands"), billing=buyer)
        start = b.ago(months=months)
        row = b.cloud(company, FORMS, start, shift(start, months=12), partnerDetails=partner)
        b.sale(row, "New", 350 + months, partnerDiscountAmount=87.5, discounts=[{"type": "EXPERT", "amount": 87.5}])


def consultant_in_five_licenses(b: Builder) -> None:
    """One freelancer is a contact of five licences, under other names, spellings and telephones."""
    email = "noor.vance@vance-advice-sbx.com"
    spellings = (
        Person("Noor Vance", email, "+31 20 555 0101"),
        Person("Noor Vance", email.upper(), "+31 20 555 0102"),
        Person("N. Vance", f" {email} ", "+31 20 555 0101"),
        Person("Noor Vance", email),
        Person("Noor  Vance", email, "0031205550101"),
    )
    for months, noor in enumerate(spellings, start=2):
        company = b.company(f"Vetch Clinic {months - 1}", "Netherlands")
        start = b.ago(months=months)
        row = b.cloud(replace(company, technical=noor), DIAGRAMS, start, shift(start, months=12), tier="10 Users")
        b.sale(row, "New", 99)


def free_mail_customer(b: Builder) -> None:
    """A customer without a domain of its own, nor a company name."""
    one = Person("Willa Xu", "sandbox.customer.willa@gmail.com", "+1 555 0100")
    start = b.ago(months=2)
    row = b.cloud(Company(ABSENT, "United States", one), TIMESHEETS, start, shift(start, months=12), tier="1 Users")
    b.sale(row, "New", 15, tier="1 User")


def partner_owned_trial(b: Builder) -> None:
    """A trial on a partner's own site: the contact is at the reseller's domain."""
    start = b.ago(days=9)
    company = b.company("Orchid Resale", "Netherlands", _RESELLER)
    partner = {"partnerName": "Orchid Resale", "partnerType": "Reseller", "billingContact": {}}
    b.cloud(
        company, DIAGRAMS, start, shift(start, days=30), partnerDetails=partner, **evaluation(start, users="Evaluation")
    )


def forgotten_contact(b: Builder) -> None:
    """The technical contact had their data erased."""
    erased = dict.fromkeys(("email", "name", "phone", "address1", "city", "postcode"), "RTBF")
    company = b.company("Willow Theatre", "United Kingdom")
    start = b.ago(months=6)
    row = b.cloud(company, FORMS, start, shift(start, months=12))
    row["contactDetails"]["technicalContact"] = erased
    b.sale(row, "New", 240)


def missing_technical_contact(b: Builder) -> None:
    """An old server licence: no technical contact, an empty billing contact, no end of maintenance given."""
    company = replace(b.company("Yarrow Council", "Australia"), technical=None, billing=None)
    row = b.data_center(company, TIMESHEETS, "2016-04-11", "2017-04-11", hosting="Server", tier="25 Users")
    row["contactDetails"]["billingContact"] = {}
    b.sale(row, "New", 100)
    row["lastUpdated"] = "2017-04-12"
    del row["maintenanceEndDate"]


def untidy_text(b: Builder) -> None:
    """Contacts with carriage returns, blanks, the text `null`, capitals in the address."""
    messy = Person(" Zora\r Quist\r", "Zora.Quist@ZINNIA-TOOLS-SBX.COM", "null")
    address = {"address1": "4 Quay Street\r\n", "address2": "null", "city": " Bergen ", "state": "", "postcode": "5003"}
    company = Company("Zinnia Tools\r", "Norway", messy, messy, address)
    start = b.ago(months=5)
    attribution = {"channel": "organic", "referrerDomain": "null", "campaignName": "null"}
    row = b.cloud(company, DIAGRAMS, start, shift(start, months=12), attribution=attribution)
    b.sale(row, "New", "310.10")


def own_company(b: Builder) -> None:
    """The vendor's own site, free of charge."""
    start = b.ago(months=11)
    company = b.company("Sandbox Apps", "Germany", "sandbox.example")
    b.cloud(company, TIMESHEETS, start, shift(start, months=12), licenseType="INTERNAL USE", tier="Unlimited Users")


IDEAS = (
    reseller_five_customers,
    consultant_in_five_licenses,
    free_mail_customer,
    partner_owned_trial,
    forgotten_contact,
    missing_technical_contact,
    untidy_text,
    own_company,
)
