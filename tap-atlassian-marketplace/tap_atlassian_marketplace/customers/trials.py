"""The trial of a licence: when it began and ended, and whether it was bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.fields import day, known, text
from tap_atlassian_marketplace.customers.sales import EVALUATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.coverage import Coverage
    from tap_atlassian_marketplace.customers.sales import Sale
    from tap_atlassian_marketplace.customers.survey import Survey


@dataclass(frozen=True)
class Trial:
    """The latest trial of a licence.

    Attributes:
        start: First day, if known.
        end: Last day, if known.
        is_evaluation: Whether the licence is, or ended as, a trial.
        count: Trials of this licence that its row tells of.
        sale: Key of the first sale, on the licence itself.
        converted_at: Day of the first sale, perhaps of another licence.
        bought_as: Account of that other licence.
    """

    start: date | None
    end: date | None
    is_evaluation: bool
    count: int
    sale: str | None = None
    converted_at: date | None = None
    bought_as: str | None = None

    @property
    def days_to_convert(self) -> int | None:
        """Days from the first day of the trial to the sale; None when either is not known."""
        return (self.converted_at - self.start).days if self.converted_at and self.start else None


def read_trial(
    row: Mapping[str, Any], aliases: Sequence[str], sales: Sequence[Sale], coverage: Coverage, survey: Survey
) -> Trial | None:
    """Read the trial of a licence; None when it never had one.

    Args:
        row: The licence.
        aliases: Every id by which it may be met.
        sales: Its sales in the order of sale.
        coverage: What is paid for.
        survey: What is known about all licences.
    """
    is_evaluation = (text(row.get("licenseType")) or "").upper() in EVALUATIONS
    starts = [day(row.get(name)) for name in ("latestEvaluationStartDate", "evaluationStartDate")]
    if is_evaluation and not any(starts):
        starts = [day(row.get("maintenanceStartDate"))]
    known_starts = sorted({each for each in starts if each})
    tried_elsewhere = known(row.get("evaluationLicense"))
    if not known_starts and not is_evaluation and not tried_elsewhere:
        return None
    end = day(row.get("maintenanceEndDate")) if is_evaluation else None
    end = end or day(row.get("evaluationEndDate"))
    start = known_starts[-1] if known_starts else None
    sold = (sale for sale in sales if not sale.is_refund and not sale.is_uncollectible)
    paid = [sale for sale in sold if (sale.price or 0) > 0]
    count = max(1, len(known_starts))
    if paid:
        bought = _first_bought(paid, start, coverage)
        return Trial(start, end, is_evaluation, count, bought.key if bought else None, bought.sold if bought else None)
    other = next((survey.bought[alias] for alias in aliases if alias in survey.bought), None)
    if other:
        return Trial(start, end, is_evaluation, count, None, day(other[1]), other[0])
    return Trial(start, end, is_evaluation, count)


def _first_bought(paid: Sequence[Sale], start: date | None, coverage: Coverage) -> Sale | None:
    """Give the sale that converted a trial; whoever tries while he pays is a customer already."""
    if start is None:
        return paid[0]
    if any(each.since <= start < each.until for each in coverage.stretches):
        return None if paid[0].sold and paid[0].sold < start else paid[0]
    return next((sale for sale in paid if not sale.sold or sale.sold >= start), None)
