"""What the licences of one customer have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.addresses import email_address
from tap_atlassian_marketplace.customers.domains import email_domain, registrable_domain
from tap_atlassian_marketplace.customers.fields import known, obj

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_atlassian_marketplace.customers.domains import DomainClasses
    from tap_atlassian_marketplace.customers.situation import Situation


def site_of(row: Mapping[str, Any]) -> str | None:
    """Give the site of a licence: its cloud id, else the number of the host product's entitlement."""
    return known(row.get("cloudId")) or known(row.get("hostEntitlementNumber"))


def details_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give what a licence or sale tells of its customer; an empty object where there is nothing."""
    return obj(row, "contactDetails") or obj(row, "customerDetails")


def partner_domain(row: Mapping[str, Any]) -> str | None:
    """Give the domain of the partner that a licence or sale names; None without one."""
    contact = obj(obj(row, "partnerDetails"), "billingContact")
    domain = email_domain(email_address(contact.get("email"))) if contact else None
    return (registrable_domain(domain) or domain) if domain else None


def technical_domain(row: Mapping[str, Any], domains: DomainClasses) -> str | None:
    """Give the domain of the organisation of the technical contact of a licence or sale.

    The billing contact does not count: it is often a reseller's, who has many customers.

    Returns:
        None for no contact, a mailbox provider or a partner, be it one of this row alone.
    """
    email = email_address(obj(details_of(row), "technicalContact").get("email"))
    return domains.business_domain([email], partner_domain(row)) if email else None


def sold_rank(sale: Mapping[str, Any]) -> tuple[str, str, str]:
    """Order sales by day, order and line; the latest that names the customer's organisation says who he is."""
    day = obj(sale, "purchaseDetails").get("saleDate")
    return str(day or ""), str(sale.get("transactionId")), str(sale.get("transactionLineItemId"))


def sold_domain(sales: Iterable[Mapping[str, Any]], domains: DomainClasses) -> str | None:
    """Give the domain of the technical contact of the latest of a licence's sales that names an organisation."""
    told = ((sold_rank(sale), domain) for sale in sales if (domain := technical_domain(sale, domains)))
    return max(told, default=(None, None))[1]


def customer_key(case: Situation) -> str:
    """Give the customer of a licence: what the vendor says, else its site's or its own domain, site or account.

    A licence whose technical contact is vacant, or asked to be forgotten, is still that of whom its sales name.
    """
    site = site_of(case.row)
    domain = case.override.domain or case.survey.site_domains.get(site or "")
    domain = domain or technical_domain(case.row, case.domains) or case.sold_domain
    customer = case.override.customer or case.settings.overrides.of_domain(domain).customer or domain
    return f"company:{customer}" if customer else f"site:{site}" if site else case.account_id
