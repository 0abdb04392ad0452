"""MRR of a licence day by day, to be asked often."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.segments import Mrr, steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_atlassian_marketplace.customers.segments import Segment

_CENT = Decimal("0.01")
_ONE_DAY = timedelta(days=1)
_NONE = Mrr(Decimal("0.00"), Decimal("0.00"))


class Timeline:
    """The sums of a licence's segments, at least 0, in whole cents, as `mrr_on` gives them."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        found = steps(segments)
        self._days = [day for day, _ in found]
        self.levels = [Mrr(_cents(total.gross), _cents(total.net)) for _, total in found]

    def on(self, day: date) -> Mrr:
        """Give the MRR of a day."""
        at = bisect_right(self._days, day) - 1
        return self.levels[at] if at >= 0 else _NONE

    def before(self, day: date) -> Mrr:
        """Give the MRR of the day before."""
        return self.on(day - _ONE_DAY) if day > date.min else _NONE

    def steps(self) -> list[tuple[date, Mrr]]:
        """List the days on which MRR may change, each with the MRR from then on."""
        return list(zip(self._days, self.levels, strict=True))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP) if amount > 0 else _NONE.gross
