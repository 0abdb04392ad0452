"""What vanished is told after a read of everything, and only then: a loader marks neither too much nor too little."""

from __future__ import annotations

import copy
import re
from types import SimpleNamespace

import pytest
import requests_mock
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.tap.every_other_field import REPORTS, row_of
from tests.tap.fake_marketplace import CONFIG, DEVELOPER, URL, Output, license_row, run, transaction_row

from tap_atlassian_marketplace.errors import StreamsFailedError
from tap_atlassian_marketplace.streams import BY_DEFAULT, NAMES
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

CUSTOMERS = ("accounts", "people", "account_events", "mrr_segments", "anomalies")
NEVER_GONE = ("recurring_revenue", "marketing_attribution")
SALE = {
    "saleDate": "2026-01-01",
    "saleType": "New",
    "purchasePrice": 120,
    "vendorAmount": 90,
    "maintenanceStartDate": "2026-01-01",
    "maintenanceEndDate": "2027-01-01",
}


class Table:
    """What a loader holds that upserts by `id`, and marks what is older than the version that becomes active."""

    def __init__(self, stream="licenses"):
        self.stream = stream
        self.versions = {}
        self.marked = set()

    def load(self, output):
        for message in output.messages:
            if message.get("stream") != self.stream:
                continue
            if message["type"] == "RECORD":
                self.versions[message["record"]["id"]] = message.get("version")
                self.marked.discard(message["record"]["id"])
            elif message["type"] == "ACTIVATE_VERSION":
                old = {key for key, version in self.versions.items() if (version or 0) < message["version"]}
                self.marked |= old


def activated(output):
    """The version that each stream activated."""
    return {
        message["stream"]: message["version"] for message in output.messages if message["type"] == "ACTIVATE_VERSION"
    }


def versions(output, stream="licenses"):
    """The versions of a stream's records."""
    return {m.get("version") for m in output.messages if m["type"] == "RECORD" and m["stream"] == stream}


def everything(marketplace):
    others = {report: [row_of(report)] for report in REPORTS}
    return marketplace([license_row(1)], [transaction_row(1, 1, purchaseDetails=SALE)], others=others)


def failing_run(capsys, state=None, **settings):
    """Run the tap until some streams fail; gives what it wrote."""
    tap = TapAtlassianMarketplace(config={**CONFIG, **settings}, state=copy.deepcopy(state))
    with pytest.raises(StreamsFailedError):
        tap.sync_all()
    return Output(capsys.readouterr().out)


def test_a_whole_read_ends_with_the_activation_of_the_version_that_its_rows_carry(marketplace):
    everything(marketplace)
    output = run(streams=NAMES)
    for stream in set(NAMES) - {*NEVER_GONE, "anomalies"}:
        kinds = [m["type"] for m in output.messages if m.get("stream") == stream]
        assert kinds == ["SCHEMA", *["RECORD"] * (len(kinds) - 2), "ACTIVATE_VERSION"]
        assert versions(output, stream) == {activated(output)[stream]} == {output.version(stream)}
    # What is killed before the state that follows is read again, so the activation must be there by then.
    for number, message in enumerate(output.messages):
        if message["type"] == "STATE":
            told = {m["stream"] for m in output.messages[:number] if m["type"] == "ACTIVATE_VERSION"}
            assert {name for name, entry in message["value"]["bookmarks"].items() if "version" in entry} == told


@pytest.mark.parametrize("stream", NEVER_GONE)
def test_rows_that_age_out_of_their_report_or_that_nothing_counts_are_never_told_gone(marketplace, stream):
    everything(marketplace)
    output = run(streams=[stream])
    assert output.records(stream)
    assert versions(output, stream) == {None}
    assert not activated(output)


@pytest.fixture
def clock(monkeypatch):
    """The time that versions are made of, in seconds; set its only entry."""
    now = [1_800_000_000.0]
    # Of this module alone: spools of other runs would look old.
    monkeypatch.setattr("tap_atlassian_marketplace.sdk.time", SimpleNamespace(time=lambda: now[0]))
    return now


