"""The customer streams of a run: from everything, filtered on the way out, the same whatever the order of rows."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.tap.fake_marketplace import license_row, run, transaction_row

from marketplace_singer import SettingsError
from tap_atlassian_marketplace import customer_rows, examining, joining
from tap_atlassian_marketplace.errors import SpoolError
from tap_atlassian_marketplace.row_file import private_file
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

STREAMS = ("accounts", "people", "account_events", "mrr_segments", "anomalies")
TODAY = {"as_of": "2026-03-01"}


def sale(number: int, license_number: int | None, price: float = 1200, **purchase: Any) -> dict[str, Any]:
    return transaction_row(
        number,
        license_number,
        purchaseDetails={
            "saleDate": "2026-01-01",
            "saleType": "New",
            "purchasePrice": price,
            "vendorAmount": price * 0.75,
            "maintenanceStartDate": "2026-01-01",
            "maintenanceEndDate": "2027-01-01",
            **purchase,
        },
    )


LICENSES = [
    license_row(1, contactDetails={"technicalContact": {"email": "ann@acme.example", "name": "Ann Lee"}}),
    license_row(
        2,
        hosting="Data Center",
        contactDetails={
            "technicalContact": {"email": "Bob@acme.example"},
            "billingContact": {"email": " ANN@acme.example"},
        },
    ),
]
SALES = [sale(1, 1), sale(2, 2, 600), sale(3, 1, -100, saleType="Refund"), sale(4, 9, 60), sale(5, None, 12)]


def customers(**settings: Any) -> dict[str, list[dict[str, Any]]]:
    output = run(streams=STREAMS, **TODAY, **settings)
    return {name: output.records(name) for name in STREAMS}


def test_accounts_people_events_segments_and_anomalies(marketplace):
    marketplace(LICENSES, SALES)
    found = customers()
    accounts = {row["account_id"]: row for row in found["accounts"]}
    assert accounts.keys() == {"E-1", "E-2", "E-9"}
    # A year's 1,200 and 600, and of 60 for a licence that is not listed; 100 of the first went back at once.
    assert [accounts[name]["mrr_gross"] for name in ("E-1", "E-2", "E-9")] == [91.67, 50, 5]
    assert [accounts[name]["mrr"] for name in ("E-1", "E-2", "E-9")] == [68.75, 37.5, 3.75]
    assert accounts["E-1"]["link_licenses"].endswith("/vendors/4711/reporting/licenses?text=E-1")
    people = {row["email"]: row for row in found["people"]}
    assert people.keys() == {"ann@acme.example", "bob@acme.example"}
    assert people["ann@acme.example"]["marketplace_roles"] == ["technical", "billing"]
    assert people["ann@acme.example"]["entitlements_count"] == 2
    assert people["ann@acme.example"]["full_name"] == "Ann Lee"
    assert {row["event_id"] for row in found["account_events"]} == {f"tx:IN-{n}|line-{n}" for n in (1, 2, 3, 4)}
    assert {row["transaction_key"] for row in found["mrr_segments"]} == {f"IN-{n}|line-{n}" for n in (1, 2, 3, 4)}
    reasons = {(row["reason"], row["account_id"]) for row in found["anomalies"]}
    assert reasons >= {("license_missing", "E-9"), ("no_license_named", "")}


def test_a_licence_has_one_account_under_whichever_ids_it_and_its_sales_come(marketplace):
    older = license_row(1, appEntitlementId=None, addonLicenseId="11", lastUpdated="2025-01-01")
    unlisted = [{**sale(number, None), "addonLicenseId": "9"} for number in (6, 7)]
    refund = {**unlisted[1], "appEntitlementNumber": "E-9"}
    refund["purchaseDetails"] = sale(7, 9, -1200, saleType="Refund")["purchaseDetails"]
    for licenses in ([LICENSES[0], older], [older, LICENSES[0]]):
        marketplace(licenses, [sale(1, 1), unlisted[0], refund])
        found = customers()
        assert {row["account_id"]: row["mrr_gross"] for row in found["accounts"]} == {"E-1": 100, "E-9": 0}
        assert len(found["accounts"]) == 2
        assert {row["reason"] for row in found["anomalies"]} == {"license_twice", "license_missing"}


def test_e_mails_that_are_no_addresses_are_counted_and_not_shown(marketplace, caplog):
    people = {"technicalContact": {"email": "ann(at)acme"}, "billingContact": {"email": "n/a"}}
    marketplace([license_row(1, contactDetails=people), *LICENSES[1:]], SALES)
    output = run(streams=("contacts", *STREAMS), **TODAY)
    assert [row["account_id"] for row in output.records("anomalies") if row["reason"] == "unusable_email"] == ["E-1"]
    assert {row["email"] for row in output.records("people")} == {"ann@acme.example", "bob@acme.example"}
    emails = {row["role"]: row["email"] for row in output.records("contacts") if row["account_id"] == "E-1"}
    assert emails == {"technical": None, "billing": None, "partner": None}
    assert "email was no address in 1 contacts; emitted as null." in caplog.text
    assert "1 contacts have an e-mail that is no address" in caplog.text
    assert "ann(at)" not in caplog.text


def test_they_are_not_selected_by_default(marketplace):
    fake = marketplace(LICENSES, SALES)
    output = run()
    assert not any(output.records(name) for name in STREAMS)
    assert fake.starts


def test_they_are_computed_from_everything_while_the_others_emit_what_is_new(marketplace):
    rows = [*LICENSES, license_row(3, lastUpdated="2026-03-02")]
    fake = marketplace(rows, SALES)
    state = run(streams=("licenses",)).messages[-1]["value"]
    del fake.starts[:]
    output = run(state, streams=("licenses", "accounts"), lookback_days=0, start_date="2026-01-15", **TODAY)
    assert not any("lastUpdated" in parameters for _, parameters in fake.starts)
    assert len(output.records("accounts")) == 4
    again = run(
        output.messages[-1]["value"], streams=("licenses", "accounts"), lookback_days=0, start_date="2026-01-15"
    )
    assert [row["id"] for row in again.records("licenses")] == ["id-3"]
    assert len(again.records("accounts")) == 4


@pytest.mark.parametrize(
    ("settings", "accounts", "people"),
    [
        ({"hostings": ["cloud"]}, {"E-1"}, {"ann@acme.example"}),
        ({"license_statuses": ["inactive"]}, set(), set()),
        ({"app_keys": ["com.example.one"]}, {"E-1", "E-2", "E-9"}, {"ann@acme.example", "bob@acme.example"}),
        ({"app_keys": ["com.example.two"]}, set(), set()),
        ({"entitlement_numbers": ["E-2"]}, {"E-2"}, {"ann@acme.example", "bob@acme.example"}),
        ({"entitlement_numbers": ["E-9"]}, {"E-9"}, set()),
    ],
)
def test_filters_hold_on_the_way_out(marketplace, settings, accounts, people):
    fake = marketplace(LICENSES, SALES)
    found = customers(**settings)
    assert {row["account_id"] for row in found["accounts"]} == accounts
    assert {row["email"] for row in found["people"]} == people
    for stream in ("account_events", "mrr_segments"):
        assert {row["account_id"] for row in found[stream]} == accounts
    # What is not emitted may tell what something else means, so it is asked for.
    assert not any({"hosting", "status", "licenseType"} & parameters.keys() for _, parameters in fake.starts)


def test_the_order_of_rows_and_repetition_do_not_matter(marketplace):
    marketplace(LICENSES, SALES)
    expected = customers()
    chance = random.Random(1)
    for _ in range(5):
        licenses, sales = [*LICENSES, LICENSES[0]], [*SALES, SALES[2]]
        chance.shuffle(licenses)
        chance.shuffle(sales)
        marketplace(licenses, sales)
        assert customers() == expected


def test_other_processes_find_the_same(marketplace, monkeypatch):
    marketplace(LICENSES, SALES)
    expected = customers(hostings=["cloud"])
    monkeypatch.setattr(examining, "_WORTH_MORE_PROCESSES", 0)
    monkeypatch.setattr(examining.os, "cpu_count", lambda: 2)
    started = []
    pool = examining.ProcessPoolExecutor
    monkeypatch.setattr(examining, "ProcessPoolExecutor", lambda *args: started.append(args) or pool(*args))
    assert customers(hostings=["cloud"]) == expected
    assert len(started) == 1


@pytest.mark.parametrize("module", [joining, examining, customer_rows])
def test_a_full_disk_names_the_setting(marketplace, monkeypatch, module):
    marketplace(LICENSES, SALES)

    @contextmanager
    def full(path):
        with private_file(path) as file:
            yield file
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "private_file", full)
    with pytest.raises(SpoolError, match=r"^`spool_dir`: rows of customers cannot be kept there \(No space left"):
        customers()


def test_a_process_that_is_killed_loses_nothing(marketplace, monkeypatch, caplog):
    marketplace(LICENSES, SALES)
    expected = customers()
    monkeypatch.setattr(examining, "_WORTH_MORE_PROCESSES", 0)
    monkeypatch.setattr(examining.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(examining.ProcessPoolExecutor, "map", broken)
    assert customers() == expected
    assert "going on alone" in caplog.text


def broken(*_):
    """As a pool is, one of whose processes was killed."""
    raise BrokenProcessPool


def test_other_processes_end_with_the_one_that_started_them(tmp_path):
    code = (
        "import multiprocessing, os, sys, time\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from tap_atlassian_marketplace import examining\n"
        "def begin(): examining.threading.Thread(target=examining._end_with_parent, daemon=True).start()\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPoolExecutor(1, multiprocessing.get_context('spawn'), begin)\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    time.sleep(60)\n"
    )
    (tmp_path / "parent.py").write_text(code)
    with subprocess.Popen([sys.executable, tmp_path / "parent.py"], stdout=subprocess.PIPE, text=True) as parent:
        other = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 20
    while is_running(other) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(other)


def is_running(process):
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def test_the_money_is_told(marketplace, caplog):
    marketplace(LICENSES, SALES)
    caplog.set_level("INFO")
    customers()
    (line,) = [record.getMessage() for record in caplog.records if "unaccounted for" in record.getMessage()]
    assert line.startswith("Money of 5 transactions, in USD: 1,772.00\n")
    assert line.endswith("unaccounted for: 0.00")


def test_today_is_a_setting(marketplace):
    marketplace([license_row(1, status="inactive", maintenanceEndDate="2027-01-01")], [sale(1, 1)])
    stages = {
        day: run(streams=("accounts",), as_of=day).records("accounts")[0]["mrr_gross"]
        for day in ("2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01")
    }
    assert stages == {"2025-12-31": 0, "2026-01-01": 100, "2026-12-31": 100, "2027-01-01": 0}


def test_links_are_a_setting(marketplace):
    marketplace(LICENSES, SALES)
    (account, *_) = customers(portal_links={"link_crm": "https://crm.example/?q={account_id}&v={vendor_id}"})[
        "accounts"
    ]
    assert account["link_crm"] == f"https://crm.example/?q={account['account_id']}&v=4711"
    assert account.get("link_licenses") is None


@pytest.mark.parametrize(
    "links", ["[]", "{", {"crm": "https://crm.example"}, {"link_crm": 1}, {"link_CRM": "https://crm.example"}]
)
def test_links_that_cannot_be_used(links):
    with pytest.raises(SettingsError, match="portal_links"):
        run(streams=("accounts",), portal_links=links)


@pytest.mark.parametrize("share", ["a tenth", "-0.1", "1.1", "NaN"])
def test_a_share_that_is_none(share):
    with pytest.raises(SettingsError, match="ignore_goodwill_below"):
        run(streams=("accounts",), ignore_goodwill_below=share)


@pytest.mark.parametrize(("share", "mrr"), [(None, 91.67), ("0.1", 100), (0.05, 91.67)])
def test_goodwill_may_be_ignored(marketplace, share, mrr):
    marketplace(LICENSES, SALES)
    accounts = customers(ignore_goodwill_below=share)["accounts"]
    assert next(row["mrr_gross"] for row in accounts if row["account_id"] == "E-1") == mrr


EMPTY_KEY = {"mrr_segments": {"target_transaction_key": "target_transaction_key or '-'"}}
"""As for loaders that make null of an empty text."""


def catalog_of(*streams):
    catalog = TapAtlassianMarketplace(validate_config=False).catalog_dict
    for entry in catalog["streams"]:
        root = next(each["metadata"] for each in entry["metadata"] if not each["breadcrumb"])
        root["selected"] = entry["tap_stream_id"] in streams
    return catalog


def test_an_empty_part_of_a_key_may_be_replaced(marketplace):
    marketplace(LICENSES, SALES)
    plain = run(catalog=catalog_of("mrr_segments"), **TODAY)
    mapped = run(catalog=catalog_of("mrr_segments"), stream_maps=EMPTY_KEY, **TODAY)
    expected = [
        {**row, "target_transaction_key": row["target_transaction_key"] or "-"} for row in plain.records("mrr_segments")
    ]
    assert mapped.records("mrr_segments") == expected
    assert {row["target_transaction_key"] for row in expected} == {"-", "IN-1|line-1"}
    (schema,) = [message for message in mapped.messages if message["type"] == "SCHEMA"]
    assert schema["key_properties"] == ["account_id", "transaction_key", "target_transaction_key", "valid_from"]


def test_a_stream_map_of_a_stream_that_is_left_out_does_no_harm(marketplace):
    marketplace(LICENSES, SALES)
    output = run(catalog=catalog_of("accounts"), stream_maps=EMPTY_KEY, **TODAY)
    assert len(output.records("accounts")) == 3
