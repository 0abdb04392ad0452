from __future__ import annotations

import pytest
from tests.tap.fake_marketplace import license_row, run, transaction_row

from tap_atlassian_marketplace.errors import StreamsFailedError


def active_and_inactive(marketplace):
    return marketplace(
        [
            license_row(1),
            license_row(2, status="inactive", licenseType="EVALUATION", hosting="Data Center"),
            license_row(3, licenseType="OPEN_SOURCE", hosting="Server", multiInstanceEntitlementNumber="E-30"),
        ],
        [transaction_row(n, n) for n in (1, 2, 3, 30)] + [transaction_row(9, None)],
    )


@pytest.mark.parametrize(
    ("settings", "sent", "licenses", "sales"),
    [
        ({"license_statuses": ["Active"]}, ("status", ["active"]), ["id-1", "id-3"], ["IN-1", "IN-3", "IN-30"]),
        ({"license_types": ["OPEN_SOURCE"]}, ("licenseType", ["open_source"]), ["id-3"], ["IN-3", "IN-30"]),
        pytest.param(
            {"license_types": ["upgrade_evaluation"]},
            ("licenseType", ["upgrade_evaluation"]),
            ["id-2"],
            ["IN-2"],
            marks=pytest.mark.off_contract(reason="the API knows more licence types than its description"),
        ),
        ({"hostings": "Data Center"}, ("hosting", ["datacenter"]), ["id-2"], ["IN-2"]),
        (
            {"hostings": '["data center", "cloud"]'},
            ("hosting", ["datacenter", "cloud"]),
            ["id-1", "id-2"],
            ["IN-1", "IN-2"],
        ),
    ],
)
def test_filters_are_sent_and_checked_again(marketplace, settings, sent, licenses, sales):
    fake = active_and_inactive(marketplace)
    output = run(**settings)
    assert output.ids("licenses") == output.ids("contacts") == licenses
    assert output.ids("transactions") == sales
    assert all(start[sent[0]] == sent[1] for start in fake.started("licenses"))
    assert all(sent[0] not in start for start in fake.started("sales/transactions"))


def test_without_a_filter_sales_without_a_licence_are_emitted(marketplace):
    active_and_inactive(marketplace)
    output = run()
    assert output.ids("transactions") == ["IN-1", "IN-2", "IN-3", "IN-30", "IN-9"]
    assert output.records("transactions")[-1]["account_id"] is None
    assert output.records("transactions")[-1]["aliases"] == []


def test_app_keys_become_product_ids(marketplace):
    fake = marketplace(
        [license_row(1), license_row(2, addonKey="com.example.two")],
        [transaction_row(1, 1), transaction_row(2, 2, addonKey="com.example.two")],
    )
    output = run(app_keys="com.example.two,")
    assert all(parameters["productId"] == ["product-2"] for _, parameters in fake.starts)
    assert output.ids("licenses") == ["id-2"]
    assert output.ids("transactions") == ["IN-2"]
    output = run(app_keys=["com.example.two", "com.example.one"])
    assert fake.starts[-1][1]["productId"] == ["product-2", "product-1"]
    assert output.ids("licenses") == ["id-1", "id-2"]


def test_a_filter_on_licences_reads_all_of_them_but_emits_only_new_ones(marketplace):
    fake = marketplace(
        [license_row(1, lastUpdated="2025-01-01"), license_row(2, lastUpdated="2026-02-01")],
        [transaction_row(1, 1)],
    )
    state = run(license_statuses=["active"]).state
    fake.starts.clear()
    output = run(state, license_statuses=["active"])
    assert all("lastUpdated" not in start for start in fake.started("licenses"))
    assert output.ids("licenses") == ["id-2"]
    assert output.ids("transactions") == ["IN-1"]


def test_a_filter_asks_only_for_new_licences_where_no_sale_needs_the_old_ones(marketplace):
    fake = marketplace([license_row(1)])
    state = run(streams=["licenses"], license_statuses=["active"]).state
    fake.starts.clear()
    run(state, streams=["licenses"], license_statuses=["active"])
    assert [start["lastUpdated"] for start in fake.started("licenses")] == [["2026-01-18"]] * 2
    assert fake.started("sales/transactions") == []


def test_trial(marketplace, caplog):
    caplog.set_level("INFO")
    fake = marketplace(
        [license_row(1), license_row(11), license_row(2, addonLicenseId="77")],
        [transaction_row(1, 1), transaction_row(2, 11), transaction_row(3, None, licenseId="SEN-77")],
    )
    state = {"bookmarks": {"licenses": {"replication_key_value": "2026-01-30", "fingerprint": "x"}}}
    output = run(state, entitlement_numbers=["E-1", "SEN-77"])
    assert output.ids("licenses") == ["id-1", "77"]
    assert output.ids("contacts") == ["id-1", "77"]
    assert output.ids("transactions") == ["IN-1", "IN-3"]
    # They are started by several threads.
    assert sorted(start["text"] for start in fake.started("licenses")) == [["E-1"], ["E-1"], ["SEN-77"], ["SEN-77"]]
    assert sorted(start["text"] for start in fake.started("sales/transactions")) == [["E-1"], ["SEN-77"]]
    assert all("lastUpdated" not in start for _, start in fake.starts)
    assert output.state["bookmarks"]["licenses"] == state["bookmarks"]["licenses"]
    assert output.bookmark("transactions") is None
    assert caplog.text.count("no bookmark moves") == 1


@pytest.mark.parametrize("stream", ["licenses", "accounts"])
def test_a_trial_names_the_numbers_that_it_did_not_find(marketplace, caplog, stream):
    marketplace([license_row(1)])
    assert len(run(streams=[stream], entitlement_numbers=["E-1", "E-2"]).records(stream)) == 1
    assert "no licence was found for E-2." in caplog.text


@pytest.mark.parametrize("streams", [("licenses",), ("contacts", "accounts", "people", "account_events")])
def test_a_trial_that_finds_nothing_fails(marketplace, streams):
    marketplace([license_row(1)], [transaction_row(1, 1)])
    with pytest.raises(StreamsFailedError, match="`entitlement_numbers`: no licence was found for E-2, E-3"):
        run(streams=streams, entitlement_numbers=["E-2", "E-3"])


def test_a_trial_of_the_sales_alone_finds_those_of_other_ids(marketplace):
    marketplace([license_row(1, addonLicenseId="77")], [transaction_row(1, None, licenseId="SEN-77")])
    assert run(streams=["transactions"], entitlement_numbers=["E-1"]).ids("transactions") == ["IN-1"]