def test_the_next_run_brings_along_the_version_of_the_last_whole_read(marketplace, clock):
    fake = marketplace([license_row(1), license_row(2)])
    table = Table()
    table.load(first := run())
    fake.rows["licenses"].pop(0)
    for _ in range(2):
        output = run(copy.deepcopy(first.state))
        table.load(output)
        assert output.ids("licenses") == ["id-2"]
        assert not activated(output)
        assert versions(output) == versions(first)
        assert output.state == first.state
        assert not table.marked
    clock[0] += 1
    table.load(run())
    assert table.marked == {"id-1"}


def test_a_lost_state_starts_a_new_version_and_a_slow_clock_does_not_stop_it(marketplace, clock):
    marketplace([license_row(1)])
    first = run()
    assert first.version("licenses") == 1_800_000_000
    clock[0] += 86_400
    assert run().version("licenses") == 1_800_086_400
    clock[0] -= 2 * 86_400
    state = copy.deepcopy(first.state)
    state["bookmarks"]["licenses"]["fingerprint"] = "of another vendor"
    again = run(state)
    assert activated(again)["licenses"] == again.version("licenses") == 1_800_000_001


@pytest.mark.parametrize(
    "narrow",
    [
        {"app_keys": ["com.example.one"]},
        {"entitlement_numbers": ["E-1"]},
        {"license_statuses": ["active"]},
        {"license_types": ["commercial"]},
        {"hostings": ["cloud"]},
        {"include_manual_invoices": False},
        {"compliance_boundaries": ["commercial"]},
    ],
)
def test_a_filtered_read_tells_nothing_gone_and_says_so(marketplace, caplog, narrow):
    everything(marketplace)
    state = run(streams=NAMES).state
    with caplog.at_level("INFO"):
        output = run(copy.deepcopy(state), streams=NAMES, **narrow)
    assert not activated(output)
    (name,) = narrow
    assert (
        f"licenses: rows that are no longer there are not marked as such, since `{name}` may leave rows" in caplog.text
    )
    for stream in set(NAMES) - {*NEVER_GONE, "anomalies"}:
        assert versions(output, stream) <= {state["bookmarks"][stream]["version"]}
        assert output.version(stream) == state["bookmarks"][stream]["version"]


@pytest.mark.parametrize("bound", [{"start_date": "2026-01-15"}, {"end_date": "2999-01-01"}])
def test_a_read_of_some_days_tells_nothing_gone_but_customers(marketplace, bound):
    """Which are computed from everything whatever the days."""
    everything(marketplace)
    output = run(streams=NAMES, **bound)
    assert set(activated(output)) == set(CUSTOMERS)
    assert versions(output) == {None}


def test_customers_are_read_whole_by_each_run(marketplace):
    fake = marketplace([license_row(1), license_row(2)], [transaction_row(1, 1)])
    first = run(streams=NAMES[:8])
    fake.rows["licenses"].pop()
    output = run(copy.deepcopy(first.state), streams=NAMES[:8])
    assert set(activated(output)) == set(CUSTOMERS)
    assert all(version > first.version(stream) for stream, version in activated(output).items())


def test_customers_of_another_day_tell_nothing_gone(marketplace, caplog):
    everything(marketplace)
    with caplog.at_level("INFO"):
        output = run(streams=NAMES, as_of="2026-01-31")
    assert not set(CUSTOMERS) & set(activated(output))
    assert "licenses" in activated(output)
    assert "since `as_of` is another day" in caplog.text


def test_no_row_at_all_is_no_reason_to_empty_a_table(marketplace, caplog):
    marketplace([license_row(1)])
    with caplog.at_level("INFO"):
        output = run(streams=NAMES)
    assert set(activated(output)) == {"licenses", "contacts", "apps"}
    assert "transactions: rows that are no longer there are not marked as such, since sales/transactions" in caplog.text


def test_old_licences_alone_do_not_tell_that_all_newer_ones_are_gone(marketplace, caplog):
    old = license_row(1, maintenanceStartDate="2015-01-01")
    fake = marketplace([old, license_row(2)])
    assert "licenses" in activated(run())
    fake.rows["licenses"] = [old]
    with caplog.at_level("INFO"):
        output = run(streams=["licenses", "contacts", "accounts"])
    assert output.ids("licenses") == ["id-1"]
    assert not activated(output)
    assert "licenses: rows that are no longer there are not marked as such, since licenses gave no row" in caplog.text
    fake.rows["licenses"] = [license_row(2)]
    assert "licenses" in activated(run()), "many vendors have no old ones"


