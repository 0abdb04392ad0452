"""Both presets tell of the same changes, and who switches between them is told none twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.rows import license_messages, license_row, person, sale

from tap_atlassian_marketplace.customers.identity import account_id, aliases

if TYPE_CHECKING:
    from tests.target.runs import Message, World

TIERS = ("10 Users", "25 Users", "50 Users", "100 Users")
NAMES = {
    "contact_changed",
    "edition_changed",
    "license_type_changed",
    "partner_changed",
    "payment_status_changed",
    "tier_changed",
    "transaction_corrected",
}


def raw(day: int, step: int) -> list[Message]:
    """The rows of a licence and its sale, on a day and after so many changes of everything."""
    date = f"2026-03-{day:02}"
    row = license_row(
        1,
        person(f"p{step}@acme.com"),
        tier=TIERS[step],
        licenseType=f"TYPE{step}",
        appEdition=f"Edition {step}",
        partnerDetails={"partnerName": f"Partner {step}"},
        lastUpdated=date,
    )
    stream, transaction = sale(1, date=date, vendorAmount=100 - step)
    return [*license_messages(row), (stream, {**transaction, "paymentStatus": f"STATUS{step}"})]


def computed(day: int, step: int, changed: int | None = None) -> list[Message]:
    """What the tap makes of these rows as of a day; they changed on it, or before."""
    row = license_row(1)
    names = {"account_id": account_id(row), "aliases": aliases(row)}
    account = {
        **names,
        "as_of": f"2026-03-{day:02}",
        "tier": TIERS[step],
        "license_type": f"TYPE{step}",
        "app_edition": f"Edition {step}",
        "technical_contact_email": f"p{step}@acme.com",
        "billing_contact_email": None,
        "partner_name": f"Partner {step}",
    }
    event = {
        **names,
        "event_id": "tx:AT-1|1",
        "event": "subscription_started",
        "occurred_at": "2026-03-01T12:00:01Z",
        "last_updated": f"2026-03-{changed or day:02}",
        "metadata": {"vendor_amount": 100 - step, "payment_status": f"STATUS{step}"},
    }
    return [("accounts", account), ("account_events", event)]


PRESETS = {"marketplace": computed, "marketplace-raw": raw}


def changes(world: World) -> list[dict[str, Any]]:
    """The events that were told of changes since the last time."""
    found = [event for event in world.state.events if "property" in event["metadata"]]
    world.state.events.clear()
    return found


def test_the_same_changes_under_both_presets(world: World) -> None:
    told = {}
    for preset, rows in PRESETS.items():
        settings = {"preset": preset, "workspace": preset}
        world.load(rows(1, 0), **settings)
        assert changes(world) == []
        run = world.load(rows(2, 1), **settings)
        assert run.exit_code == 0
        told[preset] = {event["metadata"]["event_id"]: event for event in changes(world)}
        assert world.load(rows(2, 1), **settings).calls == []
    one, other = told.values()
    assert {event["name"] for event in one.values()} == NAMES
    assert one == other


@pytest.mark.parametrize(("first", "then"), [("marketplace", "marketplace-raw"), ("marketplace-raw", "marketplace")])
def test_switching_tells_no_change_twice_and_goes_on_with_the_next(world: World, first: str, then: str) -> None:
    world.load(PRESETS[first](1, 0), preset=first)
    world.load(PRESETS[first](2, 1), preset=first)
    assert {event["name"] for event in changes(world)} == NAMES
    world.load(PRESETS[then](2, 1), preset=then)  # on the same day, over the same rows
    assert changes(world) == []
    world.load(PRESETS[then](3, 2), preset=then)
    assert {event["name"] for event in changes(world)} == NAMES
    world.load(PRESETS[first](3, 2), preset=first)
    assert changes(world) == []
    world.load(PRESETS[first](4, 3), preset=first)
    told = changes(world)
    assert {event["name"] for event in told} == NAMES
    assert {event["metadata"]["new_value"] for event in told if event["name"] == "tier_changed"} == {"100 Users"}


def test_a_correction_is_told_of_the_sale_alone_not_of_the_trial_that_it_converted(world: World) -> None:
    for day in (1, 2):
        rows = computed(day, day)
        (_, sale) = rows[1]
        trial = {**sale, "event_id": "conv:1:AT-1|1", "event": "trial_converted", "last_updated": None}
        world.load([*rows, ("account_events", trial)], preset="marketplace")
        if day == 1:
            told = {event["name"]: event["metadata"]["vendor_amount"] for event in world.state.events}
            assert told == {"subscription_started": 99, "trial_converted": 99}
    corrected = [event for event in changes(world) if event["name"] == "transaction_corrected"]
    assert [event["metadata"]["changed_event_id"] for event in corrected] == ["tx:AT-1|1"]


def test_an_older_row_of_the_other_preset_begins_anew_too(world: World) -> None:
    """The computed rows are as of the day of the run, which is later than the licence's last change."""
    world.load(computed(9, 0, changed=1), preset="marketplace")
    world.load(raw(1, 0), preset="marketplace-raw")
    world.load(raw(2, 1), preset="marketplace-raw")
    assert {event["name"] for event in changes(world)} == NAMES


def test_who_is_forgotten_is_not_told_with_the_next_contact(world: World) -> None:
    for day, email in enumerate(("ann@acme.com", None, "bob@acme.com"), 1):
        (account, event) = computed(day, 0)
        account[1]["technical_contact_email"] = email
        world.load([account, event], preset="marketplace")
    (told,) = changes(world)
    assert (told["name"], told["metadata"].get("old_value")) == ("contact_changed", None)
    assert told["metadata"]["new_value"] == "bob@acme.com"


@pytest.mark.parametrize("version", [None, "2026-03-01"])
def test_an_account_that_was_deleted_and_is_back_tells_its_next_changes(world: World, version: str | None) -> None:
    """Without a time, or on one day, nothing but the number tells one change from another."""
    tier = {"value": "tier", "on_change": "tier_changed"}
    account = {"id": "id", "properties": {"tier": tier, "seats": {"value": "seats", "on_change": "seats_changed"}}}
    clients = {"key": "id", "account": account, **({"version": "at"} if version else {})}
    world.settings.update(
        preset=None, mapping={"streams": {"clients": clients}}, deletes="hard", max_deleted_percent=100
    )

    def load(**fields: Any) -> None:
        run = world.load([("clients", {"id": "C1", "at": version, **fields})])
        assert (run.exit_code, run.report["waiting"]) == (0, 0)

    for _ in range(2):
        load(tier="a", seats=1)
        load(tier="b", seats=1)
        load(tier="c", seats=2)
        load(_sdc_deleted_at="2026-03-02")
        assert world.state.accounts == {}
    load(tier="c", seats=2)
    load(tier="a", seats=3)
    told = [(event["name"], event["metadata"]["new_value"]) for event in world.state.events]
    once = [("seats_changed", 2), ("tier_changed", "b"), ("tier_changed", "c")]
    assert sorted(told, key=str) == sorted([*once, *once, ("tier_changed", "a"), ("seats_changed", 3)], key=str)
    ids = [event["metadata"]["event_id"] for event in world.state.events]
    assert len({*ids}) == len(ids)
