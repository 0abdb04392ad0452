"""What the apps of the sandbox vendor cost: by users, period and edition, for schools less."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from marketplace_sandbox.world.subscriptions.plan import Plan

if TYPE_CHECKING:
    from marketplace_sandbox.world.subscriptions.plan import Discount

USERS = (5, 10, 15, 25, 50, 75, 100, 250, 500, 593, 1000, 2000)
_FACTORS = {
    "COMMERCIAL": Fraction(1),
    "ACADEMIC": Fraction(1, 4),
    "COMMUNITY": Fraction(1, 4),
}
_DATA_CENTER_ACADEMIC = Fraction(1, 2)
_ADVANCED = Fraction(3, 2)


@dataclass(frozen=True)
class PriceList:
    """Prices of one app for one customer.

    Attributes:
        cloud: Whether they are of the cloud app; otherwise of Data Center, which is sold by the year.
        unit: USD that a user costs: a month in the cloud, a year in Data Center.
        license_type: `COMMERCIAL`, `ACADEMIC` or `COMMUNITY`.
        discounts: What this customer always gets.
    """

    cloud: bool
    unit: Fraction
    license_type: str = "COMMERCIAL"
    discounts: tuple[Discount, ...] = ()

    def plan(self, users: int, period: int, *, edition: str | None = None, more: tuple[Discount, ...] = ()) -> Plan:
        """The plan of a tier: ten months' price buys a year, in whole dollars upwards."""
        factor = _FACTORS[self.license_type]
        if not self.cloud and self.license_type == "ACADEMIC":
            factor = _DATA_CENTER_ACADEMIC
        price = self.unit * users * factor * (_ADVANCED if edition == "Advanced" else 1)
        if self.cloud and period == 1:
            rate = price
        else:
            year = price * 10 if self.cloud else price
            rate = Fraction(-(-year.numerator // year.denominator), 12)
        return Plan(users, rate, period, edition, self.license_type, (*self.discounts, *more))
