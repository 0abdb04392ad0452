"""Rows of thousands of simulated subscriptions against the Marketplace's own API description."""

import json

import pytest
from tests.contracts import openapi

from marketplace_sandbox.world import World
from marketplace_sandbox.world.subscriptions.mix import Mix


@pytest.fixture(scope="module")
def world():
    return World(seed=3, customers=1200, ideas=(), mix=Mix())


@pytest.mark.parametrize(("rows", "component"), [("licenses", "License"), ("transactions", "Transaction")])
def test_rows_of_simulated_subscriptions(world, rows, component):
    content = json.loads(json.dumps(world.content()[rows]))
    assert len(content) >= 2000
    schema = {"type": "array", "items": {"$ref": f"#/components/schemas/{component}"}}
    openapi.marketplace().validator(schema, loose_rows=True).validate(content)
