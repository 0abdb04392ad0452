"""One row an e-mail, folded from all licences."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import examine, licence

from tap_atlassian_marketplace.customers.domains import DomainClasses
from tap_atlassian_marketplace.customers.people import PersonPart, fold_person

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

YEAR = row("New", 1200, "2025-01-01", "2026-01-01", net=1020)
DOMAINS = DomainClasses.of(partner=["partner.com"])


def contact(**person: str) -> Row:
    return {"technicalContact": {"email": "ada@acme.com", **person}}


def fold(*licenses: Row) -> Row:
    parts = [part for each in licenses for part in examine(each, YEAR).people if part.email == "ada@acme.com"]
    return fold_person(parts, DOMAINS)


OLD = licence(
    addonLicenseId="1",
    lastUpdated="2025-01-01",
    status="inactive",
    contactDetails={"company": "Old", "country": "France", **contact(name="A. L.", phone="123", city="Paris")},
)
NEW = licence(
    addonLicenseId="2",
    addonKey="other",
    hosting="Data Center",
    tier="500 Users",
    lastUpdated="2025-06-01",
    contactDetails={
        "country": "Germany",
        **contact(name="Ada  Lovelace"),
        "billingContact": {"email": " ADA@acme.com "},
    },
)


def test_the_newest_licence_that_knows_says_it() -> None:
    found = fold(OLD, NEW)
    assert (found["full_name"], found["first_name"], found["last_name"]) == ("Ada  Lovelace", "Ada", "Lovelace")
    assert (found["phone"], found["company"]) == ("123", "Old")


def test_city_and_country_come_from_one_licence() -> None:
    found = fold(OLD, NEW)
    assert (found["city"], found["country"]) == (None, "Germany")


def test_what_is_summed_up() -> None:
    expected = {
        "email": "ada@acme.com",
        "marketplace_roles": ["technical", "billing"],
        "is_technical_contact": True,
        "is_billing_contact": True,
        "is_partner_contact": False,
        "is_partner": False,
        "email_domain": "acme.com",
        "email_domain_class": "business",
        "apps": ["app", "other"],
        "hostings": ["Cloud", "Data Center"],
        "entitlements_count": 2,
        "active_entitlements_count": 1,
        "max_tier_users": 500,
        "mrr_influenced": 170,
        "last_marketplace_activity_at": "2025-06-01",
        "registered_at": "2025-01-01",
    }
    found = fold(OLD, NEW)
    assert {name: found[name] for name in expected} == expected


def test_a_partner() -> None:
    partner = {"partnerName": "Partner", "billingContact": {"email": "bob@partner.com", "name": "Bob"}}
    (part,) = [each for each in examine(licence(partnerDetails=partner)).people if each.role == "partner"]
    found = fold_person([part], DOMAINS)
    assert (found["partner_name"], found["is_partner"], found["company"]) == ("Partner", True, None)
    assert (found["is_partner_contact"], found["email_domain_class"]) == (True, "partner")


TEXTS = st.sampled_from(["", "a", "b"])


@st.composite
def any_part(draw: st.DrawFn) -> PersonPart:
    texts = {
        name: draw(TEXTS) for name in ("full_name", "phone", "city", "state", "country", "company", "partner_name")
    }
    return PersonPart(
        email="ada@acme.com",
        seen=draw(st.sampled_from(["", "2025-01-01", "2025-06-01"])),
        license_id=draw(st.sampled_from(["1", "2"])),
        role=draw(st.sampled_from(["technical", "billing", "partner"])),
        app=draw(TEXTS),
        hosting=draw(TEXTS),
        is_active=draw(st.booleans()),
        tier_users=draw(st.integers(0, 3)),
        mrr=Decimal(draw(st.integers(0, 3))),
        last_activity="",
        registered_at="",
        **texts,
    )


@given(st.lists(any_part(), min_size=1, max_size=5), st.randoms())
def test_the_order_of_licences_does_not_matter(parts: list[PersonPart], chance) -> None:
    shuffled = list(parts)
    chance.shuffle(shuffled)
    assert fold_person(parts, DOMAINS) == fold_person(shuffled, DOMAINS)
