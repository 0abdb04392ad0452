"""Sales as events: told once, about the right account, in the right order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.rows import license_messages, license_row, sale

if TYPE_CHECKING:
    from tests.target.runs import World


def licenses(*rows: dict[str, Any]) -> list[Any]:
    return license_messages(*rows)[: len(rows)]


def told(world: World) -> list[tuple[Any, ...]]:
    return [(event["name"], event["account"], event["triggeredAt"]) for event in world.state.events]


ONE = licenses(license_row(1))


def test_a_sale_is_told_once(world: World) -> None:
    run = world.load([*ONE, sale(1)])
    assert told(world) == [("subscription_started", "SEN-1", "2026-03-01T12:00:01Z")]
    assert run.counts["transactions"] == {"delivered": 1}
    run = world.load([*ONE, sale(1)])
    assert run.calls == []
    assert run.counts == {"licenses": {"unchanged": 1}, "transactions": {"unchanged": 1}}


def test_the_same_row_twice_in_one_input_is_told_once(world: World) -> None:
    run = world.load([*ONE, sale(1), sale(1)])
    assert run.paths["/track"] == 1
    assert run.counts["transactions"] == {"delivered": 2}


def test_line_items_of_a_transaction_are_sales_of_their_own(world: World) -> None:
    world.load([*ONE, sale(1, line="1"), sale(1, line="2")])
    assert [event["metadata"]["event_id"] for event in world.state.events] == ["tx:AT-1|1", "tx:AT-1|2"]


def test_a_restated_sale_is_told_as_a_correction(world: World) -> None:
    world.load([*ONE, sale(1, vendorAmount=100)])
    run = world.load([*ONE, sale(1, vendorAmount=90, date="2026-03-05")])
    assert [body["name"] for _, body in run.calls] == ["transaction_corrected"]
    assert world.state.events[0]["metadata"]["vendor_amount"] == 100


def test_sales_are_told_in_the_order_of_the_day(world: World) -> None:
    kinds = ["Renewal", "Upgrade", "Downgrade", "New", "Refund", "Mystery", None]
    sales = [sale(n, kind) for n, kind in enumerate(kinds)]
    world.load([*ONE, sale(9, "New", "2026-03-02"), *sales, sale(8, "New", "2026-02-28")])
    assert [(name, time) for name, _, time in told(world)] == [
        ("subscription_started", "2026-02-28T12:00:01Z"),
        ("subscription_refunded", "2026-03-01T12:00:00Z"),
        ("subscription_started", "2026-03-01T12:00:01Z"),
        ("subscription_downgraded", "2026-03-01T12:00:02Z"),
        ("subscription_upgraded", "2026-03-01T12:00:03Z"),
        ("subscription_renewed", "2026-03-01T12:00:04Z"),
        ("transaction", "2026-03-01T12:00:05Z"),
        ("transaction", "2026-03-01T12:00:05Z"),
        ("subscription_started", "2026-03-02T12:00:01Z"),
    ]


def test_events_since(world: World) -> None:
    messages = [*ONE, sale(1, date="2026-02-28"), sale(2, date="2026-03-01")]
    run = world.load(messages, events_since="2026-03-01")
    assert run.counts["transactions"] == {"skipped": 1, "delivered": 1}
    assert world.load(messages, events_since="2026-03-01").calls == []
    assert world.load(messages, events_since="all").paths == {"/track": 1}


@pytest.mark.parametrize(
    "ids",
    [
        {"appEntitlementNumber": "E-1"},
        {"appEntitlementId": "uuid-1"},
        {"licenseId": "SEN-1"},
        {"addonLicenseId": "1"},
        {"addonLicenseId": "1", "licenseId": "SEN-1", "appEntitlementNumber": "E-1"},
    ],
)
def test_a_sale_finds_its_account_by_any_alias(fake: World, ids: dict[str, str]) -> None:
    fake.load([*licenses(license_row(1, appEntitlementNumber="E-1", appEntitlementId="uuid-1")), sale(1, **ids)])
    assert [account for _, account, _ in told(fake)] == ["E-1"]


def test_a_license_that_gains_an_entitlement_number_stays_one_account(world: World) -> None:
    world.load([*license_messages(license_row(1, {"email": "ann@acme.com"})), sale(1)])
    gained = license_row(1, {"email": "ann@acme.com"}, appEntitlementNumber="E-1", lastUpdated="2026-03-02")
    same_sale = sale(1, appEntitlementNumber="E-1", licenseId="SEN-1", addonLicenseId="1")
    new_sale = sale(2, "Renewal", "2026-03-02", appEntitlementNumber="E-1")
    run = world.load([*license_messages(gained), same_sale, new_sale])
    assert list(world.state.accounts) == ["SEN-1"]
    assert [name for name, _, _ in told(world)] == ["subscription_started", "subscription_renewed"]
    changed = next(body for path, body in run.calls if path == "/accounts/upsert")
    assert changed == {
        "identification": {"accountId": "SEN-1"},
        "properties": {"entitlement_number": "E-1"},
    }
    assert run.paths == {"/accounts/upsert": 1, "/track": 1}
    assert world.load([*license_messages(gained), same_sale, new_sale]).calls == []


def test_a_sale_on_a_multi_instance_number_goes_to_the_smallest_license(world: World) -> None:
    rows = [license_row(n, multiInstanceEntitlementNumber="E-M") for n in (13, 2, 14)]
    run = world.load([*licenses(*rows), sale(1, appEntitlementNumber="E-M")])
    assert [account for _, account, _ in told(world)] == ["SEN-2"]
    assert world.state.events[0]["metadata"]["multi_instance"] is True
    assert len(world.state.accounts) == 3
    assert run.counts["transactions"] == {"delivered": 1}


def test_a_sale_on_a_multi_instance_number_may_come_first(world: World) -> None:
    rows = [license_row(n, multiInstanceEntitlementNumber="E-M") for n in (3, 2)]
    run = world.load([sale(1, appEntitlementNumber="E-M"), *licenses(*rows)], flush_every=1)
    assert [account for _, account, _ in told(world)] == ["SEN-2"]
    assert world.state.events[0]["metadata"]["multi_instance"] is True
    assert run.counts["transactions"] == {"delivered": 1}


def test_a_sale_of_its_own_account_is_not_marked(world: World) -> None:
    world.load([*licenses(license_row(1, multiInstanceEntitlementNumber="E-M")), sale(1)])
    assert "multi_instance" not in world.state.events[0]["metadata"]


@pytest.mark.parametrize("flush_every", [0, 1])
def test_a_sale_before_its_license(world: World, flush_every: int) -> None:
    run = world.load([sale(1), *ONE], flush_every=flush_every)
    assert [path for path, _ in run.calls] == ["/accounts/upsert", "/track"]
    assert run.counts == {"transactions": {"delivered": 1}, "licenses": {"delivered": 1}}
    assert run.report["resumed"] == 0


def test_an_orphan_waits_for_a_later_run(world: World) -> None:
    run = world.load([sale(1)])
    assert (run.exit_code, run.calls) == (0, [])
    assert run.counts == {"transactions": {"waiting": 1}}
    assert run.report["waiting"] == 1
    run = world.load([sale(1)])
    assert run.counts == {"transactions": {"waiting": 1}}
    run = world.load(ONE)
    assert run.paths == {"/accounts/upsert": 1, "/track": 1}
    assert (run.report["resumed"], run.report["waiting"]) == (1, 0)
    assert world.load([*ONE, sale(1)]).calls == []


def test_a_sale_without_any_id_is_skipped(world: World) -> None:
    stream, record = sale(1)
    nameless = {name: value for name, value in record.items() if name not in {"addonLicenseId", "licenseId"}}
    run = world.load([*ONE, (stream, {**nameless, "account_id": None, "aliases": []})])
    assert run.counts["transactions"] == {"skipped": 1}
    assert world.state.events == []


def test_a_sale_without_a_date_is_quarantined(world: World) -> None:
    stream, record = sale(1)
    record = {**record, "purchaseDetails": {"saleType": "New"}}
    run = world.load([*ONE, (stream, record)])
    assert run.counts["transactions"] == {"rejected": 1}
    assert [line["reason"] for line in run.quarantined] == ["the time of the event is missing or no date"]
    assert run.quarantined[0]["record"] == record
    run = world.load([*ONE, (stream, record)])
    assert run.counts["transactions"] == {"rejected": 1}
    assert run.quarantined == []
    assert run.report["rejected_again"] == 1


def test_an_orphan_that_is_refused_in_the_end_is_quarantined(fake: World) -> None:
    from tests.target.runs import refuse

    def no_events(path: str, body: dict[str, Any]) -> None:
        if path == "/track":
            raise refuse("Unknown event")

    fake.door.before = no_events
    run = fake.load([sale(1), *ONE], flush_every=1)
    assert run.counts == {"transactions": {"rejected": 1}, "licenses": {"delivered": 1}}
    assert [(line["stream"], line["key"], line["reason"]) for line in run.quarantined] == [
        ("transactions", "tx:AT-1|1", "Unknown event")
    ]
