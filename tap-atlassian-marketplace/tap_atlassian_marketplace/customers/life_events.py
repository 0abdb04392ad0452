"""The events of a licence's life besides its sales: trials, transfers, feedback and quotes, with the churns."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.addresses import email_address
from tap_atlassian_marketplace.customers.churns import churns
from tap_atlassian_marketplace.customers.event_rows import event_row
from tap_atlassian_marketplace.customers.fields import day, known, money, obj, text
from tap_atlassian_marketplace.customers.identity import SEN
from tap_atlassian_marketplace.customers.survey import migrated_from
from tap_atlassian_marketplace.customers.tiers import opportunity_users, tier_users

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from tap_atlassian_marketplace.customers.situation import Situation

_FEEDBACK = {"uninstall": "app_uninstalled", "disable": "app_disabled", "unsubscribe": "app_unsubscribed"}


def life_events(case: Situation) -> Iterator[dict[str, Any]]:
    """Give the events that are no later than today."""
    yield from chain(_trial(case), _transfer(case), churns(case), _feedback(case), _quotes(case))


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
            sale = next(each for each in case.sales if each.key == trial.sale)
            metadata = {
                **about,
                "days_to_convert": trial.days_to_convert,
                "vendor_amount": sale.net,
                "purchase_price": sale.gross,
                "tier": sale.tier,
                "tier_users": tier_users(sale.tier),
                "mrr_after": after.net,
            }
            event_id = f"conv:{case.license_key}:{trial.sale}"
            yield event_row(case, event_id, "trial_converted", trial.converted_at, metadata)
    elif trial.is_evaluation and trial.end and not trial.bought_as and not case.has_paid:
        yield from _end_of_trial(case, trial.start, trial.end, about)


def _end_of_trial(case: Situation, start: date | None, end: date, about: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Tell that a trial was cancelled, and that it ended, which a cancelled one does on its last day like others.

    No row tells the day of a cancellation. It is that on which the row was updated last, and no part of the id.
    """
    metadata = {**about, "days": (end - start).days if start else None}
    seen = day(case.row.get("lastUpdated"))
    if case.status == "cancelled" and seen and seen <= case.today:
        event_id = f"trialcancel:{case.license_key}:{end}"
        yield event_row(case, event_id, "trial_cancelled", min(seen, end), metadata)
    if end < case.today:
        yield event_row(case, f"trialend:{case.license_key}:{end}", "trial_expired", end, metadata)


def _transfer(case: Situation) -> Iterator[dict[str, Any]]:
    """Tell the account in cloud which Server or Data Center licence it replaces, as of its first sale.

    Without a sale it is as of the first day of maintenance. Atlassian tells no day of a migration, and of no other
    transfers.
    """
    source = migrated_from(case.row)
    day_ = min((sale.sold for sale in case.sales if sale.sold), default=case.start)
    if source and source not in case.aliases and day_ and day_ <= case.today:
        event_id = f"xfer:{source.removeprefix(SEN)}:{case.license_key}"
        metadata = {
            "from": source,
            "to": case.account_id,
            "app_key": text(case.row.get("addonKey")),
            "app_name": text(case.row.get("addonName")),
            "hosting": text(case.row.get("hosting")),
        }
        yield event_row(case, event_id, "license_transferred", day_, metadata)


def _feedback(case: Situation) -> Iterator[dict[str, Any]]:
    """Tell each piece of feedback, by an id that stays when its words or its author are changed or erased."""
    alike: Counter[tuple[str, date, str, str]] = Counter()
    for row in sorted(case.dossier.feedback, key=lambda each: repr(sorted(each.items()))):
        kind, on = (text(row.get("feedbackType")) or "").lower(), day(row.get("date"))
        if kind in _FEEDBACK and on and on <= case.today:
            reason, version = text(row.get("reasonKey")), text(row.get("addonVersion"))
            what = (kind, on, reason or "", version or "")
            said = "\n".join((what[2], what[3], str(alike[what])))
            alike[what] += 1
            digest = sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]
            email = email_address(row.get("email"))
            metadata = {"reason_key": reason, "app_version": version}
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
