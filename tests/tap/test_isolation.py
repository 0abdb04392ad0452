"""One stream's failure leaves the others whole, and its own bookmark where it was."""

from __future__ import annotations

import copy

import pytest
import requests_mock
from tests.tap.every_other_field import row_of
from tests.tap.fake_marketplace import CONFIG, REPORTS, license_row, run, transaction_row

from tap_atlassian_marketplace.errors import CredentialsError, StreamsFailedError
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace


def refuse(fake, part, status):
    fake.mock.post(requests_mock.ANY, status_code=status, additional_matcher=lambda request: part in request.path)


@pytest.fixture
def two_runs(marketplace):
    """A Marketplace that was read once and has changed since; the state of the first run."""
    fake = marketplace([license_row(1)], [transaction_row(1, 1)])
    state = run().state
    fake.rows["licenses"].append(license_row(2, lastUpdated="2026-02-09"))
    fake.rows["sales/transactions"].append(transaction_row(2, 2, lastUpdated="2026-02-09"))
    return fake, state


def failing_run(state, capsys, **settings):
    """Run the tap; gives the bookmarks that were written last, what was emitted, and what was said."""
    tap = TapAtlassianMarketplace(config={**CONFIG, **settings}, state=copy.deepcopy(state))
    with pytest.raises(StreamsFailedError) as caught:
        tap.sync_all()
    days = {name: entry.get("replication_key_value") for name, entry in tap.state["bookmarks"].items()}
    return days, capsys.readouterr().out, caught.value.lines


def test_sales_that_fail_leave_licences_and_contacts_whole(two_runs, capsys):
    fake, state = two_runs
    refuse(fake, "sales", 400)
    days, out, lines = failing_run(state, capsys)
    assert days == {"licenses": "2026-02-09", "contacts": "2026-02-09", "transactions": "2026-02-01"}
    assert out.count('"stream":"licenses","record"') == 2
    assert out.count('"stream":"contacts","record"') == 6
    assert '"stream":"transactions","record"' not in out
    (line,) = lines
    assert line.startswith("transactions: The Marketplace rejected a parameter (HTTP 400)")


def test_licences_that_fail_take_their_contacts_along_in_one_line(two_runs, capsys):
    fake, state = two_runs
    refuse(fake, "licenses", 400)
    days, out, lines = failing_run(state, capsys)
    assert days == {"licenses": "2026-02-01", "contacts": "2026-02-01", "transactions": "2026-02-09"}
    assert out.count('"stream":"transactions","record"') == 2
    (line,) = lines
    assert line.startswith("licenses, contacts: ")


def test_sales_chosen_by_their_licences_fail_with_them(two_runs, capsys):
    fake, _ = two_runs
    refuse(fake, "licenses", 400)
    days, out, (line,) = failing_run({}, capsys, hostings=["cloud"])
    assert set(days.values()) == {None}
    assert '"record"' not in out
    assert line.startswith("licenses, contacts, transactions: ")


def test_a_list_that_does_not_stand_still_is_emitted_but_keeps_the_bookmark(two_runs, capsys, monkeypatch):
    fake, state = two_runs
    refuse(fake, "licenses", 502)
    fake.mock.get(
        requests_mock.ANY,
        json={"licenses": [license_row(3, lastUpdated="2026-02-09")], "totalCount": 7},
        additional_matcher=lambda request: request.path.endswith("/licenses"),
    )
    days, out, (line,) = failing_run(state, capsys)
    assert days == {"licenses": "2026-02-01", "contacts": "2026-02-01", "transactions": "2026-02-09"}
    assert '"id":"id-3"' in out
    assert "it had 7 rows, 1 came" in line


def test_an_unforeseen_error_stays_with_its_stream(two_runs, capsys, monkeypatch):
    _, state = two_runs

    def fail(*_):
        raise ValueError("jane@customer.example")

    monkeypatch.setattr("tap_atlassian_marketplace.streams.licenses.contact_rows", fail)
    days, _, (line,) = failing_run(state, capsys)
    assert days == {"licenses": "2026-02-09", "contacts": "2026-02-01", "transactions": "2026-02-09"}
    assert line.startswith("contacts: Unexpected ValueError at test_isolation.py:")
    assert "jane" not in line


@pytest.mark.parametrize("status", [401, 403, 410])
def test_what_refuses_all_reports_stops_the_run_at_once(two_runs, capsys, status):
    fake, state = two_runs
    refuse(fake, "sales", status)
    fake.mock.get(REPORTS, status_code=status)
    fake.statuses = ["QUEUED"] * 10_000
    tap = TapAtlassianMarketplace(config=dict(CONFIG), state=copy.deepcopy(state))
    with pytest.raises(CredentialsError, match=str(status)):
        tap.sync_all()
    assert '"record"' not in capsys.readouterr().out
    assert {entry["replication_key_value"] for entry in tap.state["bookmarks"].values()} == {"2026-02-01"}


@pytest.mark.parametrize("index", [200, 404, 429, 500])
def test_sales_that_the_account_may_not_read_leave_all_else_whole(two_runs, capsys, index):
    fake, state = two_runs
    fake.rows["reviews"] = [row_of("reviews")]
    refuse(fake, "sales/transactions", 403)
    fake.mock.get(REPORTS, status_code=index, json={})
    fake.statuses = ["IN_PROGRESS"] * 8  # licences come long after the refusal
    tap = TapAtlassianMarketplace(config=dict(CONFIG), state=copy.deepcopy(state))
    for name, stream in tap.streams.items():
        stream.selected = name in ("licenses", "contacts", "transactions", "accounts", "people", "reviews")
    with pytest.raises(StreamsFailedError) as caught:
        tap.sync_all()
    sales, customers = caught.value.lines
    assert sales.startswith("transactions: The account may not read what was asked for (HTTP 403")
    assert customers.startswith("accounts, people: sales/transactions, of which customers are computed: The account")
    days = {name: entry.get("replication_key_value") for name, entry in tap.state["bookmarks"].items()}
    assert (days["licenses"], days["contacts"], days["transactions"]) == ("2026-02-09", "2026-02-09", "2026-02-01")
    out = capsys.readouterr().out
    assert out.count('"stream":"licenses","record"') == 2
    assert out.count('"stream":"reviews","record"') == 1


def full_table_catalog():
    catalog = TapAtlassianMarketplace(validate_config=False).catalog_dict
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
        entry["metadata"][0]["metadata"]["selected"] = True
    return catalog


def test_a_table_is_activated_when_it_is_complete_and_not_before(two_runs):
    output = run(catalog=full_table_catalog(), emit_activate_version_messages=True)
    kinds = [(message["stream"], message["type"]) for message in output.messages if "stream" in message]
    for name in ("licenses", "contacts", "transactions"):
        own = [kind for stream, kind in kinds if stream == name]
        assert own[0] == "SCHEMA"
        assert own[-1] == "ACTIVATE_VERSION"
        assert own.count("ACTIVATE_VERSION") == 1
    versions = {message["version"] for message in output.messages if "version" in message}
    assert len(versions) == 1


def test_a_table_that_is_not_complete_is_not_activated(two_runs, capsys):
    fake, _ = two_runs
    refuse(fake, "sales", 400)
    config = {**CONFIG, "emit_activate_version_messages": True}
    with pytest.raises(StreamsFailedError):
        TapAtlassianMarketplace(config=config, catalog=full_table_catalog()).sync_all()
    out = capsys.readouterr().out
    assert out.count("ACTIVATE_VERSION") == 2
    assert '"ACTIVATE_VERSION","stream":"transactions"' not in out
