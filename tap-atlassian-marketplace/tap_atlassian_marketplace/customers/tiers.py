"""How many users a tier text speaks of: `Per Unit Pricing (593 Users)` is 593."""

from __future__ import annotations

import re
from functools import lru_cache

UNLIMITED_USERS = 10_001
"""What "Unlimited Users" counts as: one more than the largest tier that has a number."""

_UNLIMITED = "unlimited users"
_TIER = re.compile(r"\s*(?:per unit pricing\s*\(\s*)?(-?\d[\d,]{0,14})\s+users?\s*\)?\s*", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"\s*(\d[\d,]{0,14})\s*", re.ASCII)
_NO_TIER = frozenset({"", "evaluation", "subscription", "demonstration license"})
_BUCKETS = ((10, "1-10"), (100, "11-100"), (1000, "101-1000"), (10_000, "1001-10000"))


@lru_cache(maxsize=4096)
def tier_users(tier: str | None) -> int | None:
    """Give the users of a tier: real users on cloud, the ceiling of the tier elsewhere.

    Returns:
        0 for the negative tiers of credits, `UNLIMITED_USERS` for "Unlimited Users"; None where the text names no
        number, as on trials, or one of more than 15 digits and commas.
    """
    if is_unlimited(tier):
        return UNLIMITED_USERS
    found = _TIER.fullmatch(tier or "")
    return max(0, int(found[1].replace(",", ""))) if found else None


def is_unlimited(tier: str | None) -> bool:
    """Say whether a tier has no ceiling."""
    return (tier or "").strip().lower() == _UNLIMITED


@lru_cache(maxsize=4096)
def is_unknown_tier(tier: str | None) -> bool:
    """Say whether a tier text is of no known form, neither a number of users nor one of the texts without."""
    return tier_users(tier) is None and (tier or "").strip().lower() not in _NO_TIER


def same_tier(one: str | None, other: str | None) -> bool:
    """Say whether two texts name one tier, however they are written."""
    users = tier_users(one), tier_users(other)
    if users == (None, None):
        return bool(one) and bool(other) and (one or "").strip().lower() == (other or "").strip().lower()
    return users[0] == users[1]


def tier_bucket(users: int | None) -> str | None:
    """Give Atlassian's size class of a number of users, from `1-10` to `10001+`; None for none or 0."""
    if not users:
        return None
    return next((name for ceiling, name in _BUCKETS if users <= ceiling), "10001+")


@lru_cache(maxsize=4096)
def opportunity_users(size: str | int | None) -> int | None:
    """Give the users of the parent product of a trial, from `evaluationOpportunitySize`.

    Returns:
        None where it is not known: the parent is on trial itself (`Evaluation`), not yet computed (blank) or no
        trial (`NA`).
    """
    text = "" if size is None else str(size)
    found = _NUMBER.fullmatch(text)
    return int(found[1].replace(",", "")) if found else tier_users(text)
