"""The truth about revenue: what each licence is worth a month on each day, and where no row tells it."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from fractions import Fraction

    from marketplace_sandbox.world.rows import Row
    from marketplace_sandbox.world.subscriptions.life import Life

_CENT = Decimal("0.01")
_EXACT = Decimal("1e-10")


@dataclass(frozen=True)
class Step:
    """MRR from one day on until another.

    Attributes:
        first: The first day.
        until: The day after the last.
        gross: USD a month that the customer pays, to 10 decimals.
        net: USD a month that the vendor gets of it, to 10 decimals.
    """

    first: date
    until: date
    gross: Decimal
    net: Decimal

    @property
    def cents(self) -> tuple[Decimal, Decimal]:
        """Gross and net, rounded to cents, half a cent upwards."""
        return self.gross.quantize(_CENT, ROUND_HALF_UP), self.net.quantize(_CENT, ROUND_HALF_UP)


_ZERO = (Decimal("0.00"), Decimal("0.00"))


class LicenseTruth:
    """MRR of one licence over the days, as a step function; 0 on days without a step.

    Args:
        license_id: `addonLicenseId` of the licence, else `appEntitlementId`.
        account_id: `appEntitlementNumber`, else `licenseId`.
        steps: In the order of days, without overlap.
        underivable: First day, day after the last, and why the rows do not tell the MRR of these days.
        happenings: Day and name of all that happened to the subscription.
    """

    def __init__(
        self,
        license_id: str,
        account_id: str,
        steps: tuple[Step, ...] = (),
        underivable: tuple[tuple[date, date, str], ...] = (),
        happenings: tuple[tuple[date, str], ...] = (),
    ) -> None:
        self.license_id = license_id
        self.account_id = account_id
        self.steps = steps
        self.underivable = underivable
        self.happenings = happenings
        self._firsts = [step.first for step in steps]

    def step_on(self, day: date) -> Step | None:
        """The step of a day, unrounded; None on days on which the customer has nothing."""
        at = bisect.bisect_right(self._firsts, day) - 1
        return self.steps[at] if at >= 0 and day < self.steps[at].until else None

    def mrr(self, day: date) -> tuple[Decimal, Decimal]:
        """Gross and net MRR of a day in USD, rounded to cents."""
        step = self.step_on(day)
        return step.cents if step else _ZERO

    def why_underivable(self, day: date) -> str | None:
        """Which information the rows lack to tell this day's MRR; None if they tell it."""
        return next((why for first, until, why in self.underivable if first <= day < until), None)

    def as_json(self) -> dict[str, Any]:
        """All of it, days as text and money as text to 10 decimals."""
        return {
            "license_id": self.license_id,
            "account_id": self.account_id,
            "steps": [
                {"valid_from": str(s.first), "valid_to": str(s.until), "mrr_gross": str(s.gross), "mrr": str(s.net)}
                for s in self.steps
            ],
            "underivable": [
                {"valid_from": str(first), "valid_to": str(until), "reason": why}
                for first, until, why in self.underivable
            ],
            "happenings": [{"day": str(day), "what": what} for day, what in self.happenings],
        }


class Truth(Mapping[str, LicenseTruth]):
    """The truth of all licences of a world that were simulated, by licence id."""

    def __init__(self) -> None:
        self._licenses: dict[str, LicenseTruth] = {}

    def __getitem__(self, license_id: str) -> LicenseTruth:
        return self._licenses[license_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._licenses)

    def __len__(self) -> int:
        return len(self._licenses)

    def add(self, known: LicenseTruth) -> None:
        """Take in the truth of a licence."""
        self._licenses[known.license_id] = known

    def mrr(self, license_id: str, day: date) -> tuple[Decimal, Decimal]:
        """Gross and net MRR of a licence on a day in USD, rounded to cents.

        Raises:
            KeyError: The licence was not simulated.
        """
        return self[license_id].mrr(day)


def license_id(row: Row) -> str:
    """The id of a licence row: the oldest it has."""
    return str(row.get("addonLicenseId") or row["appEntitlementId"])


def account_id(row: Row) -> str:
    """The number of a licence row that the vendor sees: the newest it has."""
    return str(row.get("appEntitlementNumber") or row["licenseId"])


def truth_of(life: Life, row: Row) -> LicenseTruth:
    """What a life says about the licence that it is the life of."""
    steps = (Step(s.first, s.until, _decimal(s.rate.gross), _decimal(s.rate.net)) for s in life.stretches)
    blind = tuple((each.first, each.until, each.reason) for each in life.blind)
    return LicenseTruth(license_id(row), account_id(row), tuple(steps), blind, tuple(life.happenings))


def _decimal(rate: Fraction) -> Decimal:
    return (Decimal(rate.numerator) / Decimal(rate.denominator)).quantize(_EXACT, ROUND_HALF_UP)
