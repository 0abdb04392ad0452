"""Customers are computed from feedback and quotes too, as far as the account may read them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.tap.fake_marketplace import CONFIG, Output, run
from tests.tap.test_customer_streams import LICENSES, SALES, STREAMS, TODAY

from tap_atlassian_marketplace.customer_rows import CustomerRows
from tap_atlassian_marketplace.errors import StreamsFailedError
from tap_atlassian_marketplace.row_kinds import FEEDBACK, TRANSACTIONS
from tap_atlassian_marketplace.row_kinds import LICENSES as LICENSES_REPORT
from tap_atlassian_marketplace.selection import Selection
from tap_atlassian_marketplace.settings import Settings
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace


def feedback_row(day: str, kind: str = "uninstall", **fields: Any) -> dict[str, Any]:
    """What the first licence's customer said."""
    ids = {"appEntitlementNumber": "E-1"}
    return {"addonKey": "com.example.one", "date": day, "feedbackType": kind, "reasonKey": "cost", **ids, **fields}


def quote_row(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "quoteId": f"Q-{number}",
        "quoteStatus": "ACCEPTED",
        "acceptedDate": "2026-01-02",
        "listPrice": 600,
        "userTier": 10,
        **fields,
    }


OTHERS = {
    "feedback/details": [
        feedback_row("2026-02-20"),
        feedback_row("2026-01-10", "disable"),
        feedback_row("2026-02-21", appEntitlementNumber=None, message="of nobody"),
        feedback_row("2026-02-22", appEntitlementNumber="E-7", message="of a licence that is gone"),
    ],
    "quotes": [
        quote_row(1, entitlementNumber="E-2", startDate="2026-01-01", endDate="2027-01-01"),
        quote_row(1, entitlementNumber="E-2", startDate="2027-01-01", endDate="2028-01-01"),
        quote_row(2, entitlementEid="id-1"),
    ],
}


def told(output: Any) -> dict[str, list[str]]:
    """Give the accounts that feedback and quotes tell of, by event."""
    events: dict[str, list[str]] = {}
    for row in output.records("account_events"):
        if row["event_id"].partition(":")[0] in {"fb", "quote"}:
            events.setdefault(row["event"], []).append(row["account_id"])
    return {event: sorted(accounts) for event, accounts in events.items()}


def health_of(output: Any, account_id: str) -> Any:
    (row,) = [row for row in output.records("accounts") if row["account_id"] == account_id]
    return row["health_reasons"]


def refuse(fake: Any, name: str, status: int) -> None:
    fake.mock.register_uri(
        "GET" if name == "feedback" else "POST",
        re.compile(f"/{name}/"),
        status_code=status,
        json={"message": "no"},
    )


def test_feedback_and_quotes_tell_of_customers_though_nobody_selects_them(marketplace):
    fake = marketplace(LICENSES, SALES, others=OTHERS)
    output = run(streams=STREAMS, **TODAY)
    assert told(output) == {"app_uninstalled": ["E-1"], "app_disabled": ["E-1"], "quote_accepted": ["E-1", "E-2"]}
    assert "-25 uninstalled or disabled within 30 days" in health_of(output, "E-1")
    (quote,) = [row for row in output.records("account_events") if row["event_id"] == "quote:Q-1:id-2"]
    assert (quote["metadata"]["list_price"], quote["metadata"]["users"]) == (1200, 10)
    assert not output.records("feedback")
    assert not output.records("quotes")
    assert {row["account_id"] for row in output.records("accounts")} == {"E-1", "E-2", "E-9"}
    assert [report for report, _ in fake.pages if report == "feedback/details"] == ["feedback/details"]
    assert len(fake.started("quotes")) == 1


def test_the_event_of_feedback_names_who_gave_it(marketplace):
    signed, written, unsigned = "2026-02-20", "2026-02-21", "2026-02-22"
    rows = [feedback_row(signed, email=" Ann@Acme.com "), feedback_row(written, email="N/A"), feedback_row(unsigned)]
    marketplace(LICENSES, SALES, others={"feedback/details": rows})
    events = run(streams=STREAMS, **TODAY).records("account_events")
    who = {row["occurred_at"][:10]: row["user_email"] for row in events if row["event"] == "app_uninstalled"}
    assert who == {signed: "ann@acme.com", written: None, unsigned: None}


def test_feedback_is_read_whole_and_once_though_its_stream_emits_what_is_new(marketplace):
    fake = marketplace(LICENSES, SALES, others=OTHERS)
    state = run(streams=("feedback",)).state
    fake.rows["feedback/details"] = [*OTHERS["feedback/details"], feedback_row("2026-02-28", "unsubscribe")]
    del fake.pages[:]
    output = run(state, streams=(*STREAMS, "feedback", "quotes"), lookback_days=0, **TODAY)
    (parameters,) = [parameters for report, parameters in fake.pages if report == "feedback/details"]
    assert "startDate" not in parameters
    assert len(fake.started("quotes")) == 1
    assert [row["date"] for row in output.records("feedback")] == ["2026-02-22", "2026-02-28"]
    assert len(output.records("quotes")) == 3
    assert set(told(output)) == {"app_uninstalled", "app_disabled", "app_unsubscribed", "quote_accepted"}


