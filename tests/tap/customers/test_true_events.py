"""The events of simulated licences are what happened to them: each churn, refund and change of plan once."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from marketplace_sandbox.world.subscriptions.mix import Mix
from marketplace_sandbox.world.world import World
from tap_atlassian_marketplace.customers.dossier import Dossier, Settings
from tap_atlassian_marketplace.customers.examine import Examiner
from tap_atlassian_marketplace.customers.identity import aliases, license_key
from tap_atlassian_marketplace.customers.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_atlassian_marketplace.customers.dossier import Findings

GRACE = timedelta(days=30)
REFUNDS = {"refunded in full", "cancelled", "goodwill refund", "partial refund", "written off"}
CHANGES = {"upgraded", "downgraded"}
PERIOD = {"billing period changed"}

Case = tuple[Any, "Findings"]


@pytest.fixture(scope="module")
def today() -> date:
    return date(2026, 3, 2)


@pytest.fixture(scope="module")
def cases(today: date) -> list[Case]:
    """The truth and the findings about each licence of which all rows are there."""
    world = World(seed=31, customers=600, today=today.isoformat(), ideas=(), mix=Mix(hidden=0))
    keys = {alias: license_key(row) for row in world.licenses for alias in aliases(row)}
    sales = defaultdict(list)
    survey = Survey.begin(today)
    for row in world.licenses:
        survey.add_license(row)
    for row in world.transactions:
        survey.add_transaction(row)
        sales[next(keys[alias] for alias in aliases(row))].append(row)
    examiner = Examiner(Settings(today, grace_days=GRACE.days), survey)
    found = [(key, examiner.examine(Dossier(row, sales[key]))) for row in world.licenses if (key := license_key(row))]
    return [(world.truth[key], findings) for key, findings in found if key in world.truth]


def happened(truth: Any, names: Collection[str]) -> set[str]:
    return {str(day) for day, what in truth.happenings if what in names}


def told(findings: Findings, *names: str) -> list[str]:
    return [event["occurred_at"][:10] for event in findings.account_events if event["event"] in names]


def churns(truth: Any, findings: Findings, today: date) -> list[str]:
    """Days on which a customer who paid had nothing any more, for longer than the days of grace or now for free."""
    spans: list[list[date]] = []
    for step in truth.steps:
        if step.gross and spans and step.first <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], step.until)
        elif step.gross:
            spans.append([step.first, step.until])
    assert findings.account is not None
    is_free = (findings.account["license_type"], findings.account["license_status"]) == ("LEGACY_FREE", "active")
    last = timedelta(0) if is_free else GRACE
    lost = [until for (_, until), (back, _) in pairwise(spans) if back - until > GRACE]
    return [str(until) for until in (*lost, *(until for _, until in spans[-1:] if today - until > last))]


def test_each_churn_is_told(cases: list[Case], today: date) -> None:
    expected = [churns(truth, findings, today) for truth, findings in cases]
    lost = [
        [
            event["occurred_at"][:10]
            for event in findings.account_events
            if event["event"] == "subscription_churned" and event["metadata"]["mrr_gross_lost"]
        ]
        for _, findings in cases
    ]
    assert lost == expected
    assert sum(map(len, expected)) > 200


def test_each_refund_is_told_but_not_those_of_changes(cases: list[Case]) -> None:
    expected = [happened(truth, REFUNDS) for truth, _ in cases]
    assert [set(told(findings, "subscription_refunded")) for _, findings in cases] == expected
    assert sum(map(len, expected)) > 200


def test_each_change_of_plan_is_told_once(cases: list[Case]) -> None:
    for truth, findings in cases:
        period = happened(truth, PERIOD)
        changes = [
            day for day in told(findings, "subscription_upgraded", "subscription_downgraded") if day not in period
        ]
        expected = sorted(str(day) for day, what in truth.happenings if what in CHANGES and str(day) not in period)
        assert sorted(changes) == expected


def test_each_change_of_the_billing_period_is_told(cases: list[Case]) -> None:
    for truth, findings in cases:
        # A renewal may change the period too, which the simulation calls a renewal.
        assert happened(truth, PERIOD) <= set(told(findings, "billing_period_changed"))


def test_no_licence_without_missing_rows_is_odd(cases: list[Case]) -> None:
    assert [anomaly for _, findings in cases for anomaly in findings.anomalies] == []
