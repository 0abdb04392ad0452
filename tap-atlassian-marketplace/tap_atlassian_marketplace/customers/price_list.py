"""What the vendor's apps cost, learned from what customers paid for them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.fields import day, is_plausible, money, obj, objects, text
from tap_atlassian_marketplace.customers.months import add_months, months_between
from tap_atlassian_marketplace.customers.segments import Mrr
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
_Rates = dict[_Product, dict[int, Counter[Decimal]]]


@dataclass
class PriceList:
    """Monthly prices by app, hosting, billing period and users; lists that are learned apart can be merged.

    Attributes:
        since: First day of sale to learn from: prices before are out of date.
        gross: How often each purchase price, in USD a month, was paid, by product and users.
        net: How often each vendor amount was, of the same sales.
    """

    since: date
    gross: _Rates = field(default_factory=dict)
    net: _Rates = field(default_factory=dict)
    _medians: dict[_Product, list[tuple[int, Mrr]]] = field(default_factory=dict, repr=False, compare=False)

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
        share = money(details.get("vendorAmount"))
        if price is None or price <= 0 or share is None or sold is None or sold < self.since:
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
        for rates, amount in ((self.gross, price), (self.net, share)):
            rate = (amount / months).quantize(_CENT, ROUND_HALF_UP)
            rates.setdefault(product, {}).setdefault(users, Counter())[rate] += 1

    def merge(self, other: PriceList) -> None:
        """Take in what another list has learned."""
        for mine, more in ((self.gross, other.gross), (self.net, other.net)):
            for product, tiers in more.items():
                for users, rates in tiers.items():
                    mine.setdefault(product, {}).setdefault(users, Counter()).update(rates)
        self._medians.clear()

    def price(self, app: str | None, hosting: str | None, billing: str | None, users: int | None) -> Mrr | None:
        """Give the usual price of a number of users, in USD a month, and what of it the vendor gets.

        The median of what was paid for that tier; between two tiers the line between them; beyond the last the
        price a user of the nearest one.

        Returns:
            None when nothing was learned about the app, or the number of users is not known or beyond all reason.
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
        price = Mrr(rate.gross * users / nearest_users, rate.net * users / nearest_users)
        return price if is_plausible(price.gross) and is_plausible(price.net) else None

    def _tiers(self, product: _Product) -> list[tuple[int, Mrr]]:
        if product not in self._medians:
            gross, net = self.gross.get(product, {}), self.net.get(product, {})
            medians = ((users, _median(gross[users]), _median(net[users])) for users in sorted(gross))
            self._medians[product] = [(users, Mrr(price, share)) for users, price, share in medians]
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
    total = rates.total()
    return (_ranked(rates, (total - 1) // 2) + _ranked(rates, total // 2)) / 2


def _ranked(rates: Counter[Decimal], rank: int) -> Decimal:
    passed = 0
    for rate in sorted(rates):
        passed += rates[rate]
        if passed > rank:
            return rate
    raise ValueError("no rate was seen")


def _between(low: tuple[int, Mrr], high: tuple[int, Mrr], users: int) -> Mrr:
    if low[0] == high[0]:
        return low[1]
    part, whole = users - low[0], high[0] - low[0]
    gross, net = (one + (other - one) * part / whole for one, other in zip(low[1], high[1], strict=True))
    return Mrr(gross, net)