def test_no_feedback_is_asked_for_without_customers(marketplace):
    fake = marketplace(LICENSES, SALES, others=OTHERS)
    run()
    assert not any(report in OTHERS for report, _ in (*fake.pages, *fake.starts))


@pytest.mark.parametrize(
    ("name", "events"),
    [("feedback", {"quote_accepted"}), ("quotes", {"app_uninstalled", "app_disabled"})],
)
def test_what_may_not_be_read_is_a_warning(marketplace, caplog, name, events):
    fake = marketplace(LICENSES, SALES, others=OTHERS)
    expected = run(streams=STREAMS, **TODAY)
    refuse(fake, name, 403)
    output = run(streams=STREAMS, **TODAY)
    assert set(told(output)) == events
    for stream in ("people", "mrr_segments", "anomalies"):
        assert output.records(stream) == expected.records(stream)
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith(f"Customers are computed without {name}. The account may not read ")
    assert '"View all other reports"' in warning


def retired(output):
    return {message["stream"] for message in output.messages if message["type"] == "ACTIVATE_VERSION"}


@pytest.mark.parametrize("name", ["feedback", "quotes"])
def test_events_of_what_may_not_be_read_any_more_are_not_retired(marketplace, name):
    fake = marketplace(LICENSES, SALES, others=OTHERS)
    assert retired(run(streams=STREAMS)) == set(STREAMS)
    refuse(fake, name, 403)
    assert retired(run(streams=STREAMS)) == set(STREAMS) - {"account_events"}


def test_events_of_rows_without_an_id_are_not_retired(marketplace):
    marketplace(LICENSES, SALES, others={**OTHERS, "quotes": [*OTHERS["quotes"], {"quoteId": None}]})
    assert retired(run(streams=STREAMS)) == set(STREAMS) - {"account_events"}


def test_a_vendor_without_feedback_and_quotes_has_events_that_are_retired(marketplace):
    marketplace(LICENSES, SALES)
    assert retired(run(streams=STREAMS)) == set(STREAMS)


def test_who_may_not_read_quotes_misses_none(marketplace):
    fake = marketplace(LICENSES, SALES, others=OTHERS)
    day = {"as_of": "2026-12-20"}
    missed = "-15 renewal within 30 days, no accepted quote"
    known = run(streams=STREAMS, **day)
    assert missed in health_of(known, "E-1")
    assert missed not in health_of(known, "E-2")
    refuse(fake, "quotes", 403)
    assert missed not in health_of(run(streams=STREAMS, **day), "E-1")


def test_a_stream_that_may_not_be_read_fails_alone(marketplace, capsys):
    fake = marketplace(LICENSES, SALES, others=OTHERS)
    refuse(fake, "feedback", 403)
    tap = TapAtlassianMarketplace(config={**CONFIG, **TODAY})
    for name, stream in tap.streams.items():
        stream.selected = name in (*STREAMS, "feedback")
    with pytest.raises(StreamsFailedError, match=r"^feedback: The account may not read .*HTTP 403") as failed:
        tap.sync_all()
    assert len(failed.value.lines) == 1
    assert len(Output(capsys.readouterr().out).records("accounts")) == 3


@pytest.mark.parametrize("name", ["feedback", "quotes"])
def test_any_other_trouble_fails_the_customer_streams_and_no_other(marketplace, capsys, name):
    fake = marketplace(LICENSES, SALES, others=OTHERS)
    refuse(fake, name, 400)
    tap = TapAtlassianMarketplace(config={**CONFIG, **TODAY})
    for each, stream in tap.streams.items():
        stream.selected = each in (*STREAMS, "licenses")
    with pytest.raises(
        StreamsFailedError, match=f"^{', '.join(STREAMS)}: {name}, .* The Marketplace rejected a parameter"
    ):
        tap.sync_all()
    output = Output(capsys.readouterr().out)
    assert len(output.records("licenses")) == 2
    assert not output.records("accounts")


def test_what_nobody_signed_does_not_come_into_the_join(tmp_path):
    reports = {LICENSES_REPORT: LICENSES, TRANSACTIONS: SALES, FEEDBACK: OTHERS["feedback/details"]}
    selection = Selection(Settings.from_config(CONFIG))
    CustomerRows(tmp_path, reports, Settings.from_config(CONFIG).customers(), selection)
    joined = "".join(path.read_text() for path in tmp_path.glob("join-*.jsonl"))
    assert "of a licence that is gone" in joined
    assert "of nobody" not in joined
