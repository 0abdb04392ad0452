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
        (PAYMENT_RISK, lambda: case.has_paid and mrr and case.is_dunned),
        (RENEWAL_UPCOMING, lambda: _renews_soon(case)),
        (ACTIVE, lambda: mrr or case.coverage.paid_through == case.today),
        (FREE, lambda: case.status == "active" and not case.is_evaluation),
        (CHURNED_RECENT, lambda: case.has_paid and _days_since_paid(case) <= _RECENT_DAYS),
        (CHURNED, lambda: case.has_paid),
    )
    return next((name for name, fits in tests if fits()), ENDED)


def _on_trial(case: Situation) -> bool:
    return case.is_evaluation and case.status == "active" and _days_left(case) >= 0


def _tried_in_vain(case: Situation) -> bool:
    return case.is_evaluation and not case.has_paid


def _days_left(case: Situation) -> int:
    """Days until the trial ends; below 0 after it."""
    end = case.trial.end if case.trial else case.end
    return (end - case.today).days if end else _ENDING_DAYS + 1


def _in_grace(case: Situation) -> bool:
    if case.is_free_type:
        return False
    grace = timedelta(days=case.settings.grace_days)
    if case.in_grace_period and case.end and case.today - grace <= case.end:
        return True
    paid = case.coverage.paid_through
    return paid is not None and paid < case.today <= paid + grace


def _renews_soon(case: Situation) -> bool:
    paid = case.coverage.paid_through
    if paid is None or case.coverage.billing_period != ANNUAL:
        return False
    return 0 <= (paid - case.today).days <= _RENEWAL_DAYS


def _days_since_paid(case: Situation) -> int:
    paid = case.coverage.paid_through
    return (case.today - paid).days if paid else 0
