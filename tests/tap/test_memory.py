"""Peak resident memory of the command, mapped pages included: it does not grow with the data."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from benchmarks import tap_licenses

pytestmark = pytest.mark.long


def peak(count):
    """Read licences with their contacts; gives the most that was resident, in units of 1,000,000 bytes."""
    command = [sys.executable, tap_licenses.__file__]
    with subprocess.Popen([*command, "--serve", str(count)], stdout=subprocess.PIPE, text=True) as marketplace:
        try:
            url = f"http://127.0.0.1:{int(marketplace.stdout.readline())}"
            contestants = tap_licenses._contestants(url, command, with_plain=False)
            *_, (_, tap, environment) = contestants
            measured = tap_licenses.measure(tap, {**os.environ, **environment})
        finally:
            marketplace.kill()
    assert measured.records == 4 * count
    return measured.peak_mb


def test_a_hundred_thousand_licences_need_hardly_more_than_a_few():
    few, many = peak(20_000), peak(100_000)
    assert many < 300
    # At most 100 bytes a row, and what the allocator leaves lying about.
    assert many - few < 80_000 * 100 / 1e6 + 20
