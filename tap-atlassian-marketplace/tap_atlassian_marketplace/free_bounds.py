"""How an export is asked for anew: to a question that it knows the Marketplace may give the answer of another day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.dates import days_before

if TYPE_CHECKING:
    from tap_atlassian_marketplace.client import Parameters

STARTS = 3
"""How often an export is started, at most."""

# Seven years of days. It is a prime, so that runs at an even pace use all of them before one comes again.
_NUMBERS = 2557
# A licence may begin in the future, but not three years ahead; and no day that is asked for is further off than ten.
_FIRST_DAY_AHEAD = 3 * 365 + 1


def number_of_start(attempt: int, now: float) -> int:
    """Number a start of an export; the same number comes again after 35 days at the earliest.

    An export may be answered COMPLETED at once with the content of an earlier one of the same parameters: for
    marketing attribution that is known, for other reports nothing is. Rows of that day would be taken for those of
    today, and an export that failed or came incomplete would be given again at each restart. A chance number would
    repeat itself at times; this one cannot. Only starts of the same hour, by different runs, share it: what those are
    given is an hour old at most, where the Marketplace itself may be a day late.

    Args:
        attempt: How often the run has started this export before; less than `STARTS`.
        now: Seconds since 1970.
    """
    return (int(now // 3600) * STARTS + attempt) % _NUMBERS


@dataclass(frozen=True)
class FreeBound:
    """A date parameter that excludes no row, and so may name another day at each start of an export.

    Attributes:
        name: The parameter.
        before: Where it is the first day of the rows: a day so early that none is older. None where it is the last.
    """

    name: str
    before: str | None = None

    def moved(self, parameters: Parameters, attempt: int, now: float) -> Parameters:
        """Give the parameters of a start, in which this one names a day that was not asked for lately.

        Args:
            parameters: The others; a value that they have for this one is replaced.
            attempt: How often the run has started this export before.
            now: Seconds since 1970.
        """
        number = number_of_start(attempt, now)
        if self.before is None:
            today = datetime.fromtimestamp(now, timezone.utc).date()
            day = (today + timedelta(days=_FIRST_DAY_AHEAD + number)).isoformat()
        else:
            day = days_before(self.before, 1 + number)
        return [*((name, value) for name, value in parameters if name != self.name), (self.name, day)]
