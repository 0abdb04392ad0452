from __future__ import annotations

import copy
from datetime import date, datetime, timedelta, timezone

import pytest
import requests_mock
from hypothesis import given
from hypothesis import strategies as st
from tests.tap.catalogue import chosen
from tests.tap.fake_marketplace import license_row, run, transaction_row

from marketplace_singer import SettingsError
from tap_atlassian_marketplace.bookmarks import Bookmark, fingerprint
from tap_atlassian_marketplace.errors import StreamsFailedError

STREAMS = ("licenses", "contacts", "transactions")


def test_the_first_run_reads_all_and_notes_the_newest_day(marketplace):
    fake = marketplace(
        [license_row(1, lastUpdated="2026-02-20"), license_row(2, lastUpdated="2026-02-10")],
        [transaction_row(1, 1, lastUpdated="2026-02-05")],
    )
    output = run()
    assert [output.bookmark(stream) for stream in STREAMS] == ["2026-02-20", "2026-02-20", "2026-02-05"]
    assert all("lastUpdated" not in parameters for _, parameters in fake.starts)
    assert set(output.bookmarks["licenses"]) == {"replication_key", "replication_key_value", "fingerprint"}


def test_the_next_run_looks_back(marketplace):
    fake = marketplace(
        [license_row(n, lastUpdated=day) for n, day in ((1, "2026-02-06"), (2, "2026-02-05"), (3, "2026-02-20"))],
        [transaction_row(1, 3, lastUpdated="2026-02-05")],
    )
    state = run().state
    fake.starts.clear()
    output = run(state)
    assert [start["lastUpdated"] for start in fake.started("licenses")] == [["2026-02-06"]] * 2
    assert [start["lastUpdated"] for start in fake.started("sales/transactions")] == [["2026-01-22"]]
    assert output.ids("licenses") == ["id-1", "id-3"]
    output = run(state, lookback_days=0)
    assert output.ids("licenses") == ["id-3"]
    assert output.state == state


def test_streams_that_share_an_export_each_take_what_is_new_to_them(marketplace):
    fake = marketplace([license_row(n, lastUpdated=f"2026-0{n}-01") for n in (1, 2, 3)])
    state = run(lookback_days=0).state
    state["bookmarks"]["contacts"]["replication_key_value"] = "2026-02-01"
    fake.starts.clear()
    output = run(state, lookback_days=0)
    assert [start["lastUpdated"] for start in fake.started("licenses")] == [["2026-02-01"]] * 2
    assert output.ids("licenses") == ["id-3"]
    assert output.ids("contacts") == ["id-2", "id-3"]
    assert output.bookmark("contacts") == "2026-03-01"


def test_a_stream_without_a_bookmark_makes_the_shared_export_whole(marketplace):
    fake = marketplace([license_row(1, lastUpdated="2026-01-01"), license_row(2, lastUpdated="2026-03-01")])
    state = run(streams=["licenses"]).state
    fake.starts.clear()
    output = run(state)
    assert all("lastUpdated" not in start for start in fake.started("licenses"))
    assert output.ids("licenses") == ["id-2"]
    assert output.ids("contacts") == ["id-1", "id-2"]


def test_a_bookmark_never_goes_back(marketplace):
    fake = marketplace([license_row(1, lastUpdated="2026-02-20"), license_row(2, lastUpdated="2026-02-10")])
    state = run().state
    fake.rows["licenses"].pop(0)
    output = run(state)
    assert output.ids("licenses") == ["id-2"]
    assert output.bookmark("licenses") == "2026-02-20"
    fake.rows["licenses"].clear()
    assert run(state).bookmark("licenses") == "2026-02-20"


