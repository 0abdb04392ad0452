"""Events that tell of a change: once for each, whatever happens to the run, and never because of an older row."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.test_ledger import rows

from target_journy.folding import Entity, pack, unpack
from target_journy.ledger.schema import VERSION
from target_journy.operations import Source, Watch
from target_journy.transports import DeliveryError
from target_journy.values import UNSET, VACANT
from target_journy.watching import compare

if TYPE_CHECKING:
    from tests.target.runs import Message, World


class Killed(BaseException):
    """Stands for the end of the process."""


TIER = {"tier": Watch("tier_changed", "m1")}


def see(entity: Entity, value: Any, version: str, key: str = "a", meaning: str = "m1") -> list[tuple[Any, Any, int]]:
    watched = {"tier": Watch("tier_changed", meaning)}
    changes, _ = compare(entity, Source("rows", key, version), {"tier": value}, watched, ("rows",))
    return [(change.old, change.new, change.number) for change in changes]


def told(world: World) -> list[tuple[str, Any, Any]]:
    """What was told of changes: name, old and new value."""
    return [
        (event["name"], event["metadata"].get("old_value"), event["metadata"].get("new_value"))
        for event in world.state.events
        if "property" in event["metadata"]
    ]


def one_license(day: int, **fields: Any) -> list[Message]:
    return license_messages(license_row(1, lastUpdated=f"2026-03-{day:02}", **fields))


def test_a_value_that_goes_back_and_forth_on_one_day_is_told_each_time() -> None:
    entity = Entity()
    assert [see(entity, value, "1") for value in "abab"] == [
        [],
        [("a", "b", 1)],
        [("b", "a", 2)],
        [("a", "b", 3)],
    ]


def test_an_older_version_of_a_row_tells_nothing_and_leaves_no_trace() -> None:
    entity = Entity()
    see(entity, "a", "1")
    see(entity, "b", "2")
    for _ in range(3):
        assert see(entity, "a", "1") == see(entity, "b", "2") == []


def test_another_row_is_another_measure() -> None:
    entity = Entity()
    see(entity, "a", "1", key="a")
    assert see(entity, "b", "2", key="b") == []
    assert see(entity, "c", "3", key="b") == [("b", "c", 1)]
    assert see(entity, "x", "2", key="a") == []


def test_what_a_stream_said_that_is_no_more_mapped_is_nothing_to_compare_with() -> None:
    entity = Entity()
    see(entity, "a", "2")
    accounts, watched = Source("accounts", "a", "1"), {"tier": Watch("tier_changed", "m1")}
    assert compare(entity, accounts, {"tier": "b"}, watched, ["accounts", "rows"]) == ([], False)  # it is an older row
    assert compare(entity, accounts, {"tier": "b"}, watched, ["accounts"]) == ([], True)
    changes, _ = compare(entity, accounts, {"tier": "c"}, watched, ["accounts"])
    assert [(change.old, change.new, change.number) for change in changes] == [("b", "c", 1)]


def test_another_way_to_make_the_value_is_another_measure() -> None:
    entity = Entity()
    see(entity, "a", "1")
    assert see(entity, "A", "2", meaning="m2") == []
    assert see(entity, "B", "3", meaning="m2") == [("A", "B", 1)]


def test_no_value_is_a_baseline_but_no_change() -> None:
    entity = Entity()
    assert see(entity, None, "1") == []
    assert see(entity, "a", "2") == [(None, "a", 1)]
    assert see(entity, None, "3") == []
    assert see(entity, "a", "4") == []
    assert see(entity, "b", "5") == [("a", "b", 2)]


def test_what_was_erased_is_not_told() -> None:
    entity = Entity()
    see(entity, "ann@acme.com", "1")
    assert see(entity, UNSET, "2") == []
    assert "ann" not in pack(entity)
    assert see(entity, "bob@acme.com", "3") == [(None, "bob@acme.com", 1)]
    assert see(entity, VACANT, "4") == []  # so for the streams that tell of the erased and the vacant alike
    assert "bob" not in pack(entity)


def test_a_value_from_before_it_was_watched_is_what_the_next_version_is_compared_with() -> None:
    entity = Entity()
    entity.fold(Source("rows", "a", "1"), {"tier": "a"}, mapping="m", unset_nulls=False)
    again = unpack(pack(entity))
    assert see(entity, "b", "2") == [("a", "b", 1)]
    assert see(again, "b", "1") == []  # the same record, read anew by another mapping


VALUES = st.sampled_from([None, "x", "y", 1, True, Decimal("1.5")])


@given(rows=st.lists(st.tuples(st.integers(0, 3), VALUES), min_size=1, max_size=8), data=st.data())
def test_the_ledger_and_repeats_change_nothing(rows: list[tuple[int, Any]], data: st.DataObject) -> None:
    straight, other = Entity(), Entity()
    expected, found = [], []
    for day, value in rows:
        source = Source("rows", "a", str(day))
        changes, is_news = compare(straight, source, {"tier": value}, TIER, ["rows"])
        expected += changes
        changes, _ = compare(other, source, {"tier": value}, TIER, ["rows"])
        found += changes
        assert is_news or not changes
        if data.draw(st.booleans()):
            other = unpack(pack(other))
            assert compare(other, source, {"tier": value}, TIER, ["rows"]) == ([], False)
    assert found == expected
    assert [change.number for change in expected] == list(range(1, len(expected) + 1))


def test_the_seven_changes_of_the_preset(world: World) -> None:
    ann, bob, partner = person("ann@acme.com"), person("bob@acme.com"), {"partnerName": "Best Partner"}
    first = license_row(
        1, ann, tier="10 Users", licenseType="EVALUATION", appEdition="Standard", partnerDetails={"partnerName": "Old"}
    )
    second = license_row(
        1,
        bob,
        tier="25 Users",
        licenseType="COMMERCIAL",
        appEdition="Advanced",
        partnerDetails=partner,
        lastUpdated="2026-03-02",
    )
    unpaid, paid = sale(1), sale(1, date="2026-03-03", vendorAmount=90)
    unpaid[1]["paymentStatus"], paid[1]["paymentStatus"] = "UNPAID", "PAID"
    world.load([*license_messages(first), unpaid])
    assert told(world) == []
    run = world.load([*license_messages(second), paid])
    assert sorted(told(world)) == [
        ("contact_changed", "ann@acme.com", "bob@acme.com"),
        ("edition_changed", "Standard", "Advanced"),
        ("license_type_changed", "EVALUATION", "COMMERCIAL"),
        ("partner_changed", "Old", "Best Partner"),
        ("payment_status_changed", "UNPAID", "PAID"),
        ("tier_changed", "10 Users", "25 Users"),
        ("transaction_corrected", 100, 90),
    ]
    assert run.counts["transactions"] == {"delivered": 1}
    tier = next(event for event in world.state.events if event["name"] == "tier_changed")
    assert tier["triggeredAt"] == "2026-03-02T12:00:00Z"
    corrected = next(event for event in world.state.events if event["name"] == "transaction_corrected")
    assert corrected["metadata"]["changed_event_id"] == "tx:AT-1|1"
    assert world.load([*license_messages(second), paid]).calls == []
    assert world.load([*license_messages(first), unpaid]).paths["/track"] == 0


def interrupted(world: World, messages: list[Message], call: int, kind: type[BaseException], moment: str) -> None:
    seen = 0

    def count(path: str, body: dict[str, Any]) -> None:
        nonlocal seen
        seen += 1
        if seen == call:
            raise kind("interrupted")

    setattr(world.door, moment, count)
    with suppress(Killed):
        world.load(messages, flush_every=2)
    world.door.before = world.door.after = lambda path, body: None


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("kind", [DeliveryError, Killed])
def test_a_run_that_was_cut_short_tells_every_change_with_the_same_ids(
    fake: World, kind: type[BaseException], moment: str
) -> None:
    days: list[Message] = []
    for day, tier in ((2, "25 Users"), (3, "10 Users"), (4, "25 Users"), (5, "10 Users"), (6, "50 Users")):
        days += one_license(day, tier=tier)[:1]
    ids: list[set[str]] = []
    calls = 1
    for call in range(20):
        if call > calls:
            break
        fake.door.__init__(f"journy fake{call}.example")  # type: ignore[misc] # a destination of its own
        fake.load(one_license(1, tier="10 Users"))
        if call:
            interrupted(fake, days, call, kind, moment)
        run = fake.load(days, flush_every=2)
        calls = calls if call else len(run.calls)
        ids.append({event["metadata"]["event_id"] for event in fake.state.events})
        assert len(fake.state.events) <= 5 + (moment == "after")
        assert run.report["waiting"] == 0
    assert len(ids) == calls + 1
    assert len(ids[0]) == 5
    assert all(found == ids[0] for found in ids)


def test_a_sale_that_was_not_told_yet_is_told_as_it_is_now(world: World) -> None:
    world.load([sale(1)])
    world.load([sale(1, date="2026-03-02", vendorAmount=90)])
    assert world.state.events == []
    world.load(one_license(1))
    assert [event["metadata"]["vendor_amount"] for event in world.state.events] == [90]
    world.load([sale(1, date="2026-03-03", vendorAmount=80)])
    assert told(world) == [("transaction_corrected", 90, 80)]


def test_what_was_not_sent_yet_is_sent_as_it_is_now(fake: World) -> None:
    """A change is told from what a row said before, whether that has reached journy.io or not."""
    interrupted(fake, one_license(1, tier="10 Users"), 1, DeliveryError, "before")
    fake.load(one_license(2, tier="25 Users"))
    assert told(fake) == [("tier_changed", "10 Users", "25 Users")]


PHONES = {
    "people": {
        "key": "id",
        "version": "day",
        "user": {"email": "email", "properties": {"phone": {"value": "phone", "on_change": "phone_changed"}}},
    }
}


def phone(day: int, number: str | None) -> Message:
    return "people", {"id": 1, "day": f"2026-03-{day:02}", "email": "ann@acme.com", "phone": number}


def test_a_change_of_a_user_is_told_of_the_user_alone(world: World) -> None:
    world.load([phone(1, "1")], mapping={"streams": PHONES})
    assert world.state.events == []
    world.load([phone(2, "2")], mapping={"streams": PHONES})
    (event,) = world.state.events
    assert (event["name"], event["user"], event["account"]) == ("phone_changed", "ann@acme.com", None)
    assert event["triggeredAt"] == "2026-03-02T12:00:00Z"
    assert told(world) == [("phone_changed", "1", "2")]
    assert world.load([phone(2, "2")], mapping={"streams": PHONES}).calls == []
    assert world.load([phone(1, "1")], mapping={"streams": PHONES}).paths["/track"] == 0


def test_who_is_forgotten_leaves_no_value_to_tell_of() -> None:
    entity = Entity()
    see(entity, "ann@acme.com", "1")
    entity.forget()
    assert "ann" not in pack(entity)
    assert see(entity, "bob@acme.com", "2") == []


def test_an_event_without_a_value_that_changes_is_not_kept_to_be_compared(world: World) -> None:
    silent = sale(1)
    del silent[1]["purchaseDetails"]["vendorAmount"]
    world.load([*one_license(1), silent, sale(2)])
    assert rows(world)["entities"] == 1 + 1  # the account, and the sale that has an amount


def test_a_ledger_of_version_1_goes_on(fake: World) -> None:
    fake.load(one_license(1, tier="10 Users"))
    engine = create_engine(fake.ledger_url)
    with engine.begin() as connection:  # as version 1 wrote it
        data = connection.execute(text("SELECT data FROM entities WHERE kind = 'account'")).scalar_one()
        account = unpack(data)
        account.told, account.changes = {}, 0
        connection.execute(text("UPDATE entities SET data = :data WHERE kind = 'account'"), {"data": pack(account)})
        connection.execute(text("UPDATE ledger_info SET version = 1"))
    fake.load(one_license(2, tier="25 Users"))
    assert told(fake) == [("tier_changed", "10 Users", "25 Users")]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT max(version) FROM ledger_info")).scalar_one() == VERSION
    engine.dispose()
