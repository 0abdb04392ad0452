"""Rows that the Marketplace tells of long after their day are not missed."""

from __future__ import annotations

import copy

import pytest
from tests.tap.command import settings
from tests.tap.fake_marketplace import run

from tap_atlassian_marketplace.dates import days_before

server = pytest.importorskip("marketplace_sandbox.server", reason="the sandbox is not installed")

LOOKBACK = 14
DAYS = 4  # until a trial begins in the sandbox's world


@pytest.fixture
def sandbox():
    with server.running(customers=3) as running:
        yield running


def visits(output):
    return {record["id"]: record["eventTimestamp"][:10] for record in output.records("marketing_attribution")}


def test_the_visits_before_a_trial_come_when_it_begins_however_far_they_lie_back(sandbox, tmp_path):
    config = {**settings(sandbox, tmp_path), "streams": ["marketing_attribution"], "lookback_days": LOOKBACK}
    before = run(**config)
    sandbox.world.step(DAYS)
    everything = visits(run(**config, start_date="2010-01-02"))  # another question than the first, to be answered anew
    late = {name: day for name, day in everything.items() if name not in visits(before)}
    assert min(late.values()) < days_before(before.bookmark("marketing_attribution"), LOOKBACK), "else nothing is late"
    after = run(copy.deepcopy(before.state), **config)
    assert late.items() <= visits(after).items()
    assert len(visits(after)) < len(everything), "no more is read again than that"
