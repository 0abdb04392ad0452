"""Rows of licences and transactions in Atlassian's field names, with the gaps of the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]

ABSENT: Any = object()
"""As a field's value: the row lacks the key, which is how the Marketplace writes most empty values."""

INSIGHT_FIELDS = (
    "evaluationOpportunitySize",
    "evaluationLicense",
    "daysToConvertEval",
    "evaluationStartDate",
    "evaluationEndDate",
    "evaluationSaleDate",
    "parentProductBillingCycle",
    "parentProductName",
    "parentProductEdition",
    "installedOnSandbox",
    "attribution",
)
"""Licence fields that are reported only with `withDataInsights`."""

REGIONS = {
    "United States": "Americas",
    "Brazil": "Americas",
    "Germany": "EMEA",
    "France": "EMEA",
    "Netherlands": "EMEA",
    "United Kingdom": "EMEA",
    "Türkiye": "EMEA",
    "Russia": "EMEA",
    "Japan": "APAC",
    "Australia": "APAC",
    "Macau": "APAC",
}


@dataclass(frozen=True)
class Person:
    """A contact: who, and how to reach them. A part that is `ABSENT` is left out of the row."""

    name: Any
    email: Any
    phone: Any = ABSENT

    def contact(self, address: Row | None = None) -> Row:
        """Contact object of a licence."""
        return present({"email": self.email, "name": self.name, "phone": self.phone, **(address or {})})

    def short(self) -> Row:
        """Contact object of a transaction: e-mail and name only."""
        return present({"email": self.email, "name": self.name})


@dataclass(frozen=True)
class Company:
    """A customer: name, place and the two contacts of its licences."""

    name: Any
    country: str
    technical: Person | None
    billing: Person | None = None
    address: Row = field(default_factory=dict)

    @property
    def region(self) -> str:
        """Atlassian's region of the country."""
        return REGIONS.get(self.country, "Unknown")

    def contact_details(self) -> Row:
        """`contactDetails` of a licence of this company."""
        return present(
            {
                "company": self.name,
                "country": self.country,
                "region": self.region,
                "technicalContact": self.technical.contact(self.address) if self.technical else ABSENT,
                "billingContact": self.billing.contact(self.address) if self.billing else ABSENT,
            }
        )

    def customer_details(self) -> Row:
        """`customerDetails` of a transaction of this company."""
        return present(
            {
                "company": self.name,
                "country": self.country,
                "region": self.region,
                "technicalContact": self.technical.short() if self.technical else ABSENT,
                "billingContact": self.billing.short() if self.billing else ABSENT,
            }
        )


def present(row: Row) -> Row:
    """The row without the keys that are `ABSENT`."""
    return {key: value for key, value in row.items() if value is not ABSENT}


def money(amount: Decimal | float | str) -> float | int:
    """An amount in USD, rounded to cents, as the number that JSON shows: `1200`, `1234.56`."""
    cents = Decimal(str(amount)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return int(cents) if cents == cents.to_integral_value() else float(cents)