def test_rows_left_out_since_others_have_their_ids_are_told_and_nothing_is_gone(marketplace, caplog):
    sales = [transaction_row(1, 1), transaction_row(1, 2), transaction_row(2, 1)]
    marketplace([license_row(1), license_row(2)], sales)
    with caplog.at_level("INFO"):
        output = run(streams=["licenses", "transactions", "mrr_segments"])
    assert output.ids("transactions") == ["IN-1", "IN-2"]
    assert output.bookmark("transactions") == "2026-02-01"
    assert set(activated(output)) == {"licenses"}
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning == "1 rows of sales/transactions were left out: others have their ids."
    assert "1 rows of sales/transactions that have the id of another one were left out" in caplog.text


def of_vendor(marketplace, developer_id, number, state=None, **settings):
    """Run the tap for a vendor with one licence, a sale of it, and an app."""
    fake = marketplace([license_row(number)], [transaction_row(1, number)], developer=developer_id)
    fake.rows["apps"] = [{"appKey": f"com.{number}", "productId": f"product-{number}"}]
    return run(copy.deepcopy(state), streams=SHARED, developer_id=developer_id, **settings)


SHARED = ["licenses", "contacts", "accounts", "people", "apps"]
OTHER_VENDOR = "99999999-2222-3333-4444-555555555555"


def test_vendors_that_share_a_state_do_not_tell_each_others_rows_gone(marketplace, clock, caplog):
    """Neither in the run that changes, nor in those after it, nor back again: the table is that of both."""
    table = Table()
    output = of_vendor(marketplace, DEVELOPER, 1)
    table.load(output)
    assert set(activated(output)) == set(SHARED)
    for vendor, number in ((OTHER_VENDOR, 2), (OTHER_VENDOR, 2), (DEVELOPER, 1), (DEVELOPER, 1)):
        clock[0] += 1
        with caplog.at_level("INFO"):
            output = of_vendor(marketplace, vendor, number, output.state)
        table.load(output)
        assert output.ids("licenses") == [f"id-{number}"]
        assert not activated(output)
        assert versions(output) == {1_800_000_000}
    assert not table.marked
    assert "since those of another vendor are in the table, too" in caplog.text
    clock[0] += 1
    assert set(activated(of_vendor(marketplace, DEVELOPER, 1))) == set(SHARED), "a new state knows no other vendor"


def test_a_trial_for_another_vendor_leaves_the_state_to_its_own(marketplace, clock):
    state = of_vendor(marketplace, DEVELOPER, 1).state
    assert of_vendor(marketplace, OTHER_VENDOR, 2, state, entitlement_numbers=["E-2"]).state == state


def test_anomalies_may_all_be_solved(marketplace):
    everything(marketplace)
    output = run(streams=["anomalies"])
    assert output.records("anomalies") == []
    assert activated(output) == {"anomalies": output.version("anomalies")}


def test_rows_left_out_for_want_of_an_id_may_be_those_that_seem_gone(marketplace, caplog):
    marketplace([license_row(1), {"addonKey": "com.example.one"}], [transaction_row(1, 1)])
    with caplog.at_level("INFO"):
        output = run(streams=["licenses", "transactions", "accounts"])
    assert set(activated(output)) == {"transactions"}
    assert "1 rows of licenses without an id were left out" in caplog.text


@pytest.mark.parametrize(
    ("path", "streams"),
    [
        ("app-software/app-key/com.example.two", {"app_versions"}),
        ("app-software/com.example.two-cloud/versions", {"app_versions"}),
        ("products/product-2/reviews", {"reviews"}),
    ],
)
def test_what_the_marketplace_does_not_know_of_is_not_gone(marketplace, caplog, path, streams):
    fake = marketplace(others={report: [row_of(report)] for report in ("app_versions", "reviews")})
    fake.mock.get(re.compile(rf"{re.escape(URL)}/{path}"), status_code=404, json={"errors": []})
    with caplog.at_level("INFO"):
        output = run(streams=["apps", "app_versions", "reviews"])
    assert set(activated(output)) == {"apps", "app_versions", "reviews"} - streams
    assert all(output.records(stream) for stream in streams)


