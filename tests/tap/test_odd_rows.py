"""Rows as nobody expects them: all of them are emitted, or one line says why not and no bookmark moves."""

from __future__ import annotations

import copy
import json
import re

import pytest
import requests_mock
from tests.tap.catalogue import misfits
from tests.tap.every_other_field import row_of
from tests.tap.fake_marketplace import CONFIG, REPORTS, URL, license_row, run, transaction_row

from tap_atlassian_marketplace.errors import StreamsFailedError
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

UNREADABLE = {
    "a number that is none": b"NaN",
    "an infinite number": b"-Infinity",
    "deep nesting": b"[" * 100_000 + b"]" * 100_000,
    "text that is no UTF-8": b'"\xff"',
    "a control character": b'"\x01"',
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_rows_that_cannot_be_read_move_no_bookmark(marketplace, name, capsys):
    fake = marketplace([license_row(1)])
    state = run().state
    row = json.dumps(license_row(2, lastUpdated="2026-02-09")).encode()
    rows = b"[" + row + b"," + row[:-1] + b', "odd": ' + UNREADABLE[name] + b"}]"
    fake.mock.get(
        requests_mock.ANY,
        content=rows,
        additional_matcher=lambda r: "/licenses/async/export/" in r.path and not r.path.endswith("/status"),
    )
    fake.mock.get(
        requests_mock.ANY,
        content=b'{"licenses": ' + rows + b', "totalCount": 2}',
        additional_matcher=lambda r: r.path.endswith("/licenses"),
    )
    tap = TapAtlassianMarketplace(config=dict(CONFIG), state=copy.deepcopy(state))
    with pytest.raises(StreamsFailedError) as caught:
        tap.sync_all()
    (line,) = caught.value.lines
    assert line.startswith("licenses, contacts: ")
    assert "not readable" in line or "not JSON" in line
    assert len(line) < 600
    assert '"RECORD"' not in capsys.readouterr().out
    assert tap.state["bookmarks"] == state["bookmarks"]


def test_a_text_of_10_million_letters_passes_whole(marketplace):
    text = '"}, {' * 2_000_000
    marketplace([license_row(1, addonName=text), license_row(2)])
    output = run()
    assert output.ids("licenses") == ["id-1", "id-2"]
    assert output.records("licenses")[0]["addonName"] == text


def test_a_schema_that_changes_on_the_way_loses_no_row(marketplace, caplog):
    fake = marketplace(
        [
            license_row(1),
            license_row(2, contactDetails="gone", lastUpdated=20260209),
            license_row(3, contactDetails={"technicalContact": ["gone"]}, hosting={"name": "Cloud"}, status=None),
            license_row(4, lastUpdated="2026-02-09T10:00:00Z", newcomer=[{"x": 1}]),
            license_row(5, appEntitlementId=5, maintenanceEndDate=["2026-02-01"]),
        ]
    )
    fake.matches = lambda *_: True
    output = run()
    assert output.ids("licenses") == ["id-1", "id-2", "id-3", "id-4", "5"]
    assert len(output.records("contacts")) == 15
    assert [row["lastUpdated"] for row in output.records("licenses")] == [
        "2026-02-01", None, "2026-02-01", None, "2026-02-01",
    ]  # fmt: skip
    assert output.bookmark("licenses") == "2026-02-01"
    assert "lastUpdated held no valid date in 2 rows" in caplog.text
    assert "does not know, passed on as they are: newcomer." in caplog.text
    assert list(misfits(output)) == []


def test_half_a_character_in_a_page_ends_neither_its_stream_nor_customers(marketplace):
    fake = marketplace([license_row(1)], [transaction_row(1, 1)])
    page = {"feedback": [row_of("feedback/details", message="cut \ud83d")], "totalCount": 1}
    fake.mock.get(re.compile(rf"{re.escape(REPORTS)}/feedback/details\?"), text=json.dumps(page))
    output = run(streams=["feedback", "accounts", "people", "account_events"])
    assert [row["message"] for row in output.records("feedback")] == ["cut \ufffd"]
    assert all(output.records(stream) for stream in ("accounts", "people", "account_events"))


def test_half_a_character_in_the_listing_of_an_app_hides_none(marketplace):
    fake = marketplace([license_row(1)], others={"reviews": [row_of("reviews")]})
    apps = {"items": [{"appKey": "com.example.one", "productId": "product-1", "summary": "cut \ud83d"}]}
    fake.mock.get(re.compile(rf"{re.escape(URL)}/product-listing/"), text=json.dumps(apps))
    output = run(streams=["licenses", "apps", "reviews"], app_keys=["com.example.one"])
    assert [row["summary"] for row in output.records("apps")] == ["cut \ufffd"]
    assert len(output.records("reviews")) == len(output.records("licenses")) == 1
