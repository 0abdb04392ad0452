"""The trial of a licence: when it began and ended, and whether it was bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.fields import day, known, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.sales import Sale
    from tap_atlassian_marketplace.customers.survey import Survey

EVALUATIONS = frozenset({"EVALUATION", "NET_NEW_EVALUATION"})
"""Types of a licence on trial. The trial of a higher edition is none: its customer pays."""


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


def read_trial(row: Mapping[str, Any], aliases: Sequence[str], sales: Sequence[Sale], survey: Survey) -> Trial | None:
    """Read the trial of a licence; None when it never had one."""
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
    paid = next((sale for sale in sales if not sale.is_refund and (sale.gross or 0) > 0), None)
    count = max(1, len(known_starts))
    if paid:
        # A trial of later than the first sale has been tried by a customer.
        is_after = bool(start and paid.sold and paid.sold < start)
        bought = None if is_after else paid
        return Trial(start, end, is_evaluation, count, bought.key if bought else None, bought.sold if bought else None)
    other = next((survey.bought[alias] for alias in aliases if alias in survey.bought), None)
    if other:
        return Trial(start, end, is_evaluation, count, None, day(other[1]), other[0])
    return Trial(start, end, is_evaluation, count)
