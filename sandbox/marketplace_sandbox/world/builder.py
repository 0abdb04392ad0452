"""Builds licences and their sales row by row; the fixture companies and the ordinary ones share it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.calendar import days_between, shift
from marketplace_sandbox.world.rows import ABSENT, Company, Person, money, present
from marketplace_sandbox.world.subscriptions.truth import Truth

if TYPE_CHECKING:
    from marketplace_sandbox.world.apps import App
    from marketplace_sandbox.world.ids import Ids
    from marketplace_sandbox.world.rows import Row

_FIRST = (
    "Ada",
    "Ben",
    "Chiara",
    "Dmitri",
    "Emeka",
    "Freya",
    "Goran",
    "Hana",
    "Ines",
    "Jörg",
    "Kaito",
    "Lucía",
)
_LAST = (
    "Arnold",
    "Bianchi",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fuchs",
    "Garcia",
    "Hoang",
    "Ito",
    "Jansen",
    "Kowalski",
)
_PLAIN = str.maketrans("öí", "oi")


class Builder:
    """Collects the rows of a world while its companies are made.

    Attributes:
        today: Date text of the world's first day.
        idea: Name of the company being made; labels of its ids start with it.
        licenses: Licence rows made so far.
        transactions: Transaction rows made so far.
        truth: What simulated licences are worth a month on each day.
        repeated: `addonLicenseId` of licences that every licence report repeats, whatever dates it asks for.
    """

    def __init__(self, *, today: str, seed: int, ids: Ids, apps: dict[str, App]) -> None:
        self.today = today
        self.seed = seed
        self.ids = ids
        self.apps = apps
        self.idea = ""
        self.licenses: list[Row] = []
        self.transactions: list[Row] = []
        self.truth = Truth()
        self.repeated: set[str] = set()
        self._count = 0
        self._orders: dict[str, str] = {}
        self.random = random.Random()  # noqa: S311 - made-up data, and the same for the same seed

    def begin(self, idea: str) -> None:
        """Start the company of this name: its ids and choices depend on nothing else."""
        self.idea = idea
        self._count = 0
        self.random = random.Random(f"{self.seed}/{idea}")  # noqa: S311 - made-up data

    def ago(self, *, months: int = 0, days: int = 0) -> str:
        """Date text so long before today."""
        return shift(self.today, months=-months, days=-days)

    def label(self, what: str) -> str:
        """A label that no other row of this world has."""
        self._count += 1
        return f"{self.idea}/{what}/{self._count}"

    def person(self, domain: str) -> Person:
        """Somebody with an e-mail address at the domain and a telephone."""
        first, last = self.random.choice(_FIRST), self.random.choice(_LAST)
        email = f"{first}.{last}@{domain}".lower().translate(_PLAIN)
        return Person(f"{first} {last}", email, f"+49 30 {self.random.randint(100000, 999999)}")

    def company(self, name: str, country: str = "Germany", domain: str | None = None) -> Company:
        """A customer with a technical and a billing contact, by default at a domain of its own."""
        domain = domain or name.lower().replace(" ", "-").replace("&", "and") + "-sbx.com"
        technical, billing = self.person(domain), self.person(domain)
        if technical.email == billing.email:
            billing = Person("Accounts Payable", f"billing@{domain}", technical.phone)
        address = {"address1": f"{self.random.randint(1, 99)} Market Street", "city": "Springfield"}
        return Company(name, country, technical, billing, {**address, "postcode": "10115"})

    def cloud(self, company: Company, app: str, start: str, end: str, **fields: Any) -> Row:
        """Add a cloud licence; `fields` overrides any field of the row, `ABSENT` leaves it out."""
        label = self.label("license")
        site = self.ids.uuid(f"{label}/site")
        return self._license(
            app,
            start,
            end,
            {
                "appEntitlementId": self.ids.uuid(label),
                "appEntitlementNumber": self.ids.entitlement_number(label),
                "hostEntitlementId": self.ids.uuid(f"{label}/host"),
                "hostEntitlementNumber": self.ids.entitlement_number(f"{label}/host"),
                "cloudId": site,
                "cloudSiteHostname": f"{self.idea.replace('_', '-')}-{site[:4]}.atlassian.net",
                "hosting": "Cloud",
                "appEdition": "Standard",
                "newBillingSystem": "Yes",
                "latestMaintenanceStartDate": start,
                "tier": "25 Users",
                "contactDetails": company.contact_details(),
                "extendedServerSupport": "NA",
                "transactionAccountId": self.ids.uuid(f"{label}/account"),
                "inGracePeriod": None,
                "licenseLevel": "single-instance",
                "cloudComplianceBoundaries": ["commercial"],
                "evaluationOpportunitySize": "NA",
                "parentProductBillingCycle": "ANNUAL",
                "parentProductName": "Jira",
                "parentProductEdition": "Standard",
                "installedOnSandbox": "No",
                **fields,
            },
        )

    def data_center(self, company: Company, app: str, start: str, end: str, **fields: Any) -> Row:
        """Add a Data Center licence, known by a support entitlement number only."""
        number = self.ids.license_number(self.label("license"))
        return self._license(
            app,
            start,
            end,
            {
                "addonLicenseId": number,
                "licenseId": f"SEN-{number}",
                "hosting": "Data Center",
                "newBillingSystem": "No",
                "tier": "500 Users",
                "contactDetails": company.contact_details(),
                "extendedServerSupport": "NA",
                "licenseLevel": None,
                "cloudComplianceBoundaries": None,
                "evaluationOpportunitySize": "NA",
                **fields,
            },
        )

    def _license(self, app: str, start: str, end: str, fields: Row) -> Row:
        listing = self.apps[app]
        row = present(
            {
                "addonKey": listing.key,
                "productId": listing.product_id,
                "addonName": listing.name,
                "lastUpdated": min(start if end >= self.today else end, self.today),
                "licenseType": "COMMERCIAL",
                "maintenanceStartDate": start,
                "maintenanceEndDate": end,
                "status": "active" if end >= self.today else "inactive",
                "licenseSourceType": "Non-Atlassian",
                **fields,
            }
        )
        self.licenses.append(row)
        return row

    def sale(self, license_row: Row, sale_type: str | None, price: str | float, **purchase: Any) -> Row:
        """Add a transaction of a licence.

        Args:
            license_row: The licence that was paid for; its ids, contacts and dates are taken over.
            sale_type: `New`, `Renewal`, `Upgrade`, `Downgrade`, `Refund`, or None.
            price: Purchase price in USD, negative for a refund.
            purchase: Fields of `purchaseDetails` that differ from the licence's; `saleDate` is by default
                the start of the coverage. Besides: `order`, a label that rows of one order share; `rate`, the
                vendor's share (0.85); `fields`, fields of the row itself.
        """
        order = purchase.pop("order", None) or self.label("order")
        rate = purchase.pop("rate", 0.85)
        fields = purchase.pop("fields", {})
        start: str = purchase.get("maintenanceStartDate") or license_row["maintenanceStartDate"]
        end: str = purchase.get("maintenanceEndDate") or license_row["maintenanceEndDate"]
        invoice = license_row.get("newBillingSystem") == "Yes"
        sold: str = purchase.get("saleDate") or start
        row = present(
            {
                "transactionId": self._order(order, invoice=invoice),
                "transactionLineItemId": self.ids.uuid(self.label("line")),
                **{key: license_row.get(key, ABSENT) for key in _SHARED_FIELDS},
                "lastUpdated": sold,
                "paymentStatus": "Paid",
                "partnerDetails": _short_contacts(license_row["partnerDetails"])
                if "partnerDetails" in license_row
                else ABSENT,
                "customerDetails": _short_contacts(license_row.get("contactDetails") or {}),
                "purchaseDetails": present(
                    {
                        "saleDate": sold,
                        "licenseType": license_row.get("licenseType", ABSENT),
                        "hosting": license_row.get("hosting", ABSENT),
                        "billingPeriod": "Monthly" if days_between(start, end) < 32 else "Annual",
                        "tier": license_row.get("tier", ABSENT),
                        "changeInTier": "Not Applicable",
                        "parentProductName": license_row.get("parentProductName", ABSENT),
                        "parentProductEdition": license_row.get("parentProductEdition", ABSENT),
                        "purchasePrice": money(price),
                        "vendorAmount": money(float(price) * rate),
                        "saleType": sale_type,
                        "maintenanceStartDate": start,
                        "maintenanceEndDate": end,
                        **purchase,
                    }
                ),
                **fields,
            }
        )
        license_row["lastUpdated"] = max(license_row["lastUpdated"], min(sold, self.today))
        self.transactions.append(row)
        return row

    def _order(self, label: str, *, invoice: bool) -> str:
        if label not in self._orders:
            self._orders[label] = self.ids.order_number(label, invoice=invoice)
        return self._orders[label]


_SHARED_FIELDS = (
    "addonLicenseId",
    "licenseId",
    "hostLicenseId",
    "appEntitlementId",
    "appEntitlementNumber",
    "hostEntitlementId",
    "hostEntitlementNumber",
    "cloudId",
    "addonKey",
    "productId",
    "addonName",
    "appEdition",
    "licenseLevel",
    "cloudComplianceBoundaries",
)


def _short_contacts(details: Row) -> Row:
    """The details with e-mail and name of each contact: a transaction tells no more."""
    return {
        key: {part: value[part] for part in ("email", "name") if part in value} if isinstance(value, dict) else value
        for key, value in details.items()
    }
