"""What the vendor's apps cost, learned from what customers paid for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.fields import day, money, obj, objects, text
from tap_atlassian_marketplace.customers.months import add_months, months_between
from tap_atlassian_marketplace.customers.tiers import tier_users

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

MONTHLY, ANNUAL = "monthly", "annual"

_CENT = Decimal("0.01")
_SHORTEST = Decimal("0.9")  # months; shorter terms are part payments
_LEARNED_FROM = frozenset({"New", "Renewal"})

# Share of the commercial price that a type of licence pays, in cloud and elsewhere.
_SHARES = {
    "COMMERCIAL": (Decimal(1), Decimal(1)),
    "ACADEMIC": (Decimal("0.25"), Decimal("0.5")),
    "COMMUNITY": (Decimal("0.25"), Decimal("0.25")),
}

_Product = tuple[str, str, str]


@dataclass
class PriceList:
    """Monthly prices by app, hosting, billing period and users; lists that are learned apart can be merged.

    Attributes:
        since: First day of sale to learn from: prices before are out of date.
        seen: How often each rate, in USD a month, was paid.
    """

    since: date
    seen: dict[_Product, dict[int, Counter[Decimal]]] = field(default_factory=dict)
    _medians: dict[_Product, list[tuple[int, Decimal]]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of_last_year(cls, today: date) -> PriceList:
        """Start a list that learns from the sales of twelve months."""
        return cls(add_months(today, -12))

    def learn(self, row: Mapping[str, Any]) -> None:
        """Learn from a transaction, if it is a sale of a whole term at the full commercial price."""
        details = obj(row, "purchaseDetails")
        if text(details.get("saleType")) not in _LEARNED_FROM or details.get("licenseType") != "COMMERCIAL":
            return
        price, sold = money(details.get("purchasePrice")), day(details.get("saleDate"))
        if price is None or price <= 0 or sold is None or sold < self.since:
            return
        start, end = day(details.get("maintenanceStartDate")), day(details.get("maintenanceEndDate"))
        users = tier_users(text(details.get("tier")))
        if not users or start is None or end is None or objects(details, "discounts"):
            return
        if objects(details, "proratedDetails") or money(details.get("partnerDiscountAmount")):
            return
        if (months := months_between(start, end)) < _SHORTEST:
            return
        product = _product(text(row.get("addonKey")), text(details.get("hosting")), text(details.get("billingPeriod")))
        rate = (price / months).quantize(_CENT, ROUND_HALF_UP)
        self.seen.setdefault(product, {}).setdefault(users, Counter())[rate] += 1

    def merge(self, other: PriceList) -> None:
        """Take in what another list has learned."""
        for product, tiers in other.seen.items():
            mine = self.seen.setdefault(product, {})
            for users, rates in tiers.items():
                mine.setdefault(users, Counter()).update(rates)
        self._medians.clear()

    def price(self, app: str | None, hosting: str | None, billing: str | None, users: int | None) -> Decimal | None:
        """Give the usual price of a number of users, in USD a month.

        The median of what was paid for that tier; between two tiers the line between them; beyond the last the
        price a user of the nearest one.

        Returns:
            None when nothing was learned about the app, or the number of users is not known.
        """
        if not users:
            return None
        known = self._tiers(_product(app, hosting, billing))
        if not known:
            other = MONTHLY if _period(billing) == ANNUAL else ANNUAL
            known = self._tiers(_product(app, hosting, other))
        if not known:
            return None
        below = [each for each in known if each[0] <= users]
        above = [each for each in known if each[0] >= users]
        if below and above:
            return _between(below[-1], above[0], users)
        nearest_users, rate = (below or above[:1])[-1]
        return rate * users / nearest_users

    def _tiers(self, product: _Product) -> list[tuple[int, Decimal]]:
        if product not in self._medians:
            tiers = self.seen.get(product, {})
            self._medians[product] = [(users, _median(tiers[users])) for users in sorted(tiers)]
        return self._medians[product]


def share_of_price(license_type: str | None, hosting: str | None) -> Decimal | None:
    """Give the part of the commercial price that a type of licence pays; None for those that pay nothing."""
    shares = _SHARES.get((license_type or "").upper())
    return shares and shares[0 if (hosting or "").lower() == "cloud" else 1]


def _product(app: str | None, hosting: str | None, billing: str | None) -> _Product:
    return (app or "", (hosting or "").lower(), _period(billing))


def _period(billing: str | None) -> str:
    return MONTHLY if (billing or "").lower() == MONTHLY else ANNUAL


def _median(rates: Counter[Decimal]) -> Decimal:
    middle = (rates.total() - 1) // 2
    passed = 0
    for rate in sorted(rates):
        passed += rates[rate]
        if passed > middle:
            return rate
    raise ValueError("no rate was seen")


def _between(low: tuple[int, Decimal], high: tuple[int, Decimal], users: int) -> Decimal:
    if low[0] == high[0]:
        return low[1]
    return low[1] + (high[1] - low[1]) * (users - low[0]) / (high[0] - low[0])
