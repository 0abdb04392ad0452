"""One domain for a site, whoever its licences' technical contacts are."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tap.fake_marketplace import license_row, run, transaction_row

from tap_atlassian_marketplace.customers.customer_keys import technical_domain
from tap_atlassian_marketplace.customers.domains import DomainClasses
from tap_atlassian_marketplace.site_domains import site_domains

DOMAINS = DomainClasses.of(own=["vendor.com"], partner=["partner.com"])
TRIAL = {"licenseType": "EVALUATION"}


def technical(email: str | None) -> dict[str, Any]:
    return {"technicalContact": {"email": email}}


def on(site: str | None, email: str | None, number: int = 1, **fields: Any) -> dict[str, Any]:
    """A licence, the older the smaller its number."""
    began = {"addonLicenseId": str(number), "maintenanceStartDate": f"2025-01-{number:02}"}
    return {"cloudId": site, "contactDetails": technical(email), **began, **fields}


def sold(email: str, number: int = 1, day: str = "2025-01-01", **fields: Any) -> dict[str, Any]:
    ids = {"transactionId": f"IN-{day}", "transactionLineItemId": "1", "addonLicenseId": str(number)}
    return {**ids, "customerDetails": technical(email), "purchaseDetails": {"saleDate": day}, **fields}


@pytest.mark.parametrize(
    ("emails", "domain"),
    [
        (["a@acme.com", "b@eu.acme.com"], None),  # no need to say what each licence says itself
        (["a@gmail.com", "b@partner.com"], None),
        (["b@gmail.com", "a@acme.com"], "acme.com"),
        (["c@vendor.com", "b@partner.com", "a@acme.com"], "acme.com"),
        (["b@zebra.com", "a@acme.com"], "zebra.com"),
        (["b@zebra.com", "a@acme.com", "c@acme.com"], "zebra.com"),
        (["nonsense", "nonsense", "a@zebra.com", "a@zebra.com"], "zebra.com"),
    ],
)
def test_the_domain_of_a_site_is_that_of_its_oldest_licence(emails: list[str], domain: str | None) -> None:
    rows = [on("site", email, number) for number, email in enumerate(emails, 1)]
    assert site_domains(rows, [], DOMAINS).get("site") == domain
    hosted = [{**row, "cloudId": None, "hostEntitlementNumber": "E-0"} for row in rows]
    assert site_domains(hosted, [], DOMAINS).get("E-0") == domain


@pytest.mark.parametrize("fields", [TRIAL, {"licenseType": "LEGACY_FREE"}])
def test_what_is_paid_for_counts_before_what_is_not(fields: dict[str, Any]) -> None:
    rows = [on("site", "me@consult.com", 1, **fields), on("site", "it@megacorp.com", 2)]
    assert site_domains(rows, [], DOMAINS) == {"site": "megacorp.com"}


def test_licences_of_one_day_count_by_their_ids() -> None:
    day = {"maintenanceStartDate": "2025-01-01"}
    rows = [on("site", "a@acme.com", 10, **day), on("site", "b@zebra.com", 9, **day)]
    assert site_domains(rows, [], DOMAINS) == {"site": "zebra.com"}


@pytest.mark.parametrize("gone", ["RTBF", None, "ada@gmail.com"])
def test_a_licence_whose_contact_is_gone_has_the_domain_of_its_latest_sale(gone: str | None) -> None:
    sales = [sold("it@megacorp.com"), sold("x@before.com", day="2024-01-01"), sold("RTBF", day="2026-01-01")]
    rows = [on("site", gone, 1), on("site", "me@consult.com", 2, **TRIAL)]
    assert site_domains(rows, sales, DOMAINS) == {"site": "megacorp.com"}
    assert site_domains([on("site", gone, 1), on("site", gone, 2)], sales, DOMAINS) == {"site": "megacorp.com"}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["x", "y", None]),
            st.sampled_from(["a.com", "b.com", "c.com", "gmail.com"]),
            st.integers(1, 28),
            st.sampled_from([{}, TRIAL]),
        ),
        unique_by=lambda row: row[2],
    ),
    st.randoms(),
)
def test_all_licences_of_a_site_have_one_domain_in_any_order(rows: list[tuple[Any, ...]], chance: Any) -> None:
    licenses = [on(site, f"ada@{domain}", number, **fields) for site, domain, number, fields in rows]
    shuffled = list(licenses)
    chance.shuffle(shuffled)

    found = site_domains(licenses, [], DOMAINS)

    assert site_domains(shuffled, [], DOMAINS) == found
    seen = defaultdict(list)
    for row in licenses:
        if row["cloudId"]:
            seen[row["cloudId"]].append((row.get("licenseType", ""), row["maintenanceStartDate"], row))
    for site, ranked in seen.items():
        ranked.sort(key=lambda each: each[:2])
        named = [technical_domain(row, DOMAINS) for _, _, row in ranked]
        expected = next(filter(None, named), None)
        assert {found.get(site) or domain for domain in named} == {expected}


def test_the_accounts_of_a_site_have_one_customer_key(marketplace: Any) -> None:
    emails = ["ada@acme.com", "bob@contractor.com", "cy@acme.com", "dan@gmail.com"]
    licenses = [license_row(number, **on("site-1", email, number)) for number, email in enumerate(emails, 1)]
    elsewhere = license_row(9, **on("site-2", "bob@contractor.com", 9))
    forgotten = license_row(8, **on("site-3", "RTBF", 8))
    marketplace([*licenses, elsewhere, forgotten], [transaction_row(1, 8, **sold("ida@mega.com", 8))])

    found = {row["account_id"]: row["customer_key"] for row in run(streams=("accounts",)).records("accounts")}

    keys = dict.fromkeys(("E-1", "E-2", "E-3", "E-4"), "company:acme.com")
    assert found == {**keys, "E-9": "company:contractor.com", "E-8": "company:mega.com"}
