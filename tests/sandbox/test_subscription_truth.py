"""Thousands of simulated subscriptions: lifelike, the same each time, and what they are worth fits their invoices."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
import requests

from marketplace_sandbox.server import running
from marketplace_sandbox.world import World
from marketplace_sandbox.world.months import months
from marketplace_sandbox.world.subscriptions.mix import Mix

TODAY = date(2026, 3, 2)
DISTURBED = {"renewed and never paid", "refunded in full", "cancelled", "goodwill refund", "partial refund"}


@pytest.fixture(scope="module")
def world():
    return World(seed=3, customers=1200, ideas=(), mix=Mix())


@pytest.fixture(scope="module")
def sales(world):
    """Transaction rows by the id of their licence."""
    found = defaultdict(list)
    for row in world.transactions:
        found[row.get("addonLicenseId") or row.get("appEntitlementId")].append(row)
    return found


def test_there_are_thousands_of_several_years(world):
    paid = [known for known in world.truth.values() if known.steps]
    assert len(world.truth) == len(world.licenses) >= 2000
    assert len(paid) >= 1500
    assert sum((known.steps[-1].until - known.steps[0].first).days > 730 for known in paid) > 500


def test_the_same_seed_gives_the_same_truth():
    one, other = (World(seed=4, customers=40, ideas=(), mix=Mix()) for _ in range(2))
    assert [known.as_json() for known in one.truth.values()] == [known.as_json() for known in other.truth.values()]
    assert one.content() == other.content()


def test_everything_happens(world):
    counted = Counter(what for known in world.truth.values() for _, what in known.happenings)
    assert min(counted.values()) >= 50
    assert counted.keys() >= DISTURBED | {
        "bought",
        "renewed",
        "upgraded",
        "downgraded",
        "users added",
        "billing period changed",
    }


def test_both_shapes_of_an_upgrade_discounts_partners_and_payments_occur(world):
    purchases = [row["purchaseDetails"] for row in world.transactions]
    orders = defaultdict(set)
    for row in world.transactions:
        orders[row["transactionId"]].add(row["purchaseDetails"].get("saleType"))
    assert sum({"Refund", "Upgrade"} <= kinds for kinds in orders.values()) > 50
    assert sum(kinds == {"Upgrade"} for kinds in orders.values()) > 50
    assert sum("originalTransactionDetails" in purchase for purchase in purchases) > 50
    assert sum("originalTransactionDetails" not in p and p.get("saleType") == "Refund" for p in purchases) > 20
    assert sum("proratedDetails" in purchase for purchase in purchases) > 50
    assert {row.get("paymentStatus") for row in world.transactions} >= {"Uncollectible", "Open", "Refunded"}
    assert any(row.get("partnerDetails") for row in world.transactions)


def test_terms_of_every_kind_and_trials_occur(world):
    terms = Counter()
    for purchase in (row["purchaseDetails"] for row in world.transactions):
        if purchase.get("saleType") == "New":
            start, end = (date.fromisoformat(purchase[f"maintenance{which}Date"]) for which in ("Start", "End"))
            terms[months(start, end)] += 1
    assert min(terms[1], terms[12], terms[24], terms[36]) >= 20
    assert sum(count for term, count in terms.items() if term.denominator > 1) > 50, "co-termed"
    assert sum(not known.steps for known in world.truth.values()) > 50, "tried and never bought"


def test_what_an_undisturbed_customer_pays_is_what_his_days_are_worth(world, sales):
    checked = 0
    for id_, known in world.truth.items():
        if not known.steps or known.underivable or {what for _, what in known.happenings} != {"bought", "renewed"}:
            continue
        worth = sum(Fraction(step.gross) * months(step.first, step.until) for step in known.steps)
        paid = sum(Decimal(str(row["purchaseDetails"]["purchasePrice"])) for row in sales[id_])
        assert abs(worth - Fraction(paid)) < Fraction(1, 100)
        checked += 1
    assert checked > 200


def test_the_share_of_the_vendor_changes(world):
    ratios = {
        round(float(step.net / step.gross), 2) for known in world.truth.values() for step in known.steps if step.gross
    }
    assert {0.85, 0.75} <= ratios


def test_at_most_one_day_in_a_hundred_is_unknowable(world):
    days = blind = 0
    for known in world.truth.values():
        days += sum((min(step.until, TODAY) - step.first).days for step in known.steps if step.first < TODAY)
        blind += sum((min(until, TODAY) - first).days for first, until, _ in known.underivable if first < TODAY)
    assert 0 < blind < days / 100


def test_what_is_worth_nothing_has_no_step(world):
    known = next(known for known in world.truth.values() if known.steps)
    before, after = known.steps[0].first - timedelta(days=1), known.steps[-1].until
    assert known.mrr(before) == known.mrr(after) == (0, 0)
    assert known.mrr(known.steps[0].first) == known.steps[0].cents
    assert world.truth.mrr(known.license_id, known.steps[0].first) == known.steps[0].cents


def test_the_truth_is_served():
    with running(customers=3) as sandbox:
        served = requests.get(f"{sandbox.url}/_truth", timeout=10).json()
        known = {row["license_id"]: row for row in served}
        rows = requests.get(f"{sandbox.url}/_world", timeout=10).json()["licenses"]
    assert known
    assert known.keys() <= {row.get("addonLicenseId") or row.get("appEntitlementId") for row in rows}
    assert set(next(iter(known.values()))) == {"license_id", "account_id", "steps", "underivable", "happenings"}
