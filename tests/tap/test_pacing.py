"""Which calls keep their distance from each other, on a clock that only waiting moves."""

import pytest
from tests.tap.fake_marketplace import APPS, CONFIG, license_row

from tap_atlassian_marketplace import client
from tap_atlassian_marketplace.catalogue import product_ids
from tap_atlassian_marketplace.pages import list_page
from tap_atlassian_marketplace.settings import Settings

# Read before any test makes the tap hasty.
SECONDS = client._SECONDS_BETWEEN_STARTS


class Clock:
    """Stands in for the module `time`."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("marketplace_http.pacing.time", clock)
    monkeypatch.setattr(client, "_SECONDS_BETWEEN_STARTS", SECONDS)
    return clock


def test_starts_and_pages_keep_their_distance_and_polls_need_none(marketplace, clock):
    marketplace([license_row(1)]).largest_page = 1
    api = client.MarketplaceClient(Settings.from_config(CONFIG))
    filters = [("startDate", "2018-07-01")]
    one = api.start_export("licenses", filters)
    begun = clock.now
    other = api.start_export("licenses", filters)
    assert clock.now - begun >= 0.15 - 1e-9

    begun = clock.now
    for export in (one, other):
        api.export_status("licenses", export)
        assert b"".join(api.download("licenses", export))
    assert clock.now == begun

    for _ in range(2):
        list_page(api, "licenses", filters, [])
    assert clock.now - begun >= 2 * 0.15 - 1e-9

    begun = clock.now
    product_ids(api, list(APPS))
    assert clock.now - begun >= len(APPS) * 0.15 - 1e-9
