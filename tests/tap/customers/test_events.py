"""The events of an account: which there are, and by which ids they are told only once."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import account, events, examine, licence, names, trial

from target_journy.mapping import compile_streams
from target_journy.mapping_reading import load_mapping

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

RAW = compile_streams(load_mapping("marketplace-raw", None)[0])["transactions"]
YEAR = row("New", 1200, "2025-01-01", "2026-01-01", order="AT-1")


def test_goodwill_on_the_day_of_an_upgrade_of_another_order_is_told() -> None:
    goodwill = row("Refund", -60, "2025-01-01", "2026-01-01", sold="2025-07-01", order="AT-8")
    upgrade = row("Upgrade", 300, "2025-07-01", "2026-01-01", order="AT-9", tier="25 Users")
    found = events(licence(), YEAR, goodwill, upgrade)
    assert found["tx:AT-8|1"]["event"] == "subscription_refunded"
    told = found["tx:AT-9|1"]["metadata"]
    assert (told["purchase_price"], told.get("is_rebill_pair")) == (300, None)


@pytest.mark.parametrize("order", ["AT-9", "AT-8"])
def test_the_rest_of_the_old_plan_goes_back_with_an_upgrade_of_any_order(order: str) -> None:
    rest = row("Refund", -600, "2025-07-01", "2026-01-01", order=order, line="2")
    anew = row("Upgrade", 900, "2025-07-01", "2026-01-01", order="AT-9", tier="25 Users")
    found = events(licence(), YEAR, rest, anew)
    assert found["tx:AT-9|1"]["metadata"]["is_rebill_pair"] is True
    assert f"tx:{order}|2" not in found


@pytest.mark.parametrize("kind", ["New", "Renewal", "Upgrade", "Downgrade", "Refund", None])
@pytest.mark.parametrize("order", ["AT-1", "odd|order%"])
def test_a_sale_has_the_id_name_time_and_metadata_of_the_preset_for_raw_rows(kind: str | None, order: str) -> None:
    amount = -12 if kind == "Refund" else 12
    sale = row(
        kind,
        amount,
        "2025-01-01",
        "2026-01-01",
        order=order,
        oldTier="5 Users",
        discounts=[{"type": "EXPERT", "amount": 3}],
        paymentTerms="Net30",
    )
    sale["lastUpdated"] = "2025-01-02"
    version, operations = RAW.operations({**sale, "account_id": "E-1", "aliases": ["E-1"]})
    (raw,) = operations.events
    mine = events(licence(), sale)[raw.event_id]
    assert mine["last_updated"] == version == "2025-01-02"
    assert (mine["event"], mine["occurred_at"]) == (raw.name, raw.triggered_at)
    metadata = {"event_id": mine["event_id"], **mine["metadata"]}
    shared = {name: metadata.get(name) for name in raw.metadata if not name.endswith("date")}
    assert {name: _plain(value) for name, value in shared.items()} == {
        name: _plain(value) for name, value in raw.metadata.items() if not name.endswith("date")
    }
    assert all(metadata[name] == str(value)[:10] for name, value in raw.metadata.items() if name.endswith("date"))


def _plain(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return float(value) if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else value


def test_a_sale_tells_what_it_did_to_mrr() -> None:
    upgrade = row("Upgrade", 300, "2025-07-01", "2026-01-01", tier="25 Users", oldTier="10 Users", order="AT-2")
    metadata = events(licence(), YEAR, upgrade)["tx:AT-2|1"]["metadata"]
    assert (metadata["mrr_after"], metadata["mrr_delta"], metadata["users_delta"]) == (150, 50, 15)


def deltas(*sales: Row) -> list[tuple[str, float]]:
    """Give what each event of a sale of the latest day says of MRR."""
    found = [
        event for event in events(licence(), *sales, today="2026-12-01").values() if "mrr_delta" in event["metadata"]
    ]
    last = max(event["occurred_at"][:10] for event in found)
    told = [event for event in found if event["occurred_at"][:10] == last]
    return sorted((event["event_id"].removeprefix("tx:"), float(event["metadata"]["mrr_delta"])) for event in told)


SAME_DAY = {
    "two upgrades": (
        [
            row("Upgrade", 300, "2025-07-01", "2026-01-01", order="up", line="1"),
            row("Upgrade", 600, "2025-07-01", "2026-01-01", order="up", line="2"),
        ],
        [("up|1", 50), ("up|2", 100)],
    ),
    "an upgrade billed anew and another": (
        [
            row("Refund", -600, "2025-07-01", "2026-01-01", order="up", line="1"),
            row("Upgrade", 900, "2025-07-01", "2026-01-01", order="up", line="2", tier="25 Users"),
            row("Upgrade", 60, "2025-07-01", "2026-01-01", order="zz", line="1", tier="30 Users"),
        ],
        [("up|2", 50), ("zz|1", 10)],
    ),
    "an upgrade and a refund": (
        [
            row("Refund", -60, "2025-01-01", "2026-01-01", sold="2025-07-01", order="back"),
            row("New", 300, "2025-07-01", "2026-01-01", order="more"),
        ],
        [("back|1", -10), ("more|1", 50)],
    ),
    "a renewal of two lines": (
        [
            row("Renewal", 600, "2026-01-01", "2027-01-01", order="re", line="1"),
            row("Renewal", 900, "2026-01-01", "2027-01-01", order="re", line="2"),
        ],
        [("re|1", 0), ("re|2", 25)],
    ),
    "a cheaper renewal of two lines": (
        [
            row("Renewal", 600, "2026-01-01", "2027-01-01", order="re", line="1"),
            row("Renewal", 300, "2026-01-01", "2027-01-01", order="re", line="2"),
        ],
        [("re|1", 0), ("re|2", -25)],
    ),
    "an upgrade before a cheaper renewal": (
        [
            row("Upgrade", 600, "2026-01-01", "2027-01-01", order="aa"),
            row("Renewal", 960, "2026-01-01", "2027-01-01", order="re"),
        ],
        [("aa|1", 50), ("re|1", -20)],
    ),
    "a renewal that nobody paid, issued again": (
        [
            row("Renewal", 1200, "2026-01-01", "2027-01-01", order="IN-1", status="Uncollectible"),
            row("Renewal", 1200, "2026-01-01", "2027-01-01", order="IN-2"),
        ],
        [("IN-1|1", 0), ("IN-2|1", 0)],
    ),
}


@pytest.mark.parametrize("case", SAME_DAY)
def test_each_of_several_sales_of_a_day_tells_its_own_part(case: str) -> None:
    sales, expected = SAME_DAY[case]
    assert deltas(YEAR, *sales) == expected


def test_what_the_sales_of_a_day_tell_adds_up_to_the_cent() -> None:
    thirds = [row("Upgrade", 100, "2025-07-01", "2025-10-01", order="up", line=str(line)) for line in range(3)]
    assert deltas(YEAR, *thirds) == [("up|0", 33.33), ("up|1", 33.33), ("up|2", 33.34)]


def test_a_renewal_tells_how_early_it_came() -> None:
    renewal = row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2025-12-20", order="AT-2")
    metadata = events(licence(), YEAR, renewal, today="2026-02-01")["tx:AT-2|1"]["metadata"]
    assert (metadata["on_time_days"], metadata["mrr_delta"]) == (12, 0)


def test_a_refund_and_the_new_bill_of_an_upgrade_are_one_event() -> None:
    back = row("Refund", -600, "2025-07-01", "2026-01-01", net=-510, order="AT-2", line="1")
    anew = row("Upgrade", 900, "2025-07-01", "2026-01-01", net=720, order="AT-2", line="2", tier="25 Users")
    back["lastUpdated"], anew["lastUpdated"] = "2025-07-09", "2025-07-02"
    found = events(licence(), YEAR, back, anew)
    assert names(found) == ["subscription_started", "subscription_upgraded"]
    assert [event["last_updated"] for event in found.values()] == [None, "2025-07-09"]
    metadata = found["tx:AT-2|2"]["metadata"]
    assert (metadata["purchase_price"], metadata["vendor_amount"]) == (300, 210)
    assert (metadata["is_rebill_pair"], metadata["refunded_transactions"]) == (True, ["AT-2|1"])


def test_a_refund_of_a_cancellation_is_an_event_that_names_its_sale() -> None:
    found = events(licence(), YEAR, row("Refund", -900, "2025-04-01", "2026-01-01", order="AT-2"))
    assert found["tx:AT-2|1"]["event"] == "subscription_refunded"
    assert found["tx:AT-2|1"]["metadata"]["refunded_tx"] == "AT-1|1"


def test_users_added_within_a_month() -> None:
    added = [{"addedUsers": 2, "date": "2025-06-20"}, {"addedUsers": 1, "date": "2025-06-16"}]
    sale = row("Upgrade", 25, "2025-06-16", "2025-07-01", sold="2025-07-01", order="AT-2", proratedDetails=added)
    event = events(licence(), YEAR, sale)["tx:AT-2|1"]
    assert event["event"] == "users_added"
    assert (event["metadata"]["added_users"], event["metadata"]["added_on"]) == (3, ["2025-06-16", "2025-06-20"])


def test_another_billing_period() -> None:
    month = row("New", 100, "2025-05-01", "2025-06-01", billingPeriod="Monthly", order="AT-1")
    year = row("Upgrade", 1000, "2025-06-01", "2026-06-01", order="AT-2")
    assert events(licence(), month, year)["bp:1:2025-06-01"]["metadata"] == {"from": "Monthly", "to": "Annual"}


def test_a_change_for_a_short_rest_keeps_the_billing_period() -> None:
    rest = row("Upgrade", 20, "2025-12-10", "2026-01-01", order="AT-2", tier="25 Users", billingPeriod=None)
    renewal = row("Renewal", 1500, "2026-01-01", "2027-01-01", order="AT-3", tier="25 Users")
    assert not [each for each in events(licence(), YEAR, rest, renewal, today="2026-02-01") if each.startswith("bp")]
    known = account(licence(), YEAR, rest, today="2025-12-20")
    assert (known["billing_period"], known["lifecycle_stage"]) == ("Annual", "renewal_upcoming")
    assert known["renewal_amount_expected"] == Decimal("1538.18")  # 100 + 20 / 0.7097 a month


def test_what_nobody_paid_and_what_is_free_is_no_other_billing_period() -> None:
    tried = row(
        "Renewal", 120, "2026-01-01", "2026-02-01", order="AT-2", billingPeriod="Monthly", status="Uncollectible"
    )
    again = row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2026-01-10", order="AT-3")
    assert not [each for each in events(licence(), YEAR, tried, again, today="2026-03-01") if each.startswith("bp")]


def test_feedback_quotes_and_failed_payments() -> None:
    feedback = {"feedbackType": "disable", "date": "2025-07-01", "reasonKey": "cost", "message": "private"}
    quote = {"quoteId": "Q-1", "quoteNumber": "QT-1", "acceptedDate": "2025-07-02", "listPrice": 1200, "userTier": 100}
    dunned = {
        **YEAR,
        "paymentStatus": "Open",
        "dunningStatus": [{"attemptCount": 1, "errorCode": "declined", "paymentAttemptDate": "2025-02-01"}],
    }
    second = {**quote, "acceptedDate": "2025-07-03", "listPrice": 1500.5}
    found = events(licence(), dunned, feedback=(feedback,), quotes=(second, quote))
    told = found["quote:Q-1:1"]
    assert told["occurred_at"].startswith("2025-07-02")
    assert (told["metadata"]["list_price"], told["metadata"]["users"]) == (Decimal("2700.5"), 100)
    assert found["dun:AT-1|1:2025-02-01"]["metadata"]["reason"] == "declined"
    (told,) = [each for each in found.values() if each["event"] == "app_disabled"]
    assert told["event_id"].startswith("fb:1:disable:2025-07-01:")
    assert "private" not in str(told)


def test_feedback_is_told_once_though_its_words_are_erased() -> None:
    said = {"feedbackType": "uninstall", "date": "2025-07-01", "reasonKey": "cost", "addonVersion": "1.0"}
    pieces = [{**said, "message": "dear", "email": "ann@acme.com"}, {**said, "message": "too dear"}]
    pieces.append({**said, "reasonKey": "other"})
    erased = [said, {**said, "message": None}, pieces[2]]
    ids = set(events(licence(), YEAR, feedback=tuple(pieces)))
    assert len(ids) == 1 + len(pieces)
    for rows in (pieces[::-1], erased, erased[::-1]):
        assert set(events(licence(), YEAR, feedback=tuple(rows))) == ids


def test_no_event_is_later_than_today() -> None:
    renewal = row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2025-12-20")
    found = examine(licence(), YEAR, renewal, today="2025-02-01")
    assert [each["event"] for each in found.account_events] == ["subscription_started"]
    assert len(found.mrr_segments) == 2


def test_ids_do_not_change_when_a_licence_gains_an_entitlement_number() -> None:
    before = events(trial("2025-06-01", "2025-06-30", appEntitlementNumber=None))
    assert set(before) == set(events(trial("2025-06-01", "2025-06-30")))


def test_a_term_that_goes_back_before_it_begins_changes_no_billing_period() -> None:
    def month(number: int, kind: str = "Renewal") -> Row:
        days = f"2024-{number:02}-01", f"2024-{number + 1:02}-01"
        return row(kind, 100, *days, order=f"m{number}", billingPeriod="Monthly")

    years = [
        row("Upgrade", 1000, "2024-06-01", "2025-06-01", order="y", line="1"),
        row("Renewal", 1000, "2025-06-01", "2026-06-01", sold="2024-06-01", order="y", line="2"),
        row("Refund", -750, "2024-09-01", "2025-06-01", order="b", line="1", original="y"),
        row("Refund", -1000, "2025-06-01", "2026-06-01", sold="2024-09-01", order="b", line="2", original="y"),
    ]
    found = events(licence(), month(5, "New"), *years, month(9), month(10), today="2025-07-15")
    changes = [each["occurred_at"][:10] for each in found.values() if each["event"] == "billing_period_changed"]
    assert changes == ["2024-06-01", "2024-09-01"]