def test_a_stream_that_fails_tells_nothing_gone(marketplace, capsys):
    fake = marketplace([license_row(1)], [transaction_row(1, 1)])
    first = run()
    capsys.readouterr()
    fake.mock.post(requests_mock.ANY, status_code=403, additional_matcher=lambda request: "quotes" in request.path)
    fake.mock.post(requests_mock.ANY, status_code=400, additional_matcher=lambda request: "sales" in request.path)
    output = failing_run(capsys)
    assert set(activated(output)) == {"licenses", "contacts"}
    assert "version" not in output.state["bookmarks"]["transactions"]
    assert first.version("transactions")


def test_a_list_that_does_not_stand_still_tells_nothing_gone(marketplace, capsys):
    fake = marketplace([license_row(1)], [transaction_row(1, 1)])
    fake.mock.post(requests_mock.ANY, status_code=502, additional_matcher=lambda request: "/licenses" in request.path)
    fake.mock.get(
        requests_mock.ANY,
        json={"licenses": [license_row(3)], "totalCount": 7},
        additional_matcher=lambda request: request.path.endswith("/licenses"),
    )
    output = failing_run(capsys)
    assert output.ids("licenses") == ["id-3"]
    assert set(activated(output)) == {"transactions"}


def test_stream_maps_that_filter_tell_nothing_gone(marketplace, caplog):
    marketplace([license_row(1), license_row(2, status="inactive")], [transaction_row(1, 1)])
    maps = {"licenses": {"__filter__": "status == 'active'"}, "contacts": {"__alias__": "people_of_licences"}}
    with caplog.at_level("INFO"):
        output = run(stream_maps=maps)
    assert [row["id"] for row in output.records("licenses")] == ["id-1"]
    assert set(activated(output)) == {"people_of_licences", "transactions"}
    assert "since `stream_maps` leave rows out" in caplog.text


def test_it_can_be_turned_off_and_on_again(marketplace):
    marketplace([license_row(1)])
    first = run()
    off = run(copy.deepcopy(first.state), emit_activate_version_messages=False)
    assert versions(off) == {None}
    assert off.state == first.state
    assert not activated(run(emit_activate_version_messages=False))
    assert versions(run(off.state)) == versions(first)
    assert activated(run(emit_activate_version_messages=None))


NUMBERS = st.sets(st.integers(1, 5), min_size=1)
STEPS = st.lists(st.tuples(st.sampled_from(["whole", "new", "filtered", "trial", "failing"]), NUMBERS), max_size=6)


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_marked_is_what_the_last_whole_read_did_not_find_and_nothing_brought_back(marketplace, capsys, clock, steps):
    fake = marketplace([license_row(9)])
    table, state, expected = Table(), {}, set()
    for kind, there in steps:
        fake.rows["licenses"] = [license_row(n) for n in sorted(there)]
        clock[0] += 1
        if kind == "failing":
            fake.mock.post(requests_mock.ANY, status_code=400)
            table.load(failing_run(capsys, state))
            fake = marketplace()
        elif kind == "filtered":
            table.load(run(license_statuses=["active"], streams=BY_DEFAULT))
        elif kind == "trial":
            table.load(output := run(copy.deepcopy(state), entitlement_numbers=[f"E-{min(there)}"]))
            assert output.state.get("bookmarks", {}) or not state
        else:
            is_whole = kind == "whole" or not state
            table.load(output := run(None if is_whole else copy.deepcopy(state)))
            state = output.state
            if is_whole:
                expected = {key for key in table.versions if int(key.removeprefix("id-")) not in there}
        came = {f"id-{n}" for n in there} if kind in ("filtered", "new") else set()
        came |= {f"id-{min(there)}"} if kind == "trial" else set()
        expected -= came
        assert table.marked == expected
