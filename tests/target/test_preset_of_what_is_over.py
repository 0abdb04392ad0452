"""The preset `marketplace` and what is over: journy.io keeps no reason, score or name that the row no longer has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.target.runs import World

ACCOUNT = {"account_id": "E-1", "aliases": ["E-1"], "name": "Acme"}
OVER = {
    "renewal_amount_expected": 1200,
    "discount_pct_last": 10,
    "billing_period": "Annual",
    "paid_through": "2026-03-01",
    "renewal_date": "2026-03-01",
    "in_grace_period": True,
    "trial_converted_at": "2025-03-01",
    "trial_bought_as": "E-2",
    "days_to_convert": 12,
    "partner_name": "Resell",
    "partner_type": "Expert",
    "partner_domain": "resell.com",
    "health_score": 40,
}


def test_an_account_keeps_nothing_that_is_over(world: World) -> None:
    world.load([("accounts", {**ACCOUNT, **OVER, "as_of": "2026-03-01"})], preset="marketplace")
    assert world.state.accounts["E-1"].properties.keys() >= OVER.keys()
    nothing = dict.fromkeys(OVER)
    run = world.load([("accounts", {**ACCOUNT, **nothing, "as_of": "2026-03-02"})], preset="marketplace")
    assert (run.exit_code, world.state.accounts["E-1"].properties.keys() & OVER.keys()) == (0, set())
    assert world.load([("accounts", {**ACCOUNT, **nothing, "as_of": "2026-03-03"})], preset="marketplace").calls == []


def test_an_account_without_reasons_says_so(world: World) -> None:
    """Also over a transport that cannot delete."""
    told = {"dunning_reason": "NO CARD", "health_reasons": ["-30 grace or payment risk"]}
    world.load([("accounts", {**ACCOUNT, **told, "as_of": "2026-03-01"})], preset="marketplace")
    over = {"dunning_reason": None, "health_reasons": []}
    world.load([("accounts", {**ACCOUNT, **over, "as_of": "2026-03-02"})], preset="marketplace")
    held = world.state.accounts["E-1"].properties
    assert (held["dunning_reason"], held["health_reasons"]) == ("none", ["none"])


@pytest.mark.parametrize("name", ["first_name", "last_name", "partner_name"])
def test_a_person_keeps_no_name_that_is_over(world: World, name: str) -> None:
    person = {"email": "ann@acme.com", "full_name": "Ann"}
    world.load([("people", {**person, name: "Smith", "as_of": "2026-03-01"})], preset="marketplace")
    world.load([("people", {**person, name: None, "as_of": "2026-03-02"})], preset="marketplace")
    assert name not in world.state.users["ann@acme.com"].properties
