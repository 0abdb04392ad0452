"""Peak resident memory of the command, mapped pages included: it does not grow with the data."""

from __future__ import annotations

import pytest
from benchmarks import tap_licenses
from benchmarks.measuring import measure

pytestmark = pytest.mark.long


def peak(count):
    """Read licences with their contacts; gives the most that was resident, in units of 1,000,000 bytes."""
    streams = ("licenses", "contacts", "transactions")
    with tap_licenses.marketplace(count) as url, tap_licenses.own_tap(url, *streams) as tap:
        measured = measure(tap.command, tap.settings)
    assert measured.records == 4 * count
    return measured.peak_mb


def test_a_hundred_thousand_licences_need_hardly_more_than_a_few():
    few, many = peak(20_000), peak(100_000)
    assert many < 300
    # At most 100 bytes a row, and what the allocator leaves lying about.
    assert many - few < 80_000 * 100 / 1e6 + 20
