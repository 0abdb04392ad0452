"""The events of a licence's life besides its sales: trials, churn, return, feedback, quotes."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.event_rows import event_row
from tap_atlassian_marketplace.customers.fields import day, known, money, obj, text
from tap_atlassian_marketplace.customers.months import months_between
from tap_atlassian_marketplace.customers.tiers import opportunity_users

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_atlassian_marketplace.customers.coverage import Stretch
    from tap_atlassian_marketplace.customers.situation import Situation

_FEEDBACK = {"uninstall": "app_uninstalled", "disable": "app_disabled", "unsubscribe": "app_unsubscribed"}
_NEAR = timedelta(days=45)


def life_events(case: Situation) -> Iterator[dict[str, Any]]:
    """Give the events that are no later than today."""
    yield from chain(_trial(case), _churns(case), _feedback(case), _quotes(case))


def _trial(case: Situation) -> Iterator[dict[str, Any]]:
    trial, row = case.trial, case.row
    if trial is None:
        return
    size = known(row.get("evaluationOpportunitySize"))
    about: dict[str, Any] = {
        "app_key": text(row.get("addonKey")),
        "app_name": text(row.get("addonName")),
        "hosting": text(row.get("hosting")),
        "opportunity_size": size,
        "opportunity_users": opportunity_users(size),
    }
    if trial.start and trial.start <= case.today:
        channel = known(obj(row, "attribution").get("channel"))
        metadata = {**about, "trial_number": trial.count, "attribution_channel": channel}
        yield event_row(case, f"trial:{case.license_key}:{trial.start}", "trial_started", trial.start, metadata)
    if trial.sale and trial.converted_at:
        if trial.converted_at <= case.today:
            after = case.timeline.on(max(trial.converted_at, case.coverage_begin or trial.converted_at))
            metadata = {**about, "days_to_convert": trial.days_to_convert, "mrr_after": after.net}
            event_id = f"conv:{case.license_key}:{trial.sale}"
            yield event_row(case, event_id, "trial_converted", trial.converted_at, metadata)
    elif trial.is_evaluation and trial.end and not trial.bought_as and not case.has_paid:
        length = (trial.end - trial.start).days if trial.start else None
        event_id = f"trialend:{case.license_key}:{trial.end}"
        cancelled = case.status == "cancelled"
        seen = day(row.get("lastUpdated"))
        if trial.end < case.today:
            event = "trial_cancelled" if cancelled else "trial_expired"
            yield event_row(case, event_id, event, trial.end, {**about, "days": length})
        elif cancelled and seen and seen <= case.today:
            yield event_row(case, event_id, "trial_cancelled", seen, {**about, "days": length})


def _churns(case: Situation) -> Iterator[dict[str, Any]]:
    """Tell an end once the days of grace are over, and a return after one that was told."""
    grace = timedelta(days=case.settings.grace_days)
    stretches = case.coverage.stretches
    for before, after in pairwise(stretches):
        if after.since - before.until > grace and after.since <= case.today:
            yield from _churn(case, before)
            gone = (after.since - before.until).days
            metadata = {"days_away": gone, "mrr_after": case.timeline.on(after.since).net}
            event_id = f"react:{case.license_key}:{after.since}"
            yield event_row(case, event_id, "subscription_reactivated", after.since, metadata)
    begun = [each for each in stretches if each.since <= case.today]
    if not begun:
        return
    last = begun[-1]
    comes_back = next((each.since for each in stretches if each.since > case.today), None)
    if case.today - last.until > grace and (comes_back is None or comes_back - last.until > grace):
        yield from _churn(case, last)
    elif last.until < case.today and comes_back is None:
        metadata = {"ends": (last.until + grace).isoformat()}
        yield event_row(case, f"grace:{case.license_key}:{last.until}", "grace_period_started", last.until, metadata)


def _churn(case: Situation, stretch: Stretch) -> Iterator[dict[str, Any]]:
    lost = case.timeline.before(stretch.until)
    metadata = {
        "reason": _reason(case, stretch),
        "mrr_lost": lost.net,
        "mrr_gross_lost": lost.gross,
        "tenure_months": int(months_between(case.coverage.stretches[0].since, stretch.until)),
    }
    event_id = f"churn:{case.license_key}:{stretch.until}"
    yield event_row(case, event_id, "subscription_churned", stretch.until, metadata)


def _reason(case: Situation, stretch: Stretch) -> str:
    is_last = stretch is case.coverage.stretches[-1]
    if is_last and any(alias in case.survey.moved for alias in case.aliases):
        return "transfer"
    if is_last and case.is_free_type and case.status == "active":
        return "to_free"
    if stretch.refunded:
        return "refunded"
    unpaid = (sale for sale in case.sales if sale.is_uncollectible and sale.start)
    if any(sale.start and abs(sale.start - stretch.until) <= _NEAR for sale in unpaid):
        return "involuntary"
    if is_last and known(case.row.get("invoiceDunningReason")):
        return "involuntary"
    return _told_reason(case, stretch) or "expired"


def _told_reason(case: Situation, stretch: Stretch) -> str | None:
    """Give the reason of the feedback of about that time, the latest first."""
    told = [(day(each.get("date")), text(each.get("reasonKey"))) for each in case.dossier.feedback]
    near = [(on, reason) for on, reason in told if on and reason and abs(on - stretch.until) <= _NEAR]
    return max(near)[1] if near else None


def _feedback(case: Situation) -> Iterator[dict[str, Any]]:
    for each in case.dossier.feedback:
        kind, on = (text(each.get("feedbackType")) or "").lower(), day(each.get("date"))
        if kind in _FEEDBACK and on and on <= case.today:
            reason = text(each.get("reasonKey"))
            said = "\n".join(str(each.get(name) or "") for name in ("reasonKey", "message", "addonVersion"))
            digest = sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]
            email = (known(each.get("email")) or "").lower() or None
            metadata = {"reason_key": reason, "app_version": text(each.get("addonVersion"))}
            event_id = f"fb:{case.license_key}:{kind}:{on}:{digest}"
            yield event_row(case, event_id, _FEEDBACK[kind], on, metadata, email)


def _quotes(case: Situation) -> Iterator[dict[str, Any]]:
    """Tell a quote once: it has a row for each line and schedule, such as the years of a term."""
    quotes: dict[str, list[Mapping[str, Any]]] = {}
    for row in case.dossier.quotes or ():
        on = day(row.get("acceptedDate"))
        if (number := text(row.get("quoteId"))) and on and on <= case.today:
            quotes.setdefault(number, []).append(row)
    for number, rows in quotes.items():
        prices = [price for row in rows if (price := money(row.get("listPrice"))) is not None]
        metadata = {
            "list_price": sum(prices) if prices else None,
            "users": max((users for row in rows if (users := money(row.get("userTier")))), default=None),
            "expires": max(text(row.get("quoteExpiryDate")) or "" for row in rows) or None,
            "quote_number": max(text(row.get("quoteNumber")) or "" for row in rows) or None,
        }
        accepted = min(on for row in rows if (on := day(row.get("acceptedDate"))))
        yield event_row(case, f"quote:{number}:{case.license_key}", "quote_accepted", accepted, metadata)
