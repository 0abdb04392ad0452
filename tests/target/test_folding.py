"""Many rows speak about one user: what journy.io should hold does not depend on their order."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_journy.folding import Entity, pack, unpack
from target_journy.operations import Source
from target_journy.values import UNSET


def fold(entity: Entity, key: str, version: str, *, unset_nulls: bool = False, **properties: Any) -> bool:
    return entity.fold(Source("rows", key, version), properties, mapping="m", unset_nulls=unset_nulls)


def values(entity: Entity) -> dict[str, Any]:
    return {name: value for name, (value, _) in entity.properties.items()}


def settled(**properties: Any) -> Entity:
    entity = Entity()
    fold(entity, "a", "1", **properties)
    entity.acknowledge({}, "m")
    return entity


def test_what_ledgers_of_earlier_versions_hold_is_read() -> None:
    entity = unpack('{"rows":[["rows:a","1"]],"properties":{"name":["x",0]},"known":true,"sent":3}')
    assert (entity.revision, entity.in_doubt, entity.known) == (3, False, True)
    assert unpack(pack(entity)) == entity


def test_the_newest_row_wins_property_by_property() -> None:
    entity = Entity()
    fold(entity, "a", "2026-03-02", name="new", phone=None)
    fold(entity, "b", "2026-03-01", name="old", phone="1")
    assert values(entity) == {"name": "new", "phone": "1"}


def test_of_two_rows_of_one_date_the_greater_key_wins() -> None:
    for order in (("a", "b"), ("b", "a")):
        entity = Entity()
        for key in order:
            fold(entity, key, "1", name=key)
        assert values(entity) == {"name": "b"}


def test_a_row_overwrites_itself() -> None:
    entity = Entity()
    fold(entity, "a", "1", name="x")
    fold(entity, "a", "1", name="y")
    assert values(entity) == {"name": "y"}


def test_what_did_not_change_is_not_pending() -> None:
    entity = settled(name="x", size=1)
    assert not fold(entity, "a", "1", name="x", size=1)
    assert fold(entity, "a", "2", name="x", size=2)
    assert entity.payload() == {"size": 2}


def test_true_is_not_one() -> None:
    entity = settled(flag=1)
    fold(entity, "a", "1", flag=True)
    assert entity.payload() == {"flag": True}
    entity.acknowledge({}, "m")
    fold(entity, "a", "1", flag=Decimal(1))
    assert entity.payload() == {"flag": 1}


@pytest.mark.parametrize(("unset_nulls", "payload"), [(False, {}), (True, {"name": None})])
def test_a_null_keeps_or_deletes(unset_nulls: bool, payload: dict[str, Any]) -> None:
    entity = settled(name="x")
    fold(entity, "a", "2", unset_nulls=unset_nulls, name=None)
    assert entity.payload() == payload
    entity.acknowledge({}, "m")
    assert not fold(entity, "a", "2", unset_nulls=unset_nulls, name=None)


def test_a_null_of_an_older_row_deletes_nothing() -> None:
    entity = settled(name="x")
    fold(entity, "b", "0", unset_nulls=True, name=None)
    assert values(entity) == {"name": "x"}


def test_what_was_never_there_is_not_deleted() -> None:
    entity = Entity()
    fold(entity, "a", "1", unset_nulls=True, name=None)
    assert entity.payload() == {}


def test_what_is_erased_is_deleted_whatever_the_policy() -> None:
    entity = settled(name="x")
    fold(entity, "a", "2", name=UNSET)
    assert entity.payload() == {"name": None}


def test_rows_that_nothing_comes_from_are_dropped() -> None:
    entity = settled(name="x")
    for version in range(2, 50):
        fold(entity, "a", str(version), name=f"x{version}")
        fold(entity, "b", str(version), other=None)
    assert len(entity.rows) == 1


def test_an_entity_survives_the_ledger_exactly() -> None:
    entity = settled(money=Decimal("1234567890.1234567890123456789"), big=2**70, flag=True, tags=["a"], text="ü\x00")
    entity.acknowledge({"money": "no"}, "m")
    fold(entity, "b", "2", text="new")
    again = unpack(pack(entity))
    assert again == entity
    assert type(again.properties["flag"][0]) is bool
    assert pack(again) == pack(entity)


NAMES = ("name", "phone", "city")
ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcde"),
        st.sampled_from(["", "1", "2", "3"]),
        st.fixed_dictionaries({name: st.sampled_from([None, UNSET, "x", "y", "z"]) for name in NAMES}),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda row: row[0],  # a row overwrites itself, so that only different rows may come in any order
)


@given(rows=ROWS, data=st.data(), unset_nulls=st.booleans())
def test_order_repetition_and_batches_do_not_matter(rows: Any, data: st.DataObject, unset_nulls: bool) -> None:
    straight, other = Entity(), Entity()
    for key, version, properties in rows:
        fold(straight, key, version, unset_nulls=unset_nulls, **properties)
    shuffled = data.draw(st.permutations(list(chain(rows, data.draw(st.lists(st.sampled_from(rows), max_size=5))))))
    held: dict[str, Any] = {}
    for key, version, properties in shuffled:
        fold(other, key, version, unset_nulls=unset_nulls, **properties)
        if data.draw(st.booleans()):  # the end of a batch: what is pending is delivered
            held.update(other.payload())
            other.acknowledge({}, "m")
            other = unpack(pack(other))
    held.update(other.payload())
    assert values(other) == values(straight)
    wanted = {name: value for name, value in values(straight).items() if value is not None}
    assert {name: value for name, value in held.items() if value is not None} == wanted
    other.acknowledge({}, "m")
    for key, version, properties in data.draw(st.permutations(rows)):
        assert not fold(other, key, version, unset_nulls=unset_nulls, **properties)
    assert not other.must_be_sent


@given(rows=ROWS)
def test_the_winner_is_the_greatest_version_and_key(rows: Any) -> None:
    entity = Entity()
    for key, version, properties in rows:
        fold(entity, key, version, **properties)
    for name in NAMES:
        speaking = [(version, key, props[name]) for key, version, props in rows if props[name] is not None]
        if speaking:
            winner = max(speaking, key=lambda row: row[:2])[2]
            assert entity.properties[name][0] == (None if winner is UNSET else winner)
        else:
            assert name not in entity.properties


def test_what_journy_io_holds_is_kept_until_it_takes_another_value() -> None:
    entity = settled(name="x", size=1)
    fold(entity, "a", "2", name="y", city="Ulm")
    assert entity.before == {"name": "x"}
    fold(entity, "a", "3", name="z")
    assert entity.before == {"name": "x"}  # y never got there
    entity.acknowledge({"name": "No."}, "m")
    assert unpack(pack(entity)).before == {"name": "x"}
    fold(entity, "a", "4", name="w", size=2)
    assert entity.before == {"name": "x", "size": 1}
    entity.acknowledge({}, "m")
    assert entity.before == {}


def test_a_value_that_cannot_be_read_does_not_hide_what_journy_io_holds() -> None:
    entity = settled(size=1)
    entity.note_problem(Source("rows", "a", "2"), "size", "expected a number", "m")
    fold(entity, "a", "3", size=3)
    assert entity.before == {"size": 1}


def test_of_a_person_who_is_forgotten_no_value_is_kept() -> None:
    entity = settled(name="x")
    fold(entity, "a", "2", name="y")
    entity.forget()
    assert entity.before == {}
    assert "x" not in pack(entity)
