"""The mapping: where it comes from, how it is checked, and what it says about a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from target_journy.identities import RecordError, join_key
from target_journy.loader import Loader
from target_journy.mapping import DefaultMapping, compile_streams
from target_journy.mapping_check import check_fields
from target_journy.mapping_file import MappingError, listed
from target_journy.mapping_reading import load_mapping

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.runs import World

TEXT = """
streams:
  clients:
    key: id
    account: {id: id, properties: {name: name}}
"""
INLINE = {"streams": {"clients": {"key": "id", "account": {"id": "id", "properties": {"name": "name"}}}}}
SCHEMA = {
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "contact": {"type": ["object", "null"], "properties": {"email": {"type": "string"}}},
        "free": {"type": "object"},
        "sales": {"type": "array"},
    }
}


def clients(**account: Any) -> dict[str, Any]:
    return {"streams": {"clients": {"key": "id", "account": {"id": "id", **account}}}}


def test_inline_as_text_and_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yml"
    path.write_text(TEXT)
    assert load_mapping(None, INLINE)[:2] == load_mapping(None, TEXT)[:2] == load_mapping(None, str(path))[:2]
    as_json = '{"streams": {"clients": {"key": "id", "account": {"id": "id", "properties": {"name": "name"}}}}}'
    assert load_mapping(None, as_json)[:2] == load_mapping(None, INLINE)[:2]


def test_without_a_mapping_and_a_preset_there_is_none() -> None:
    mapping, own, _ = load_mapping(None, None)
    assert (mapping.streams, own) == ({}, frozenset())


def test_the_users_mapping_replaces_the_preset_stream_by_stream() -> None:
    own_licenses = {"variables": {"vendor_id": 7}, "streams": {"licenses": INLINE["streams"]["clients"]}}
    preset, *_ = load_mapping("marketplace-raw", None)
    mapping, own, _ = load_mapping("marketplace-raw", own_licenses)
    assert own == {"licenses"}
    assert mapping.variables["vendor_id"] == 7
    assert mapping.streams["contacts"] == preset.streams["contacts"]
    (account,) = listed(mapping.streams["licenses"].account)
    assert list(account.properties) == ["name"]


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("streams:\n  a: [", "the file is no YAML, line 2"),
        ("/nowhere/mapping.yml", "cannot read the file '/nowhere/mapping.yml' (No such file or directory)"),
        ({"streams": {"a": {"key": "id", "acount": {}}}}, "unknown field `acount`"),
        ({"stream": {}}, "unknown field `stream`"),
        ({"streams": {"a": {}}}, "missing required field `key`"),
        (clients(properties={"x": {"value": "a", "type": "text"}}), "Invalid enum value 'text'"),
        ("just\ntext\n", "Expected `object`, got `str`"),
    ],
)
def test_a_mapping_that_cannot_be_read(mapping: Any, says: str) -> None:
    with pytest.raises(MappingError) as error:
        load_mapping(None, mapping)
    assert says in str(error.value)
    assert str(error.value).startswith("setting 'mapping': ")


def test_a_folder_is_no_mapping(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot read the file"):
        load_mapping(None, str(tmp_path))


def test_an_expression_that_cannot_be_read() -> None:
    mapping, *_ = load_mapping(None, clients(properties={"x": "join(", "y": "name"}))
    with pytest.raises(MappingError, match=r"stream 'clients', account.properties.x: 'join\(' is no JMESPath"):
        compile_streams(mapping)


@pytest.mark.parametrize(
    ("account", "says"),
    [
        ({"properties": {"x": "nmae"}}, "account.properties.x: the stream has no field 'nmae'; did you mean 'name'?"),
        ({"properties": {"x": "contact.emial"}}, "no field 'contact.emial'; did you mean 'contact.email'?"),
        ({"properties": {"x": {"value": "join(' ', [name, zzz])"}}}, "the stream has no field 'zzz'"),
        ({"id": "ID"}, "account.id: the stream has no field 'ID'; did you mean 'id'?"),
        ({"aliases": "alias"}, "account.aliases: the stream has no field 'alias'"),
    ],
)
def test_an_unknown_field_of_the_users_mapping(fake: World, account: dict[str, Any], says: str) -> None:
    loader = Loader(fake.config(mapping=clients(**account)))
    with pytest.raises(MappingError) as error:
        loader.open_stream("clients", SCHEMA, ["id"])
    loader.close()
    assert says in str(error.value)
    assert str(error.value).startswith("stream 'clients', ")
    assert "\n" not in str(error.value)


def test_what_a_schema_does_not_list_may_be_there() -> None:
    mapping, *_ = load_mapping(
        None, clients(properties={"a": "free.any.thing", "b": "sales[].amount", "c": "sales[0].x"})
    )
    check_fields("clients", mapping.streams["clients"], SCHEMA)
    check_fields("clients", mapping.streams["clients"], {})


@pytest.mark.parametrize("section", ["membership", "event", "user"])
def test_every_section_is_checked(section: str) -> None:
    reference = {"id": "id"}
    sections: dict[str, Any] = {
        "membership": {"slot": ["id", "nothing"], "account": reference, "email": "contact.email"},
        "event": {"id": "id", "account": {"id": "nothing"}, "time": "name", "other_name": "happened"},
        "user": {"email": "nothing"},
    }
    mapping, *_ = load_mapping(None, {"streams": {"clients": {"key": "id", section: sections[section]}}})
    with pytest.raises(MappingError, match=f"{section}.*no field 'nothing'"):
        check_fields("clients", mapping.streams["clients"], SCHEMA)


def test_the_preset_takes_a_stream_that_lacks_a_field(fake: World) -> None:
    loader = Loader(fake.config())
    loader.open_stream("licenses", {"properties": {"id": {}}}, ["id"])
    loader.load("licenses", {"id": "1", "account_id": "SEN-1"})
    assert loader.finish() == 0
    loader.close()
    assert list(fake.state.accounts) == ["SEN-1"]


@pytest.mark.parametrize(("policy", "counts"), [("skip", {"skipped": 1}), ("default", {"delivered": 1})])
def test_a_stream_that_no_mapping_names(fake: World, policy: str, counts: dict[str, int]) -> None:
    run = fake.load([("pets", {"id": 1, "name": "Rex", "tags": ["b", "a"], "owner": {"x": 1}})], unknown_streams=policy)
    assert run.counts == {"pets": counts}
    expected = {"pets:1": {"id": 1, "name": "Rex", "tags": ["a", "b"], "owner": '{"x":1}'}}
    accounts = {key: account.properties for key, account in fake.state.accounts.items()}
    assert accounts == (expected if policy == "default" else {})


def test_an_unknown_stream_may_be_an_error(fake: World) -> None:
    with pytest.raises(MappingError, match="setting 'unknown_streams' is fail, and no mapping names the stream 'pets'"):
        fake.load([("pets", {"id": 1})], unknown_streams="fail")


def test_a_stream_without_a_key_is_known_by_its_content() -> None:
    mapping = DefaultMapping("pets", [])
    one, same, other = ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 3})
    assert mapping.key(one) == mapping.key(same) != mapping.key(other)
    assert len(mapping.key({"text": "x" * 10_000})) == 64


@pytest.mark.parametrize("key", [None, "", {}, [1]])
def test_a_record_without_its_key_is_no_record(fake: World, key: Any) -> None:
    with pytest.raises(RecordError, match="stream 'pets': the"):
        fake.load([("pets", {"id": key})], unknown_streams="default")
    with pytest.raises(RecordError, match="stream 'licenses': the"):
        fake.load([("licenses", {"id": key, "account_id": "E-1"})])


def test_a_version_that_cannot_be_read_quarantines_the_record(fake: World) -> None:
    mapping = clients()
    mapping["streams"]["clients"]["version"] = "join('', at)"
    run = fake.load([("clients", {"id": "1", "at": 5}), ("clients", {"id": "2", "at": ["x"]})], mapping=mapping)
    assert run.counts == {"clients": {"delivered": 1, "rejected": 1}}


PARTS = st.lists(st.text("ab|%\\", min_size=1, max_size=4), min_size=3, max_size=3)


@given(one=PARTS, other=PARTS)
@example(one=["a|b", "c", "d"], other=["a", "b|c", "d"])
@example(one=["a", "b", "c|"], other=["a", "b|", "c"])
@example(one=["a%7C", "b", "c|"], other=["a|", "b", "c|"])
def test_two_keys_are_never_joined_to_one(one: list[str], other: list[str]) -> None:
    assert (join_key(one) == join_key(other)) == (one == other)


@given(parts=st.lists(st.text('ab%\\"[]', min_size=1, max_size=30), min_size=1, max_size=30))
def test_a_key_without_the_separator_stays_as_it_always_was(parts: list[str]) -> None:
    assert join_key(parts) == "|".join(parts)
    assert join_key(["a|b"]) == "a|b"


def test_records_whose_keys_hold_the_separator_stay_apart(fake: World) -> None:
    rows = [("things", {"one": one, "two": two}) for one, two in (("a|b", "c"), ("a", "b|c"))]
    loader = Loader(fake.config(unknown_streams="default"))
    loader.open_stream("things", {}, ["one", "two"])
    for stream, record in rows:
        loader.load(stream, record)
    assert loader.finish() == 0
    loader.close()
    assert [account.properties for account in fake.state.accounts.values()] == [record for _, record in rows]


def test_a_property_needs_a_name() -> None:
    account = {"id": "id", "properties": {"": "name"}}
    mapping, *_ = load_mapping(None, {"streams": {"things": {"key": "id", "account": account}}})
    with pytest.raises(MappingError, match="stream 'things': a property has no name"):
        compile_streams(mapping)
