"""When a customer left, and when he came back: told once, whatever is sold or refunded later."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.event_rows import event_row
from tap_atlassian_marketplace.customers.fields import day, known, text
from tap_atlassian_marketplace.customers.months import months_between
from tap_atlassian_marketplace.customers.situation import NEAR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tap_atlassian_marketplace.customers.coverage import Span
    from tap_atlassian_marketplace.customers.situation import Situation


@dataclass(frozen=True)
class Lapse:
    """An end of what is paid for, after which nothing was known to go on within the days of grace.

    Attributes:
        until: Day after the last one that is paid for.
        name: What the ids of its events bear: the end of the term that was sold, since a refund of which the
            Marketplace tells late would move an end that was told already. Where an earlier lapse has the same, with
            a number.
        refunded: Whether a refund ended it, rather than the end of a term.
        back: Day on which the customer came back; None where he did not.
    """

    until: date
    name: str
    refunded: bool
    back: date | None


def churns(case: Situation) -> Iterator[dict[str, Any]]:
    """Tell an end once the days of grace are over, and a return after one that was told.

    Whoever goes on for free has left at once. While Atlassian has the licence run on, nobody has left yet: the renewal
    may be reported late.
    """
    for lapse in _lapses(case):
        if lapse.until >= case.today:
            continue
        is_last = lapse.back is None
        is_free = is_last and case.is_running_free
        grace = timedelta(0) if is_free else _grace(case, lapse.until)
        is_open = is_last and case.outlives_its_sales
        if case.today - lapse.until > grace and not is_open:
            yield _churn(case, lapse)
        elif is_last and not case.runs_on:
            metadata = {"ends": (lapse.until + grace).isoformat()}
            event_id = f"grace:{case.license_key}:{lapse.name}"
            yield event_row(case, event_id, "grace_period_started", lapse.until, metadata)
        if lapse.back and lapse.back <= case.today:
            yield _return(case, lapse.until, lapse.back)


def _return(case: Situation, until: date, back: date) -> dict[str, Any]:
    metadata = {"days_away": (back - until).days, "mrr_after": case.timeline.on(back).net}
    return event_row(case, f"react:{case.license_key}:{back}", "subscription_reactivated", back, metadata)


def _lapses(case: Situation) -> Iterator[Lapse]:
    """Go through what is covered in the order in which it was known.

    A renewal that is sold when the days of grace are over comes too late to take back what was told, though it covers
    the days since the end: its customer left, and came back on the day of the sale.
    """
    named: Counter[date] = Counter()
    last: Span | None = None
    for span in sorted(case.coverage.spans, key=lambda each: (each.known, -each.until.toordinal(), each)):
        if last and span.known - last.until > _grace(case, last.until):
            if span.until <= max(last.until, span.known):
                continue  # a late bill for days that have passed: nobody came back by it
            yield _lapse(last, named, span.known)
        if last is None or (span.until, span.ends) > (last.until, last.ends):
            last = span
    if last:
        yield _lapse(last, named, None)


def _lapse(last: Span, named: Counter[date], back: date | None) -> Lapse:
    named[last.ends] += 1
    count = named[last.ends]
    name = f"{last.ends}:{count}" if count > 1 else f"{last.ends}"
    return Lapse(last.until, name, last.refunded, back)


def _grace(case: Situation, until: date) -> timedelta:
    return timedelta(days=0 if case.goes_on_for_free(until) else case.settings.grace_days)


def _churn(case: Situation, lapse: Lapse) -> dict[str, Any]:
    lost = case.timeline.before(lapse.until)
    metadata = {
        "reason": _reason(case, lapse),
        "mrr_lost": lost.net,
        "mrr_gross_lost": lost.gross,
        "tenure_months": int(months_between(case.coverage.stretches[0].since, lapse.until)),
    }
    event_id = f"churn:{case.license_key}:{lapse.name}"
    return event_row(case, event_id, "subscription_churned", lapse.until, metadata)


def _reason(case: Situation, lapse: Lapse) -> str:
    is_last = lapse.back is None
    if is_last and any(alias in case.survey.moved for alias in case.aliases):
        return "transfer"
    if case.goes_on_for_free(lapse.until) or (is_last and case.is_running_free):
        return "to_free"
    if lapse.refunded:
        return "refunded"
    unpaid = (sale for sale in case.sales if sale.is_uncollectible and sale.start)
    if any(sale.start and abs(sale.start - lapse.until) <= NEAR for sale in unpaid):
        return "involuntary"
    if is_last and known(case.row.get("invoiceDunningReason")):
        return "involuntary"
    return _told_reason(case, lapse) or "expired"


def _told_reason(case: Situation, lapse: Lapse) -> str | None:
    """Give the reason of the feedback of about that time, the latest first."""
    told = [(day(each.get("date")), text(each.get("reasonKey"))) for each in case.dossier.feedback]
    near = [(on, reason) for on, reason in told if on and reason and abs(on - lapse.until) <= NEAR]
    return max(near)[1] if near else None
