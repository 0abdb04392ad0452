"""The people behind all licences: one row an e-mail, folded from what each licence says."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_atlassian_marketplace.customers.contacts import contact_rows
from tap_atlassian_marketplace.customers.domains import PARTNER, email_domain
from tap_atlassian_marketplace.customers.fields import day_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_atlassian_marketplace.customers.domains import DomainClasses

_PAIRED = (("full_name",), ("phone",), ("city", "state", "country"), ("company",), ("partner_name",))


class PersonPart(NamedTuple):
    """What one licence says about one of its contacts; plain texts, so that it can be sorted, stored and compared.

    Attributes:
        email: Address, in lower case.
        seen: `lastUpdated` of the licence, `YYYY-MM-DD`; empty when it is missing or no date. The newest says most.
        license_id: The licence.
        role: `technical`, `billing` or `partner`.
        full_name: Name.
        phone: Telephone number.
        city: City.
        state: State or province.
        country: Country of the customer.
        company: Company of the customer; empty for a partner's contact.
        partner_name: The partner that a partner's contact works for.
        app: App key.
        hosting: Cloud, Data Center or Server.
        is_active: Whether the licence is active.
        tier_users: Users of it; 0 when they are not known.
        mrr: Net USD a month of it.
        last_activity: Latest day of a sale or update, `YYYY-MM-DD`, or empty.
        registered_at: First day of the licence, `YYYY-MM-DD`, or empty.
    """

    email: str
    seen: str
    license_id: str
    role: str
    full_name: str
    phone: str
    city: str
    state: str
    country: str
    company: str
    partner_name: str
    app: str
    hosting: str
    is_active: bool
    tier_users: int
    mrr: Decimal
    last_activity: str
    registered_at: str


def person_parts(
    row: Mapping[str, Any], account: Mapping[str, Any], last_activity: str, *, is_active: bool
) -> list[PersonPart]:
    """Give what a licence says about its contacts, but for those without an address or who asked to be forgotten.

    Args:
        row: The licence.
        account: Its row of `accounts`.
        last_activity: Latest day of a sale or update.
        is_active: Whether the licence is active.
    """
    return [
        PersonPart(
            email=contact["email"],
            seen=day_text(row.get("lastUpdated")),
            license_id=contact["license_id"],
            role=contact["role"],
            full_name=contact["name"] or "",
            phone=contact["phone"] or "",
            city=contact["city"] or "",
            state=contact["state"] or "",
            country=contact["country"] or "",
            company=(account.get("company") or "") if contact["company"] else "",
            partner_name=contact["partner_name"] or "",
            app=account.get("app_key") or "",
            hosting=account.get("hosting") or "",
            is_active=is_active,
            tier_users=account.get("tier_users") or 0,
            mrr=account.get("mrr") or Decimal(0),
            last_activity=last_activity,
            registered_at=account.get("registered_at") or "",
        )
        for contact in contact_rows(row)
        if contact["email"]
    ]


def fold_person(parts: Iterable[PersonPart], domains: DomainClasses) -> dict[str, Any]:
    """Fold all that the licences say about one e-mail into its row of `people`.

    The newest licence that knows a field says it; what belongs together (city, state and country) comes from one.

    Args:
        parts: At least one, all of one e-mail, in any order.
        domains: Whose e-mail domains are whose.
    """
    newest = sorted(parts, key=lambda part: (part.seen, part.license_id, part.role, part), reverse=True)
    email = newest[0].email
    said: dict[str, str | None] = {}
    for fields in _PAIRED:
        source = next((part for part in newest if any(getattr(part, name) for name in fields)), None)
        said |= {name: (getattr(source, name) or None) if source else None for name in fields}
    licenses = {part.license_id: part for part in reversed(newest)}
    roles = {part.role for part in newest}
    name = said["full_name"]
    # As `first_name` and `last_name` of target-journy have it for raw rows.
    words = (name or "").split()
    domain_class = domains.of_email(email)
    return {
        "email": email,
        **said,
        "first_name": " ".join(words[:-1] or words) or None,
        "last_name": words[-1] if len(words) > 1 else None,
        "registered_at": min((part.registered_at for part in newest if part.registered_at), default=None),
        "marketplace_roles": [role for role in ("technical", "billing", "partner") if role in roles],
        "is_technical_contact": "technical" in roles,
        "is_billing_contact": "billing" in roles,
        "is_partner_contact": "partner" in roles,
        "is_partner": domain_class == PARTNER,
        "email_domain": email_domain(email),
        "email_domain_class": domain_class,
        "apps": sorted({part.app for part in newest if part.app}),
        "hostings": sorted({part.hosting for part in newest if part.hosting}),
        "entitlements_count": len(licenses),
        "active_entitlements_count": sum(part.is_active for part in licenses.values()),
        "max_tier_users": max(part.tier_users for part in newest) or None,
        "mrr_influenced": sum((part.mrr for part in licenses.values()), Decimal(0)),
        "last_marketplace_activity_at": max(part.last_activity for part in newest) or None,
    }