@pytest.mark.parametrize(
    "change",
    [
        {"start_date": "2025-01-01"},
        {"app_keys": ["com.example.one"]},
        {"license_statuses": ["active"]},
        {"license_types": ["commercial"]},
        {"hostings": ["cloud"]},
        {"include_free_apps": True},
        {"include_atlassian_licenses": True},
        {"include_manual_invoices": False},
        {"compliance_boundaries": ["commercial"]},
    ],
)
def test_another_scope_is_read_from_the_start_and_says_so(marketplace, caplog, change):
    marketplace([license_row(1, lastUpdated="2025-06-01"), license_row(2)], [transaction_row(1, 1)])
    state = run().state
    assert run(copy.deepcopy(state)).ids("licenses") == ["id-2"]
    with caplog.at_level("INFO"):
        assert run(state, **change).ids("licenses") == ["id-1", "id-2"]
    assert "reading from the start" in caplog.text


def test_the_same_scope_written_otherwise_keeps_the_bookmark(marketplace):
    marketplace([license_row(1, lastUpdated="2025-06-01"), license_row(2)])
    state = run(license_statuses=["active", "inactive"], vendor_id=4711).state
    assert run(state, license_statuses="Inactive, ACTIVE").ids("licenses") == ["id-2"]


def test_rows_without_a_valid_day_are_always_emitted(marketplace, caplog):
    marketplace([license_row(1, lastUpdated="NA"), license_row(2, lastUpdated=None), license_row(3)])
    state = run().state
    output = run(state)
    assert output.ids("licenses") == ["id-1", "id-2", "id-3"]
    assert [row["lastUpdated"] for row in output.records("licenses")] == [None, None, "2026-02-01"]
    assert output.bookmark("licenses") == "2026-02-01"
    assert "lastUpdated held no valid date in 1 rows" in caplog.text


def test_start_and_end_date(marketplace):
    fake = marketplace([license_row(n, lastUpdated=f"2026-0{n}-15") for n in (1, 2, 3, 4)])
    output = run(start_date="2026-02-01", end_date="2026-03-31")
    assert [start["lastUpdated"] for start in fake.started("licenses")] == [["2026-02-01"]] * 2
    assert output.ids("licenses") == ["id-2", "id-3"]
    assert output.bookmark("licenses") == "2026-03-15"
    later = run(output.state, start_date="2026-02-01")
    assert later.ids("licenses") == ["id-3", "id-4"]
    assert later.bookmark("licenses") == "2026-04-15"


def test_the_look_back_does_not_pass_the_start_date(marketplace):
    fake = marketplace([license_row(1, lastUpdated="2026-02-03")])
    state = run(start_date="2026-02-01").state
    run(state, start_date="2026-02-01")
    assert fake.starts[-1][1]["lastUpdated"] == ["2026-02-01"]


def test_the_bookmark_moves_only_when_a_stream_is_complete(marketplace):
    fake = marketplace([license_row(1)], [transaction_row(1, 1)])
    fake.mock.get(requests_mock.ANY, additional_matcher=_is_sales_download, status_code=400)
    from tests.tap.fake_marketplace import CONFIG

    from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

    tap = TapAtlassianMarketplace(config=dict(CONFIG))
    with pytest.raises(StreamsFailedError, match=r"^transactions: .*rejected a parameter"):
        tap.sync_all()
    assert tap.state["bookmarks"]["licenses"]["replication_key_value"] == "2026-02-01"
    assert not tap.state["bookmarks"]["transactions"]


def _is_sales_download(request):
    return "sales/transactions" in request.path and request.path.split("/")[-1].isdigit()


def test_a_catalogue_that_forces_full_table_reads_all_and_leaves_the_bookmark(marketplace):
    from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

    marketplace([license_row(1, lastUpdated="2025-06-01"), license_row(2)])
    first = run()
    catalog = TapAtlassianMarketplace(validate_config=False).catalog_dict
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
        entry["metadata"][0]["metadata"]["selected"] = True
    output = run(copy.deepcopy(first.state), catalog=catalog)
    assert output.ids("licenses") == ["id-1", "id-2"]
    assert output.bookmarks == first.bookmarks


DAYS = st.dates().map(str)


@given(old=st.none() | DAYS, new=st.none() | DAYS, latest=DAYS)
def test_written_bookmarks_never_go_back_and_never_into_the_future(old, new, latest):
    state = {"replication_key_value": old, "fingerprint": "f"} if old else {}
    Bookmark.from_state(state, "f", latest).write(state, new)
    newest = max(filter(None, (old, new)), default=None)
    assert state.get("replication_key_value") == (newest and min(newest, latest))


