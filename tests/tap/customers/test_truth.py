"""The revenue computed of simulated licences equals the simulated revenue, on every day and to the cent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from marketplace_sandbox.world.subscriptions.mix import Mix
from marketplace_sandbox.world.world import World
from tap_atlassian_marketplace.customers.identity import license_key
from tap_atlassian_marketplace.customers.revenue import compute_revenue
from tap_atlassian_marketplace.customers.sales import read_sales
from tap_atlassian_marketplace.customers.timeline import Timeline
from tap_atlassian_marketplace.joining import LicenseJoin
from tap_atlassian_marketplace.row_kinds import TRANSACTIONS

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

CUSTOMERS = 1600
ONE_DAY = timedelta(days=1)

Usd = tuple["Decimal", "Decimal"]


@dataclass
class Comparison:
    """What was compared, in days; `wrong` by licence has its first wrong day, what was computed and what is true."""

    licenses: int = 0
    paying: int = 0
    days: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, tuple[date, Usd, Usd]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    world = World(seed=7, customers=CUSTOMERS, ideas=(), mix=Mix())
    join = LicenseJoin(tmp_path_factory.mktemp("join"), world.licenses, {TRANSACTIONS: world.transactions})
    sales = {license_key(item.license): item.others[TRANSACTIONS] for item in join if item.license}
    result = Comparison()
    for key, truth in world.truth.items():
        _compare(result, key, truth, sales[key])
    return result


def _compare(result: Comparison, key: str, truth: Any, rows: list[dict[str, Any]]) -> None:
    segments = compute_revenue(key, key, read_sales(rows)).segments
    timeline = Timeline(segments)
    result.licenses += 1
    spans = [(each.first, each.until) for each in truth.steps] + [(each.since, each.until) for each in segments]
    if not spans:
        return
    result.paying += 1
    day, last = min(spans)[0] - ONE_DAY, max(until for _, until in spans) + ONE_DAY
    while day <= last:
        found = timeline.on(day)
        result.days += 1
        if why := truth.why_underivable(day):
            result.missing[why] += 1
        elif tuple(found) != truth.mrr(day):
            result.wrong.setdefault(key, (day, tuple(found), truth.mrr(day)))
        day += ONE_DAY


def test_every_day_is_right_to_the_cent(compared: Comparison) -> None:
    assert compared.paying >= 2000
    assert compared.days > 1_000_000
    assert compared.wrong == {}


def test_days_without_information_are_few_and_named(compared: Comparison) -> None:
    assert set(compared.missing) <= {
        f"{what} {why}" for what in ("sale", "refund") for why in ("names no license", "is not reported")
    }
    assert 0 < compared.missing.total() <= compared.days / 100
