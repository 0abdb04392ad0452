"""How well it goes with a customer, in points that say why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers import stages
from tap_atlassian_marketplace.customers.coverage import ANNUAL
from tap_atlassian_marketplace.customers.fields import day, text
from tap_atlassian_marketplace.customers.months import months_between
from tap_atlassian_marketplace.customers.movements import CONTRACTION, EXPANSION

if TYPE_CHECKING:
    from tap_atlassian_marketplace.customers.situation import Situation

BEGINNING = 70
_MOST = 100
_RENEWAL_DAYS, _EXPANSION_DAYS, _FEEDBACK_DAYS, _LONG_MONTHS = 30, 180, 30, 24
_LEAVING = frozenset({"uninstall", "disable"})
_NO_CUSTOMER = frozenset(
    {
        stages.INTERNAL,
        stages.SANDBOX,
        stages.CONVERTED,
        stages.TRIAL_EXPIRED,
        stages.LOST_TRIAL,
        stages.CHURNED_RECENT,
        stages.CHURNED,
        stages.ENDED,
    }
)


def health(case: Situation, stage: str) -> tuple[int | None, list[str]]:
    """Give the health of a customer, 0 to 100, and what it is made of, such as `-30 grace or payment risk`.

    Returns:
        None and nothing when there is no customer any more, or none of the vendor's.
    """
    if stage in _NO_CUSTOMER:
        return None, []
    found = [
        (points, why)
        for points, why, applies in (
            (-30, "grace or payment risk", stage in {stages.GRACE, stages.PAYMENT_RISK}),
            (-15, "renewal within 30 days, no accepted quote", _renews_without_quote(case)),
            (-20, "contracted last", bool(case.movements) and case.movements[-1].kind == CONTRACTION),
            (15, "expanded within 180 days", _expanded(case)),
            (10, "customer for more than 24 months", _is_long_with_us(case)),
            (-10, "no business contact", case.business_domain is None),
            (-25, "uninstalled or disabled within 30 days", _is_leaving(case)),
        )
        if applies
    ]
    score = max(0, min(_MOST, BEGINNING + sum(points for points, _ in found)))
    return score, [f"{points:+d} {why}" for points, why in found]


def _renews_without_quote(case: Situation) -> bool:
    paid, quotes = case.coverage.paid_through, case.dossier.quotes
    if paid is None or quotes is None or case.coverage.billing_period != ANNUAL:
        return False  # whoever may not read quotes does not know that there is none
    if not 0 <= (paid - case.today).days <= _RENEWAL_DAYS:
        return False
    ends = (
        day(quote.get("endDate")) for quote in quotes if (text(quote.get("quoteStatus")) or "").lower() == "accepted"
    )
    return not any(end and end > paid for end in ends)


def _expanded(case: Situation) -> bool:
    return any(
        each.kind == EXPANSION and (case.today - each.day).days <= _EXPANSION_DAYS for each in reversed(case.movements)
    )


def _is_long_with_us(case: Situation) -> bool:
    """From the first paid day on; times without are part of knowing each other."""
    if not case.coverage.stretches:
        return False
    return months_between(case.coverage.stretches[0].since, case.today) > _LONG_MONTHS


def _is_leaving(case: Situation) -> bool:
    days = (
        day(each.get("date"))
        for each in case.dossier.feedback
        if (text(each.get("feedbackType")) or "").lower() in _LEAVING
    )
    return any(found and 0 <= (case.today - found).days <= _FEEDBACK_DAYS for found in days)
