"""What a first look at all rows finds, in parts and in any order."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import licence

from tap_atlassian_marketplace.customers.domains import DomainClasses
from tap_atlassian_marketplace.customers.price_list import share_of_price
from tap_atlassian_marketplace.customers.survey import Survey

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

TODAY = date(2025, 7, 15)
LISTED = {"hosting": "Cloud", "licenseType": "COMMERCIAL"}


def sale(**details: object) -> Row:
    return row("New", 1200, "2025-01-01", "2026-01-01", **{**LISTED, **details}) | {"addonKey": "app"}


def survey(*rows: Row) -> Survey:
    found = Survey.begin(TODAY)
    for each in rows:
        (found.add_transaction if "purchaseDetails" in each else found.add_license)(each)
    return found


def price(*rows: Row) -> tuple[Decimal, Decimal] | None:
    return survey(*rows).prices.price("app", "Cloud", "Annual", 10)


def test_a_full_price_is_learned() -> None:
    assert price(sale()) == (100, 100)


def test_what_the_vendor_gets_is_learned_beside_it() -> None:
    assert price(sale(vendorAmount=900)) == (100, 75)
    shares = [sale(vendorAmount=900), sale(vendorAmount=1020), sale(vendorAmount=1200)]
    assert price(*shares) == (100, 85)


def test_no_price_is_learned_that_nobody_pays() -> None:
    assert price(sale(purchasePrice=10**24)) is None
    dear = survey(sale(purchasePrice=999_999_999_999_999)).prices
    assert dear.price("app", "Cloud", "Annual", 100) is not None
    assert dear.price("app", "Cloud", "Annual", 10**15) is None


@pytest.mark.parametrize(
    ("prices", "usual"),
    [([1200, 2400], 150), ([1200, 1200, 2400], 100), ([1200, 1200, 1320, 2400], 105), ([1200, 1320, 2400], 110)],
)
def test_the_usual_price_is_the_median(prices: list[int], usual: int) -> None:
    found = price(*(sale(purchasePrice=each, vendorAmount=each) for each in prices))
    assert found == (usual, usual)


@pytest.mark.parametrize(
    "details",
    [
        {"licenseType": "ACADEMIC"},
        {"saleType": "Upgrade"},
        {"discounts": [{"type": "MANUAL", "amount": 1}]},
        {"partnerDiscountAmount": 1},
        {"proratedDetails": [{"addedUsers": 1}]},
        {"saleDate": "2024-07-14"},
        {"maintenanceEndDate": "2025-01-27"},
        {"purchasePrice": 0},
        {"vendorAmount": None},
        {"tier": "Evaluation"},
        {"hosting": "Server"},
    ],
)
def test_no_price_is_learned_from(details: Row) -> None:
    assert price(sale(**details)) is None


MOVED = {"status": "converted", "relatedOnPremLicense": "SEN-1"}
PARTNER = {"partnerName": "P", "billingContact": {"email": "x@mail.partner.com"}}
ROWS = [
    sale(),
    sale(purchasePrice=1320),
    sale(purchasePrice=1320),
    licence(partnerDetails=PARTNER),
    licence(partnerDetails=PARTNER, contactDetails={"company": "Beta"}),
    licence(partnerDetails=PARTNER, contactDetails={"company": "Gamma"}),
    licence(partnerDetails={"billingContact": {"email": "reseller@gmail.com"}}),
    licence(addonLicenseId="2", appEntitlementNumber="E-2", evaluationLicense="7", evaluationSaleDate="2025-02-01"),
    licence(addonLicenseId="3", appEntitlementNumber="E-3", evaluationLicense="7", evaluationSaleDate="2025-01-01"),
    licence(addonLicenseId="4", appEntitlementNumber="E-4", cmtDetails=MOVED),
]


@pytest.mark.parametrize(
    ("license_type", "hosting", "share"),
    [
        ("COMMERCIAL", "Data Center", "1"),
        ("academic", "Cloud", "0.25"),
        ("ACADEMIC", "Data Center", "0.5"),
        ("COMMUNITY", "Cloud", "0.25"),
        ("COMMUNITY", "Data Center", "0.25"),
        ("OPEN_SOURCE", "Cloud", None),
        (None, "Cloud", None),
    ],
)
def test_the_part_of_the_price_that_a_type_pays(license_type: str | None, hosting: str, share: str | None) -> None:
    assert share_of_price(license_type, hosting) == (share and Decimal(share))


def test_partners_of_mailbox_providers_are_none() -> None:
    domains = survey(*ROWS).domains(DomainClasses.of(own=["vendor.com"]))
    assert domains.partner == {"partner.com"}
    assert domains.own == {"vendor.com"}


def test_it_takes_two_customers_to_be_a_partner() -> None:
    none = DomainClasses()
    mega = {"company": "Megacorp", "technicalContact": {"email": "it@megacorp.com"}}
    bills = {"partnerDetails": {"billingContact": {"email": "buyer@megacorp.com"}}}
    wrong = [
        sale() | bills | {"customerDetails": mega},
        licence(**bills, contactDetails=mega | {"company": "MEGACORP"}),
    ]
    assert survey(*wrong).domains(none).partner == set()
    assert survey(*wrong, licence(**bills)).domains(none).partner == {"megacorp.com"}


@pytest.mark.parametrize("seed", range(5))
def test_surveys_of_parts_in_any_order_are_one(seed: int) -> None:
    rows = list(ROWS)
    Random(seed).shuffle(rows)
    one, other = survey(*rows[:4]), survey(*rows[4:])
    one.merge(other)
    assert one == survey(*ROWS)
    assert one.bought == {"7": ("E-2", "2025-02-01")}
    assert one.moved == {"SEN-1": "E-4"}
    assert one.prices.price("app", "Cloud", "Annual", 10) == (110, 100)