@pytest.mark.parametrize("value", ["2026-02-30", "2026-02-01T00:00:00Z", 5])
def test_an_unreadable_bookmark_is_not_used(value):
    assert Bookmark.from_state({"replication_key_value": value, "fingerprint": "f"}, "f", "9999-12-31").discarded


def test_a_day_in_the_future_does_not_lead_the_bookmark_there(marketplace, caplog):
    marketplace([license_row(1, lastUpdated="2926-02-01"), license_row(2)], [transaction_row(1, 1)])
    output = run()
    assert output.ids("licenses") == ["id-1", "id-2"]
    assert output.bookmark("licenses") == "2026-02-01"
    assert caplog.text.count(f"the bookmark stops at {output.bookmark('licenses')}") == 2
    assert output.bookmark("transactions") == "2026-02-01"


def test_tomorrow_may_be_a_day_of_another_zone(marketplace, caplog):
    tomorrow = (datetime.now(timezone.utc) + timedelta(days=1)).date().isoformat()
    marketplace([license_row(1, lastUpdated=tomorrow), license_row(2)])
    assert run(streams=["licenses"]).bookmark("licenses") == tomorrow
    assert "future" not in caplog.text


def test_rows_of_the_future_alone_move_no_bookmark(marketplace, caplog):
    marketplace([license_row(1, lastUpdated="2926-02-01")])
    output = run(streams=["licenses"])
    assert output.ids("licenses") == ["id-1"]
    assert not output.bookmark("licenses")
    assert "lastUpdated of 1 rows lies in the future; the bookmark stops at nothing" in caplog.text


def test_a_bookmark_in_the_future_is_brought_back(marketplace):
    fake = marketplace([license_row(1)])
    state = run().state
    for bookmark in state["bookmarks"].values():
        bookmark["replication_key_value"] = "2926-02-01"
    fake.starts.clear()
    output = run(state)
    (since,) = {start["lastUpdated"][0] for start in fake.started("licenses")}
    assert date.fromisoformat(output.bookmark("licenses")) - date.fromisoformat(since) == timedelta(days=14)
    assert output.bookmark("licenses") < "2926"


def test_the_fingerprint_ignores_order_but_no_difference():
    assert fingerprint({"a": ("x", "y"), "b": 1}) == fingerprint({"b": 1, "a": ["y", "x"]})
    assert fingerprint({"a": ("x",)}) != fingerprint({"a": ("y",)})


def catalog_of(stream):
    catalog = chosen(stream)
    (entry,) = catalog["streams"]
    (root,) = (each["metadata"] for each in entry["metadata"] if not each["breadcrumb"])
    return catalog, entry, root


@pytest.mark.parametrize(
    ("stream", "key", "words"),
    [
        ("licenses", "maintenanceStartDate", "`maintenanceStartDate`, but this stream goes by `lastUpdated` only"),
        ("feedback", "lastUpdated", "`lastUpdated`, but this stream goes by `date` only"),
        ("reviews", "date", "`date`, but this stream is read whole each time"),
        ("accounts", "as_of", "`as_of`, but this stream is read whole each time"),
    ],
)
@pytest.mark.parametrize("is_in_metadata", [False, True])
def test_another_replication_key_is_refused(marketplace, stream, key, words, is_in_metadata):
    marketplace([license_row(1)])
    catalog, entry, root = catalog_of(stream)
    entry["replication_key"], root["replication-key"] = (None, key) if is_in_metadata else (key, None)
    with pytest.raises(SettingsError, match=f"`replication-key` of {stream} to {words}: take that out"):
        run(catalog=catalog)
    root["selected"] = False
    assert run(catalog=catalog).messages == []


def test_an_incremental_stream_needs_no_replication_key_in_the_catalogue(marketplace):
    marketplace([license_row(1)])
    catalog, entry, root = catalog_of("licenses")
    entry["replication_key"] = root["replication-key"] = None
    entry["replication_method"] = "INCREMENTAL"
    assert run(catalog=catalog).bookmark("licenses") == "2026-02-01"
