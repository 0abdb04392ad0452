"""The row of an account: what one looks for when one looks at a customer."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tap_atlassian_marketplace.customers.account_money import money_fields
from tap_atlassian_marketplace.customers.addresses import email_address
from tap_atlassian_marketplace.customers.countries import country_code
from tap_atlassian_marketplace.customers.customer_keys import customer_key
from tap_atlassian_marketplace.customers.domains import PARTNER, email_domain
from tap_atlassian_marketplace.customers.fields import day, known, obj, text, yes
from tap_atlassian_marketplace.customers.health import health
from tap_atlassian_marketplace.customers.stages import stage
from tap_atlassian_marketplace.customers.survey import migrated_from
from tap_atlassian_marketplace.customers.tiers import is_unlimited, opportunity_users, tier_bucket, tier_users

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tap_atlassian_marketplace.customers.situation import Situation

_CENT = Decimal("0.01")
_HOSTINGS = {"cloud": "Cloud", "data center": "Data Center", "datacenter": "Data Center", "server": "Server"}


def account_row(case: Situation) -> dict[str, Any]:
    """Give the row of `accounts`: days as `YYYY-MM-DD`, money in USD as `Decimal`, None for what is not known."""
    what = _what(case)
    money = money_fields(case, what["hosting"], what["tier_users"])
    stage_ = stage(case, mrr=money["mrr_gross"] > 0 or money["mrr"] > 0)
    score, reasons = health(case, stage_)
    return {
        "account_id": case.account_id,
        "aliases": case.aliases,
        "license_key": case.license_key,
        **_names(case, what),
        "lifecycle_stage": stage_,
        "health_score": score,
        "health_reasons": reasons,
        **what,
        **money,
        **_times(case),
        **_trial(case, what["hosting"]),
        **_ids(case.row),
        **_place(case),
        **_people(case),
        **_origin(case),
        **_links(case),
    }


def hosting_of(value: Any) -> str | None:
    """Give `Cloud`, `Data Center` or `Server`, however it is written; other texts as they are."""
    name = text(value)
    return _HOSTINGS.get(name.lower(), name) if name else None


def _names(case: Situation, what: Mapping[str, Any]) -> dict[str, Any]:
    row = case.row
    company = _company(case)
    slug = (text(row.get("cloudSiteHostname")) or "").removesuffix(".atlassian.net") or None
    app = what["app_name"]
    customer = company or slug or case.account_id
    trials = (day(row.get(name)) for name in ("evaluationStartDate", "latestEvaluationStartDate"))
    first = [each for each in (*trials, case.start, _first_sale(case)) if each]
    return {
        "name": f"{customer} – {app}" if app else customer,
        "plan": " ".join(each for each in (app, what["app_edition"], what["tier"]) if each) or None,
        "company": company,
        "registered_at": _text(min(first, default=None)),
    }


def _company(case: Situation) -> str | None:
    of_domain = case.settings.overrides.of_domain(case.business_domain)
    return case.override.company or of_domain.company or known(obj(case.row, "contactDetails").get("company"))


def _what(case: Situation) -> dict[str, Any]:
    row = case.row
    tier = text(row.get("tier"))
    users = tier_users(tier)
    boundaries = row.get("cloudComplianceBoundaries")
    return {
        "app_key": text(row.get("addonKey")),
        "app_name": text(row.get("addonName")),
        "product_id": text(row.get("productId")),
        "app_edition": known(row.get("appEdition")),
        "hosting": hosting_of(row.get("hosting")),
        "tier": tier,
        "tier_users": users,
        "tier_bucket": tier_bucket(users),
        "tier_is_unlimited": is_unlimited(tier),
        "license_type": text(row.get("licenseType")),
        "license_status": text(row.get("status")),
        "license_level": text(row.get("licenseLevel")),
        "license_source": text(row.get("licenseSourceType")),
        "compliance_boundary": ", ".join(map(str, boundaries)) or None if isinstance(boundaries, list) else None,
        "parent_product": known(row.get("parentProductName")),
        "parent_edition": known(row.get("parentProductEdition")),
        "parent_billing_cycle": known(row.get("parentProductBillingCycle")),
        "is_sandbox": yes(row.get("installedOnSandbox")),
    }


def _times(case: Situation) -> dict[str, Any]:
    row, paid = case.row, case.coverage.paid_through
    renewal = paid or (case.trial.end if case.is_evaluation and case.trial else None) or case.end
    return {
        "maintenance_start_date": _text(case.start),
        "maintenance_end_date": _text(case.end),
        "paid_through": _text(paid),
        "renewal_date": _text(renewal),
        "days_to_renewal": (renewal - case.today).days if renewal else None,
        "in_grace_period": case.in_grace_period,
        "dunning_reason": known(row.get("invoiceDunningReason")),
    }


def _trial(case: Situation, hosting: str | None) -> dict[str, Any]:
    trial, row = case.trial, case.row
    size = known(row.get("evaluationOpportunitySize"))
    users = opportunity_users(size)
    price = None
    if users:
        cycle = known(row.get("parentProductBillingCycle"))
        price = case.survey.prices.price(text(row.get("addonKey")), hosting, cycle, users)
    return {
        "trial_start_date": _text(trial.start) if trial else None,
        "trial_end_date": _text(trial.end) if trial else None,
        "trial_sale_date": _text(day(row.get("evaluationSaleDate"))),
        "trial_converted_at": _text(trial.converted_at) if trial else None,
        "trial_bought_as": trial.bought_as if trial else None,
        "days_to_convert": trial.days_to_convert if trial else None,
        "trial_count": trial.count if trial else 0,
        "opportunity_size": size,
        "opportunity_users": users,
        "opportunity_arr": (12 * price.gross).quantize(_CENT, ROUND_HALF_UP) if price is not None else None,
    }


def _ids(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "entitlement_number": known(row.get("appEntitlementNumber")),
        "license_id": known(row.get("licenseId")),
        "app_entitlement_id": known(row.get("appEntitlementId")),
        "host_entitlement_number": known(row.get("hostEntitlementNumber")),
        "multi_instance_entitlement_number": known(row.get("multiInstanceEntitlementNumber")),
        "cloud_id": known(row.get("cloudId")),
        "site_hostname": known(row.get("cloudSiteHostname")),
        "transaction_account_id": known(row.get("transactionAccountId")),
    }


def _place(case: Situation) -> dict[str, Any]:
    details = obj(case.row, "contactDetails")
    country = known(details.get("country"))
    domain = case.business_domain
    email = email_address(obj(details, "technicalContact").get("email"))
    return {
        "country": country,
        "country_code": country_code(country) if country else None,
        "region": known(details.get("region")),
        "website": f"https://{domain}" if domain else None,
        "domain": domain,
        "domain_class": case.domains.of_email(email),
        "customer_key": customer_key(case),
    }


def _people(case: Situation) -> dict[str, Any]:
    details = obj(case.row, "contactDetails")
    partner = _partner(case)
    technical, billing = obj(details, "technicalContact"), obj(details, "billingContact")
    technical_email = email_address(technical.get("email"))
    partner_email = email_address(obj(partner, "billingContact").get("email"))
    managed = case.override.partner
    if managed is None:
        managed = bool(partner) or case.domains.of_email(technical_email) == PARTNER
    return {
        "technical_contact_email": technical_email,
        "technical_contact_name": known(technical.get("name")),
        "billing_contact_email": email_address(billing.get("email")),
        "partner_contact_email": partner_email,
        "is_partner_managed": managed,
        "partner_name": known(partner.get("partnerName")),
        "partner_type": text(partner.get("partnerType")),
        "partner_domain": email_domain(partner_email),
    }


def _partner(case: Situation) -> Mapping[str, Any]:
    """The partner of the licence, else of its latest paid sale."""
    latest = case.coverage.forward
    return obj(case.row, "partnerDetails") or (obj(latest.row, "partnerDetails") if latest else {})


def _origin(case: Situation) -> dict[str, Any]:
    attribution, migration = obj(case.row, "attribution"), obj(case.row, "cmtDetails")
    moved = case.survey.moved
    return {
        "attribution_channel": known(attribution.get("channel")),
        "attribution_referrer": known(attribution.get("referrerDomain")),
        "attribution_campaign_source": known(attribution.get("campaignSource")),
        "attribution_campaign_medium": known(attribution.get("campaignMedium")),
        "attribution_campaign_name": known(attribution.get("campaignName")),
        "cmt_status": known(migration.get("status")),
        "cmt_on_prem_license": known(migration.get("relatedOnPremLicense")),
        "migrated_from": migrated_from(case.row),
        "migrated_to": next((moved[alias] for alias in case.aliases if alias in moved), None) if moved else None,
    }


def _links(case: Situation) -> dict[str, Any]:
    host = text(case.row.get("cloudSiteHostname"))
    address = quote(case.account_id, safe="")
    links = {name: link.replace("{account_id}", address) for name, link in case.settings.links.items()}
    return {"link_site": f"https://{host}" if host else None, **links}


def _first_sale(case: Situation) -> date | None:
    return min((sale.sold for sale in case.sales if sale.sold), default=None)


def _text(on: date | None) -> str | None:
    return on.isoformat() if on else None
