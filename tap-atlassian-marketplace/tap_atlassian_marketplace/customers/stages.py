"""Where in its life a licence is, on a day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.coverage import ANNUAL
from tap_atlassian_marketplace.customers.fields import yes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_atlassian_marketplace.customers.situation import Situation

INTERNAL, SANDBOX = "internal", "sandbox"
TRIAL_ENDING, TRIAL, TRIAL_EXPIRED, LOST_TRIAL = "trial_ending", "trial", "trial_expired", "lost_trial"
CONVERTED = "converted"
"""A trial that was bought under another licence, as Data Center does."""
GRACE, PAYMENT_RISK, RENEWAL_UPCOMING = "grace", "payment_risk", "renewal_upcoming"
ACTIVE, FREE, CHURNED_RECENT, CHURNED = "active", "free", "churned_recent", "churned"
ENDED = "ended"
"""A licence that ended, and of which no sale is known."""

_ENDING_DAYS, _EXPIRED_DAYS, _RENEWAL_DAYS, _RECENT_DAYS = 7, 90, 60, 120


def stage(case: Situation, *, mrr: bool) -> str:
    """Give the stage of a licence; of several that fit, the first of the list.

    Args:
        case: The licence.
        mrr: Whether it has any MRR today, perhaps an estimated one.
    """
    tests: tuple[tuple[str, Callable[[], bool]], ...] = (
        (INTERNAL, lambda: case.is_internal),
        (SANDBOX, lambda: yes(case.row.get("installedOnSandbox")) is True),
        (CONVERTED, lambda: case.is_evaluation and case.trial is not None and case.trial.bought_as is not None),
        (TRIAL_ENDING, lambda: _on_trial(case) and _days_left(case) <= _ENDING_DAYS),
        (TRIAL, lambda: _on_trial(case)),
        (TRIAL_EXPIRED, lambda: _tried_in_vain(case) and _days_left(case) >= -_EXPIRED_DAYS),
        (LOST_TRIAL, lambda: _tried_in_vain(case)),
        (GRACE, lambda: _in_grace(case)),
        (PAYMENT_RISK, lambda: (_has_bought(case) or (case.has_paid and mrr)) and case.is_dunned),
        (RENEWAL_UPCOMING, lambda: _renews_soon(case)),
        # Whoever bought a term that is yet to begin is a customer today.
        (ACTIVE, lambda: mrr or _has_bought(case)),
        (FREE, lambda: _is_free(case) or _days_since_paid(case) <= 0),
        (CHURNED_RECENT, lambda: _days_since_paid(case) <= _RECENT_DAYS),
        (CHURNED, lambda: case.has_paid),
    )
    return next((name for name, fits in tests if fits()), ENDED)


def _on_trial(case: Situation) -> bool:
    # What is cancelled runs on until its last day, and is inactive only then.
    return case.is_evaluation and case.status in {"active", "cancelled"} and _days_left(case) >= 0


def _tried_in_vain(case: Situation) -> bool:
    return case.is_evaluation and not case.has_paid


def _days_left(case: Situation) -> int:
    """Days until the trial ends; below 0 after it."""
    end = case.trial.end if case.trial else case.end
    return (end - case.today).days if end else _ENDING_DAYS + 1


def _in_grace(case: Situation) -> bool:
    if case.is_free_type or case.runs_on:
        return False
    grace = timedelta(days=case.settings.grace_days)
    if case.in_grace_period and case.end:
        return True
    paid = case.coverage.paid_through
    if case.outlives_its_sales:
        return True  # nobody can say yet whether the customer has left
    return paid is not None and paid < case.today and case.today - paid <= grace


def _renews_soon(case: Situation) -> bool:
    paid = case.coverage.paid_through
    if paid is None or case.coverage.billing_period != ANNUAL:
        return False
    return 0 <= (paid - case.today).days <= _RENEWAL_DAYS


def _has_bought(case: Situation) -> bool:
    """Whether anything was bought for money that ends today or later, or runs on without a sale that says so yet."""
    if case.runs_on:
        return True
    return any(each.since < (until := each.covers_until) and case.today <= until for each in case.revenue.recurring)


def _is_free(case: Situation) -> bool:
    """Whether the licence runs without money; one that was paid for, and is only still active, has been lost."""
    if case.status != "active" or case.is_evaluation:
        return False
    paid = case.coverage.paid_through
    return paid is None or case.is_free_type or case.goes_on_for_free(paid)


def _days_since_paid(case: Situation) -> float:
    """Days since the end of what was paid for or given away; below 0 before it, infinite where there was nothing."""
    paid = case.coverage.paid_through
    return (case.today - paid).days if paid else float("inf")
