"""Licences of a customer: bought, with or without a trial before, or tried and never bought."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from marketplace_sandbox.world.calendar import days_between, shift
from marketplace_sandbox.world.subscriptions.mix import paid_life
from marketplace_sandbox.world.subscriptions.prices import USERS
from marketplace_sandbox.world.subscriptions.rows import report
from marketplace_sandbox.world.subscriptions.truth import LicenseTruth, account_id, license_id
from marketplace_sandbox.world.trials import evaluation

if TYPE_CHECKING:
    from marketplace_sandbox.world.builder import Builder
    from marketplace_sandbox.world.rows import Row
    from marketplace_sandbox.world.subscriptions.life import Life
    from marketplace_sandbox.world.subscriptions.mix import Mix
    from marketplace_sandbox.world.subscriptions.rows import Holder

_TRIAL_DAYS = 30
_NUMBERED = date(2025, 9, 15)
"""About when Atlassian gave Data Center licences entitlement numbers."""


def never_bought(b: Builder, holder: Holder) -> None:
    """A trial that runs, or ended without a sale; some customers try again under another licence."""
    start = b.ago(days=b.random.choice((b.random.randint(1, 28), b.random.randint(31, 900))))
    in_cloud = b.random.random() < 0.8
    _tried(b, holder, start, in_cloud=in_cloud)
    if b.random.random() < 0.15:
        _tried(b, holder, min(shift(start, days=b.random.randint(35, 200)), b.today), in_cloud=in_cloud)


def bought(b: Builder, holder: Holder, mix: Mix) -> Row:
    """A subscription with all that happened to it."""
    today = date.fromisoformat(b.today)
    life = paid_life(b.random, today, mix)
    if b.random.random() < mix.tried:
        holder.fields |= _trial_before(b, holder, life)
    if not life.cloud and b.random.random() < 0.5:
        _number(b, holder, life, today)
    if life.cloud and life.ended(today) and b.random.random() < 0.05:
        holder.fields |= _free_since(life.stretches[-1].until, today)
    return report(b, life, holder)


def _tried(b: Builder, holder: Holder, start: str, *, in_cloud: bool) -> Row:
    fields = {**holder.fields, **evaluation(start, users=b.random.choice((*USERS, "Unlimited Users", "Evaluation")))}
    add = b.cloud if in_cloud else b.data_center
    row = add(holder.company, holder.app, start, shift(start, days=_TRIAL_DAYS), **fields)
    b.truth.add(LicenseTruth(license_id(row), account_id(row)))
    return row


def _trial_before(b: Builder, holder: Holder, life: Life) -> Row:
    """The trial is still visible on the licence: in cloud it is the same one, in Data Center it was another."""
    sold = life.lines[0].sold.isoformat()
    start = shift(sold, days=-b.random.randint(2, 45))
    end = shift(start, days=_TRIAL_DAYS)
    known: Row = {"evaluationSaleDate": sold, "daysToConvertEval": str(days_between(end, sold))}
    if life.cloud:
        known |= {"latestEvaluationStartDate": start, "evaluationStartDate": start, "evaluationEndDate": end}
        return known
    trial = _tried(b, holder, start, in_cloud=False)
    return {**known, "evaluationLicense": trial["addonLicenseId"]}


def _number(b: Builder, holder: Holder, life: Life, today: date) -> None:
    """A Data Center licence that lived then has an entitlement number; its older sales name the old number alone."""
    if life.stretches[-1].until < _NUMBERED or today < _NUMBERED:
        return
    label = b.label("numbered")
    holder.fields |= {
        "appEntitlementId": b.ids.uuid(label),
        "appEntitlementNumber": b.ids.entitlement_number(label),
    }
    holder.numbered = _NUMBERED


def _free_since(ended: date, today: date) -> Row:
    """Once paid, now free for ever."""
    end = max(ended, today) + timedelta(days=365)
    dates = {"maintenanceStartDate": ended.isoformat(), "maintenanceEndDate": end.isoformat()}
    return {"licenseType": "LEGACY_FREE", "latestMaintenanceStartDate": ended.isoformat(), "status": "active", **dates}
