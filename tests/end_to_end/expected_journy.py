"""What journy.io should hold for a Marketplace world: worked out from its rows by rules written down here again.

It shares no code with the plugins, so that a mistake in a mapping shows as a difference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from marketplace_sandbox.world.world import World

Row = dict[str, Any]

VENDOR = "1212980"
PORTAL = f"https://marketplace.atlassian.com/manage/vendors/{VENDOR}/reporting"

# In the sandbox's world these are the domains that belong to no company's own site.
NOT_BUSINESS = {"gmail.com", "outlook.com", "atlassian.com", "mailinator.com", "yahoo.com", "gmx.de", "sandbox.example"}

EVENT_NAMES = {
    "Refund": "subscription_refunded",
    "New": "subscription_started",
    "Downgrade": "subscription_downgraded",
    "Upgrade": "subscription_upgraded",
    "Renewal": "subscription_renewed",
}


def get(row: Row | None, path: str) -> Any:
    """The value at a dotted path, None where anything on the way is missing."""
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return None if value == "" else value


def known(value: Any) -> Any:
    return (
        None
        if isinstance(value, str) and value.strip().lower() in {"na", "n/a", "pending", "unknown", "null"}
        else value
    )


def midnight(value: Any) -> str | None:
    return f"{value}T00:00:00Z" if (value := known(value)) else None


def yes_no(value: Any) -> bool | None:
    return {"yes": True, "no": False}.get(str(known(value)).lower())


def users(tier: str | None) -> int | None:
    if tier and tier.lower() == "unlimited users":
        return 10001
    found = re.search(r"(?i)(-?[\d,]+) users?\)?$", tier or "")
    return max(0, int(found[1].replace(",", ""))) if found else None


def domain(row: Row) -> str | None:
    partner = str(get(row, "partnerDetails.billingContact.email") or "").strip().lower().rpartition("@")[2]
    for role in ("technicalContact", "billingContact"):
        email = str(get(row, f"contactDetails.{role}.email") or "").strip().lower()
        found = email.rpartition("@")[2]
        if "@" in email and found not in NOT_BUSINESS and found != partner:
            return found
    return None


def account_id(row: Row) -> str | None:
    return (
        row.get("appEntitlementNumber")
        or row.get("licenseId")
        or (f"SEN-{row['addonLicenseId']}" if row.get("addonLicenseId") else None)
    )


def license_key(row: Row) -> str:
    return str(row.get("addonLicenseId") or row.get("appEntitlementId") or row["appEntitlementNumber"])


def names(row: Row) -> set[str]:
    ids = {row.get(name) for name in ("appEntitlementNumber", "appEntitlementId", "licenseId", "addonLicenseId")}
    if row.get("addonLicenseId"):
        ids.add(f"SEN-{row['addonLicenseId']}")
    return {identity for identity in ids if identity}


COPIED = {
    "app_key": "addonKey",
    "app_name": "addonName",
    "product_id": "productId",
    "tier": "tier",
    "license_type": "licenseType",
    "license_status": "status",
    "license_level": "licenseLevel",
    "license_source": "licenseSourceType",
    "country": "contactDetails.country",
    "technical_contact_email": "contactDetails.technicalContact.email",
    "technical_contact_name": "contactDetails.technicalContact.name",
    "billing_contact_email": "contactDetails.billingContact.email",
    "partner_type": "partnerDetails.partnerType",
    "partner_contact_email": "partnerDetails.billingContact.email",
}

WITHOUT_PLACEHOLDERS = {
    "app_edition": "appEdition",
    "dunning_reason": "invoiceDunningReason",
    "opportunity_size": "evaluationOpportunitySize",
    "region": "contactDetails.region",
    "partner_name": "partnerDetails.partnerName",
    "entitlement_number": "appEntitlementNumber",
    "license_id": "licenseId",
    "app_entitlement_id": "appEntitlementId",
    "host_entitlement_number": "hostEntitlementNumber",
    "multi_instance_entitlement_number": "multiInstanceEntitlementNumber",
    "cloud_id": "cloudId",
    "site_hostname": "cloudSiteHostname",
    "transaction_account_id": "transactionAccountId",
    "cmt_status": "cmtDetails.status",
    "cmt_on_prem_license": "cmtDetails.relatedOnPremLicense",
    "parent_product": "parentProductName",
    "parent_edition": "parentProductEdition",
    "parent_billing_cycle": "parentProductBillingCycle",
    "attribution_channel": "attribution.channel",
    "attribution_referrer": "attribution.referrerDomain",
    "attribution_campaign_source": "attribution.campaignSource",
    "attribution_campaign_medium": "attribution.campaignMedium",
    "attribution_campaign_name": "attribution.campaignName",
}

INSIGHTS = {
    "attribution",
    "daysToConvertEval",
    "evaluationEndDate",
    "evaluationLicense",
    "evaluationOpportunitySize",
    "evaluationSaleDate",
    "evaluationStartDate",
    "installedOnSandbox",
    "parentProductBillingCycle",
    "parentProductEdition",
    "parentProductName",
}

DATES = {
    "maintenance_start_date": "maintenanceStartDate",
    "maintenance_end_date": "maintenanceEndDate",
    "renewal_date": "maintenanceEndDate",
    "trial_end_date": "evaluationEndDate",
    "trial_sale_date": "evaluationSaleDate",
}


def account_properties(row: Row) -> Row:
    """The properties of the account that a licence is; a value of None means "nothing said"."""
    site = domain(row)
    site_name = (known(row.get("cloudSiteHostname")) or "").removesuffix(".atlassian.net")
    company = known(get(row, "contactDetails.company")) or site_name or account_id(row)
    boundaries = row.get("cloudComplianceBoundaries")
    properties = {
        **{name: get(row, path) for name, path in COPIED.items()},
        **{name: known(get(row, path)) for name, path in WITHOUT_PLACEHOLDERS.items()},
        **{name: midnight(get(row, path)) for name, path in DATES.items()},
        "name": f"{company} – {row['addonName']}",
        "plan": " ".join(part for part in (row["addonName"], known(row.get("appEdition")), row.get("tier")) if part),
        "hosting": "Data Center" if row.get("hosting") == "Data center" else row.get("hosting"),
        "tier_users": users(row.get("tier")),
        "trial_start_date": midnight(row.get("latestEvaluationStartDate")) or midnight(row.get("evaluationStartDate")),
        "in_grace_period": yes_no(row.get("inGracePeriod")),
        "is_sandbox": yes_no(row.get("installedOnSandbox")),
        "compliance_boundary": ", ".join(boundaries) if boundaries else None,
        "website": f"https://{site}" if site else None,
        "domain": site,
        "link_site": f"https://{row['cloudSiteHostname']}" if row.get("cloudSiteHostname") else None,
        "link_licenses": f"{PORTAL}/licenses?text={account_id(row)}",
        "link_transactions": f"{PORTAL}/transactions?text={account_id(row)}",
    }
    return {name: None if value == "" else value for name, value in properties.items()}


def contacts(row: Row) -> dict[str, Row]:
    """The contacts of a licence by role; a role that nobody holds is missing."""
    found = {
        "technical": (get(row, "contactDetails.technicalContact"), get(row, "contactDetails")),
        "billing": (get(row, "contactDetails.billingContact"), get(row, "contactDetails")),
        "partner": (get(row, "partnerDetails.billingContact"), None),
    }
    people = {}
    for role, (contact, customer) in found.items():
        cleaned = {name: _clean(value) for name, value in (contact or {}).items()}
        email = (cleaned.get("email") or "").lower()
        if not email or email == "rtbf":
            continue
        words = (cleaned.get("name") or "").split()
        people[role] = {
            "email": email,
            "full_name": cleaned.get("name"),
            "first_name": " ".join(words[:-1] or words) or None,
            "last_name": words[-1] if len(words) > 1 else None,
            "phone": cleaned.get("phone"),
            "city": cleaned.get("city"),
            "state": cleaned.get("state"),
            "country": _clean(get(customer, "country")),
            "company": _clean(get(customer, "company")),
            "partner_name": _clean(get(row, "partnerDetails.partnerName")) if role == "partner" else None,
            "email_domain": email.rpartition("@")[2],
        }
    return people


def event(row: Row) -> Row:
    """The event that a transaction is, without its account."""
    details = row["purchaseDetails"]
    added = details.get("proratedDetails") or row.get("proratedDetails") or []
    kind = "users_added" if added else EVENT_NAMES.get(details.get("saleType"), "transaction")
    second = [*EVENT_NAMES.values(), "transaction", "users_added"].index(kind)
    discounts = details.get("discounts") or []
    metadata = {
        "event_id": f"tx:{row['transactionId']}|{row['transactionLineItemId']}",
        "transaction_id": row["transactionId"],
        "transaction_line_item_id": row["transactionLineItemId"],
        "sale_date": midnight(details["saleDate"]),
        "vendor_amount": _money(details.get("vendorAmount")),
        "purchase_price": _money(details.get("purchasePrice")),
        "partner_discount_amount": _money(details.get("partnerDiscountAmount")),
        "discount_amount": sum(_money(discount["amount"]) or 0 for discount in discounts) if discounts else None,
        "discount_types": ", ".join(sorted({discount["type"] for discount in discounts})) or None,
        "tier_users": users(details.get("tier")),
        "added_users": sum(each["addedUsers"] for each in added) if added else None,
        "added_on": ", ".join(sorted({each["date"] for each in added})) or None,
        "change_in_tier": known(details.get("changeInTier")),
        "maintenance_start_date": midnight(details.get("maintenanceStartDate")),
        "maintenance_end_date": midnight(details.get("maintenanceEndDate")),
        "app_key": row["addonKey"],
        "app_name": row["addonName"],
        "app_edition": row.get("appEdition"),
        "parent_product": known(details.get("parentProductName")),
        "parent_edition": known(details.get("parentProductEdition")),
        "payment_status": row.get("paymentStatus"),
        "is_invoice_manual": row.get("isInvoiceManual"),
        "original_transaction_id": get(details, "originalTransactionDetails.transactionId"),
        "partner_name": get(row, "partnerDetails.partnerName"),
        "partner_type": get(row, "partnerDetails.partnerType"),
    }
    same_name = {
        "sale_type": "saleType",
        "tier": "tier",
        "old_tier": "oldTier",
        "billing_period": "billingPeriod",
        "old_billing_period": "oldBillingPeriod",
        "license_type": "licenseType",
        "hosting": "hosting",
        "payment_terms": "paymentTerms",
        "refund_reason": "refundReason",
        "credit_note_reason": "creditNoteReason",
    }
    metadata |= {name: details.get(path) for name, path in same_name.items()}
    return {
        "name": kind,
        "triggeredAt": f"{details['saleDate']}T12:00:{second:02}Z",
        "metadata": {name: value for name, value in metadata.items() if value not in (None, "")},
    }


@dataclass
class Journy:
    """journy.io as it should be, grown run by run.

    Attributes:
        accounts: Properties by account id.
        users: Properties by e-mail.
        members: Pairs of account id and e-mail.
        events: Events by their id, with their account.
    """

    accounts: dict[str, Row] = field(default_factory=dict)
    users: dict[str, Row] = field(default_factory=dict)
    members: set[tuple[str, str]] = field(default_factory=set)
    events: dict[str, Row] = field(default_factory=dict)
    _pinned: dict[str, str] = field(default_factory=dict)
    _slots: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def absorb(self, world: World, wanted: Callable[[Row], bool] = lambda _: True) -> None:
        """Take over what a run that reads the wanted licences and their sales should bring."""
        rows = [row for row in visible(world) if wanted(row)]
        for row in rows:
            account = next((self._pinned[name] for name in sorted(names(row)) if name in self._pinned), account_id(row))
            self._pinned.update(dict.fromkeys(names(row), str(account)))
            self._update(self.accounts.setdefault(str(account), {}), account_properties(row))
        self._absorb_people(rows)
        self._absorb_sales(rows, world.transactions)

    def _absorb_people(self, rows: Iterable[Row]) -> None:
        spoken: list[tuple[str, str, Row]] = []
        for row in rows:
            account = self._pinned[license_key(row)]
            people = contacts(row)
            for role in ("technical", "billing", "partner"):
                slot = (license_key(row), role)
                before = self._slots.pop(slot, None)
                if person := people.get(role):
                    self._slots[slot] = (account, person["email"])
                    spoken.append((row["lastUpdated"], f"{slot[0]}|{role}", person))
                elif before and get(row, f"contactDetails.{role}Contact.email") == "RTBF":
                    self.users[before[1]] = {}
        for _, _, person in sorted(spoken, key=lambda said: said[:2]):  # the newest row speaks last
            self._update(self.users.setdefault(person["email"], {}), {k: v for k, v in person.items() if k != "email"})
        self.members = set(self._slots.values())

    def _absorb_sales(self, rows: list[Row], transactions: Iterable[Row]) -> None:
        shared: dict[str, str] = {}
        for row in sorted(rows, key=lambda row: (len(license_key(row)), license_key(row)), reverse=True):
            if number := row.get("multiInstanceEntitlementNumber"):
                shared[number] = self._pinned[license_key(row)]
        read = {name for row in rows for name in names(row)} | shared.keys()
        for sale in transactions:
            found = next((self._pinned[name] for name in sorted(names(sale)) if name in self._pinned), None)
            account = found or next((shared[name] for name in names(sale) if name in shared), None)
            told = event(sale)
            if account is None or not names(sale) & read or told["metadata"]["event_id"] in self.events:
                continue
            if not found:
                told["metadata"]["multi_instance"] = True
            self.events[told["metadata"]["event_id"]] = {**told, "account": account}

    @staticmethod
    def _update(held: Row, said: Row) -> None:
        for name, value in said.items():
            if value == "RTBF":
                held.pop(name, None)
            elif value is not None:
                held[name] = value


def visible(world: World) -> list[Row]:
    """The licences as a run with default settings reads them.

    Atlassian's own are not there, nor those of apps that were always free. Data insights come with licences from
    July 2018 on, and with those older ones that every report repeats.
    """
    free = {app.key for app in world.apps.values() if app.always_free}
    return [
        row
        if row["maintenanceStartDate"] >= "2018-07-01" or row.get("addonLicenseId") in world.repeated
        else {name: value for name, value in row.items() if name not in INSIGHTS}
        for row in world.licenses
        if row.get("licenseSourceType") != "Atlassian" and row["addonKey"] not in free
    ]


def _clean(value: Any) -> str | None:
    text = str(value or "").replace("\r", "").strip()
    return None if text.lower() in {"", "null"} else text


def _money(value: Any) -> int | Decimal | None:
    return None if value is None else Decimal(str(value))
