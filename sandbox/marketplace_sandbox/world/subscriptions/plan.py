"""What a customer can subscribe to, what it costs, and what of it reaches the vendor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction


def cents(usd: Fraction) -> int:
    """An amount in USD as whole cents, half a cent upwards, as invoices round."""
    return (2 * usd.numerator * 100 + usd.denominator) // (2 * usd.denominator)


def cents_up(usd: Fraction) -> int:
    """An amount in USD as whole cents, any part of a cent upwards: what is given back in full is not short."""
    return -(-usd.numerator * 100 // usd.denominator)


@dataclass(frozen=True)
class Discount:
    """A part of the list price that is not asked for.

    Attributes:
        type: Atlassian's name: `LOYALTY_DISCOUNT`, `EXPERT`, `MANUAL`, `MARKETPLACE_PROMOTION`.
        share: The part of the list price, 0 to 1.
        code: Promotion code, if any.
        reason: Reason, such as `DUAL_LICENSING`, if any.
    """

    type: str
    share: Fraction
    code: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Plan:
    """A tier of an app at a price.

    Attributes:
        users: Users of the tier.
        list_rate: USD a month before discounts.
        period: Months that one bill pays for: 1, 12, 24, 36.
        edition: `Standard` or `Advanced`; None for Data Center.
        license_type: `COMMERCIAL`, `ACADEMIC`, `COMMUNITY`.
        discounts: What is taken off the list price.
    """

    users: int
    list_rate: Fraction
    period: int = 12
    edition: str | None = None
    license_type: str = "COMMERCIAL"
    discounts: tuple[Discount, ...] = ()

    @property
    def rate(self) -> Fraction:
        """USD a month after discounts, before any rounding."""
        return self.list_rate * (1 - sum((each.share for each in self.discounts), Fraction(0)))


@dataclass(frozen=True)
class Proration:
    """How billing reckons what the rest of a term is worth; the Marketplace does not say which way it goes.

    Attributes:
        by_days: By the days of what was paid; otherwise by months.
        by_line: A refund for each line that paid for the term; otherwise one for all.
        up: Whether any part of a cent is given back; otherwise half a cent is.
    """

    by_days: bool = False
    by_line: bool = False
    up: bool = True

    def cents(self, usd: Fraction) -> int:
        """An amount in USD as whole cents."""
        return cents_up(usd) if self.up else cents(usd)


@dataclass(frozen=True)
class Shares:
    """The vendor's share of a sale, as Atlassian changes it.

    Attributes:
        cloud: First day and share from then on, in order.
        data_center: The same for Data Center.
    """

    cloud: tuple[tuple[date, Fraction], ...] = (
        (date.min, Fraction(85, 100)),
        (date(2026, 4, 1), Fraction(80, 100)),
        (date(2026, 7, 20), Fraction(1)),
    )
    data_center: tuple[tuple[date, Fraction], ...] = ((date.min, Fraction(75, 100)),)

    def on(self, day: date, *, cloud: bool) -> Fraction:
        """The share of what is sold on that day."""
        return [share for first, share in (self.cloud if cloud else self.data_center) if first <= day][-1]
