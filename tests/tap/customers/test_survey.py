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


def price(*rows: Row) -> object:
    return survey(*rows).prices.price("app", "Cloud", "Annual", 10)


def test_a_full_price_is_learned() -> None:
    assert price(sale()) == 100


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


@pytest.mark.parametrize("seed", range(5))
def test_surveys_of_parts_in_any_order_are_one(seed: int) -> None:
    rows = list(ROWS)
    Random(seed).shuffle(rows)
    one, other = survey(*rows[:4]), survey(*rows[4:])
    one.merge(other)
    assert one == survey(*ROWS)
    assert one.bought == {"7": ("E-2", "2025-02-01")}
    assert one.moved == {"SEN-1": "E-4"}
    assert one.prices.price("app", "Cloud", "Annual", 10) == 110
