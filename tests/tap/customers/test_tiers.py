from __future__ import annotations

import pytest

from tap_atlassian_marketplace.customers.tiers import (
    is_unknown_tier,
    is_unlimited,
    opportunity_users,
    same_tier,
    tier_bucket,
    tier_users,
)
from target_journy.expressions import Compiler

TIERS = {
    "100 Users": 100,
    "1 User": 1,
    "3 User": 3,
    "1 Users": 1,
    "10,000 Users": 10_000,
    " 25 users\r": 25,
    "Per Unit Pricing (593 users)": 593,
    "Per Unit Pricing (593 Users)": 593,
    "per unit pricing ( 1,200 users )": 1200,
    "Unlimited Users": 10_001,
    "-5 Users": 0,
    "Evaluation": None,
    "Subscription": None,
    "Demonstration License": None,
    "": None,
    None: None,
    "Twenty Users": None,
    "100": None,
    "²5 Users": None,
    "100 Remote Agents": None,
}


@pytest.mark.parametrize(("tier", "users"), TIERS.items(), ids=[repr(tier) for tier in TIERS])
def test_users_of_a_tier(tier, users):
    assert tier_users(tier) == users


@pytest.mark.parametrize("tier", TIERS, ids=repr)
def test_the_preset_of_raw_rows_reads_tiers_alike(tier):
    assert Compiler({}).compile("tier_users(tier)")({"tier": tier}) == tier_users(tier)


def test_a_number_of_thousands_of_digits_is_no_tier():
    tier = f"{'9' * 5000} Users"
    assert (tier_users(tier), is_unknown_tier(tier), opportunity_users("9" * 5000)) == (None, True, None)
    assert Compiler({}).compile("tier_users(tier)")({"tier": tier}) is None
    assert tier_users("1,000,000,000 Users") == 10**9


def test_only_unlimited_users_are_unlimited():
    assert [tier for tier in TIERS if is_unlimited(tier)] == ["Unlimited Users"]


def test_tiers_of_no_known_form():
    assert [tier for tier in TIERS if is_unknown_tier(tier)] == ["Twenty Users", "100", "²5 Users", "100 Remote Agents"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Per Unit Pricing (593 Users)", "593 users", True),
        ("100 Users", "150 Users", False),
        ("Subscription", "subscription ", True),
        ("Subscription", "Evaluation", False),
        ("Subscription", "100 Users", False),
        (None, None, False),
        (None, "100 Users", False),
        ("", None, False),
    ],
)
def test_same_tier(one, other, same):
    assert same_tier(one, other) is same is same_tier(other, one)


@pytest.mark.parametrize(
    ("users", "bucket"),
    [
        (None, None),
        (0, None),
        (1, "1-10"),
        (10, "1-10"),
        (11, "11-100"),
        (100, "11-100"),
        (101, "101-1000"),
        (1000, "101-1000"),
        (1001, "1001-10000"),
        (10_000, "1001-10000"),
        (10_001, "10001+"),
    ],
)
def test_buckets(users, bucket):
    assert tier_bucket(users) == bucket


@pytest.mark.parametrize(
    ("size", "users"),
    [
        ("250", 250),
        (250, 250),
        ("1,200", 1200),
        ("250 Users", 250),
        ("Unlimited Users", 10_001),
        ("Evaluation", None),
        ("NA", None),
        ("", None),
        (None, None),
        ("Unknown", None),
    ],
)
def test_opportunity(size, users):
    assert opportunity_users(size) == users
