"""What a mapping can say besides "this property is that field"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_journy.identities import RecordError
from target_journy.key_styles import snake_case
from target_journy.loader import Loader
from target_journy.mapping import compile_streams
from target_journy.mapping_file import MappingError
from target_journy.mapping_reading import load_mapping

if TYPE_CHECKING:
    from tests.target.runs import World


def mapping(**sections: Any) -> dict[str, Any]:
    sections = {name: {"id": "id", **section} if name == "account" else section for name, section in sections.items()}
    return {
        "variables": {"vendor": 7, "empty": None},
        "streams": {"clients": {"key": "id", "version": "at", **sections}},
    }


def load(world: World, *records: dict[str, Any], settings: dict[str, Any] | None = None, **sections: Any) -> Any:
    return world.load(
        [("clients", {"id": "1", **record}) for record in records], mapping=mapping(**sections), **(settings or {})
    )


def held(world: World, account: str = "1") -> dict[str, Any]:
    """The properties that journy.io holds and that have a value."""
    return {name: value for name, value in world.state.accounts[account].properties.items() if value is not None}


def test_constants(world: World) -> None:
    constants = {"source": "crm", "is_customer": True, "weight": 2.5, "tags": ["b", "a"]}
    load(world, {}, account={"properties": {name: {"constant": value} for name, value in constants.items()}})
    assert held(world) == {**constants, "tags": ["a", "b"]}


def test_templates(world: World) -> None:
    properties = {
        "title": {"template": "{first} {who.last} ({size}, {vendor})"},
        "half": {"template": "{first} {nothing}"},
        "unfilled": {"template": "{empty}-{first}"},
        "other_braces": {"template": "{first} {} {a b} {{who.last}}"},
    }
    load(world, {"first": "Ann", "who": {"last": "Lee"}, "size": 3}, account={"properties": properties})
    assert held(world) == {"title": "Ann Lee (3, 7)", "other_braces": "Ann {} {a b} {Lee}"}


def test_a_template_without_a_place_is_refused() -> None:
    found, *_ = load_mapping(None, mapping(account={"properties": {"x": {"template": "always"}}}))
    with pytest.raises(
        MappingError, match=r"the template 'always' has no place such as \{name\}; write it as a constant"
    ):
        compile_streams(found)


@pytest.mark.parametrize("prop", [{}, {"type": "string"}, {"value": "a", "constant": 1}, {"constant": None}])
def test_a_property_has_one_source(prop: dict[str, Any]) -> None:
    with pytest.raises(MappingError, match="exactly one of `value`, `constant` and `template`"):
        load_mapping(None, mapping(account={"properties": {"x": prop}}))


RECORD = {"firstName": "Ann", "Last Name": "Lee", "usage_day": 1, "usage_month": 2, "secret": "s", "_sdc_seq": 9}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"id": "1", "firstName": "Ann", "Last Name": "Lee", "usage_day": 1, "usage_month": 2, "secret": "s"}),
        ({"include": ["usage_*", "_sdc_seq"]}, {"usage_day": 1, "usage_month": 2, "_sdc_seq": 9}),
        ({"include": ["usage_*"], "exclude": ["*_day"]}, {"usage_month": 2}),
        (
            {"exclude": ["usage_*", "secret", "id"], "rename": {"Last Name": "surName"}, "key_style": "snake_case"},
            {"first_name": "Ann", "surName": "Lee"},
        ),
    ],
)
def test_fields_as_they_are(world: World, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    load(world, RECORD, account={"fields": fields})
    assert held(world) == expected


def test_a_property_wins_over_a_field_of_its_name(world: World) -> None:
    account = {"fields": {"include": ["name", "size"]}, "properties": {"name": {"template": "The {name}"}}}
    load(world, {"name": "Acme", "size": 1}, account=account)
    assert held(world) == {"name": "The Acme", "size": 1}


def test_two_fields_of_one_name_are_rejected_and_the_others_go_on(world: World) -> None:
    fields = {"exclude": ["id"], "key_style": "snake_case"}
    run = load(world, {"firstName": "Ann", "first_name": "Bob", "size": 1}, account={"fields": fields})
    assert run.counts == {"clients": {"rejected": 1}}
    assert held(world) == {"size": 1}
    (line,) = run.quarantined
    assert "first_name: the fields 'firstName' and 'first_name' both go by this name" in str(line)
    assert "Bob" not in line["reason"]


def test_fields_of_users_and_events(world: World) -> None:
    fields = {"include": ["plan", "seats"]}
    load(
        world,
        {"email": "ann@acme.com", "plan": "Gold", "seats": [2, 1], "at": "2026-03-01"},
        account={},
        user={"email": "email", "fields": fields},
        event={"id": "id", "account": {"id": "id"}, "time": "at", "other_name": "bought", "fields": fields},
    )
    assert world.state.users["ann@acme.com"].properties == {"plan": "Gold", "seats": ["1", "2"]}
    assert world.state.events[0]["metadata"] == {"event_id": "1", "plan": "Gold", "seats": "1, 2"}


@pytest.mark.parametrize(
    ("account", "says"),
    [
        (
            {"fields": {"exclude": ["emial"]}},
            "account.fields.exclude: the stream has no field 'emial'; did you mean 'email'?",
        ),
        (
            {"fields": {"rename": {"nmae": "x"}}},
            "account.fields.rename: the stream has no field 'nmae'; did you mean 'name'?",
        ),
        (
            {"properties": {"x": {"template": "{vendor} {nmae}"}}},
            "account.properties.x: the stream has no field 'nmae'",
        ),
    ],
)
def test_fields_and_templates_are_checked(fake: World, account: dict[str, Any], says: str) -> None:
    schema = {"properties": {name: {"type": "string"} for name in ("id", "at", "email", "name")}}
    loader = Loader(fake.config(mapping=mapping(account=account)))
    with pytest.raises(MappingError) as error:
        loader.open_stream("clients", schema, ["id"])
    loader.close()
    assert says in str(error.value)


@pytest.mark.parametrize("default", ["keep", "unset"])
@pytest.mark.parametrize(
    ("section", "prop", "is_gone"),
    [
        ("keep", "unset", True),
        ("unset", "keep", False),
        ("unset", None, True),
        ("keep", None, False),
        ("keep", "unset_if_possible", True),
        ("unset_if_possible", None, True),
        ("unset_if_possible", "keep", False),
    ],
)
def test_null_policies_of_a_section_and_a_property(
    world: World, default: str, section: str, prop: str | None, is_gone: bool
) -> None:
    size = {"value": "size", **({"null_policy": prop} if prop else {})}
    account = {"null_policy": section, "properties": {"size": size}}
    load(world, {"size": 1, "at": "1"}, account=account)
    settings = {"null_policy": default}
    load(world, {"size": None, "at": "2"}, account=account, settings=settings)
    assert held(world) == ({} if is_gone else {"size": 1})
    assert load(world, {"size": None, "at": "2"}, account=account, settings=settings).calls == []


def test_fill_once(world: World) -> None:
    account = {"properties": {"owner": {"value": "owner", "fill_once": True}, "size": "size"}, "null_policy": "unset"}
    load(world, {"owner": None, "size": 1, "at": "1"}, account=account)
    load(world, {"owner": "Ann", "size": 1, "at": "2"}, account=account)
    run = load(world, {"owner": "Bob", "size": 2, "at": "3"}, {"owner": None, "size": 3, "at": "4"}, account=account)
    assert held(world) == {"owner": "Ann", "size": 3}
    assert [body["properties"] for path, body in run.calls if path == "/accounts/upsert"] == [{"size": 3}]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("firstName", "first_name"), ("HTTPStatus code", "http_status_code"), ("Über-Größe", "über_größe"), ("--", "")],
)
def test_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected


@given(st.text(max_size=12))
def test_snake_case_is_the_same_done_twice(name: str) -> None:
    assert snake_case(snake_case(name)) == snake_case(name)


def event(**fields: Any) -> dict[str, Any]:
    return {"id": "id", "account": {"id": "id"}, "time": "at", **fields}


def told(world: World) -> list[tuple[str, str]]:
    return [(happened["name"], happened["metadata"]["event_id"]) for happened in world.state.events]


def test_several_operations_of_one_record_each_under_its_condition(world: World) -> None:
    events = [
        event(other_name="seen", prefix="seen:"),
        event(other_name="paid", prefix="paid:", when="amount > `0`"),
        event(other_name="free", prefix="free:", when="amount == `0`"),
    ]
    users = [{"email": "owner"}, {"email": "buyer", "when": "buyer != owner"}]
    slots = [
        {"slot": ["id", f"'{role}'"], "account": {"id": "id"}, "email": role, "when": "has_people"}
        for role in ("owner", "buyer")
    ]
    people = {"owner": "ann@acme.com", "buyer": "bob@acme.com", "has_people": True, "at": "2026-03-01"}
    records = [
        {**people, "id": "1", "amount": 5},
        {**people, "id": "2", "amount": 0, "has_people": False},
        {**people, "id": "3", "amount": None, "buyer": "ann@acme.com"},
    ]
    run = load(
        world, *records, account={"properties": {"amount": "amount"}}, user=users, membership=slots, event=events
    )
    assert run.counts == {"clients": {"delivered": 3}}
    assert sorted(told(world)) == [
        ("free", "free:2"),
        ("paid", "paid:1"),
        ("seen", "seen:1"),
        ("seen", "seen:2"),
        ("seen", "seen:3"),
    ]
    assert sorted(world.state.users) == ["ann@acme.com", "bob@acme.com"]
    members = {key: sorted(account.users) for key, account in world.state.accounts.items()}
    assert {key: len(found) for key, found in members.items()} == {"1": 2, "2": 0, "3": 1}
    assert (
        load(
            world, *records, account={"properties": {"amount": "amount"}}, user=users, membership=slots, event=events
        ).calls
        == []
    )


@pytest.mark.parametrize(
    ("value", "is_account"),
    [(True, True), ("no", True), (0, True), ([1], True), (False, False), (None, False), ("", False), ([], False)],
)
def test_what_a_condition_takes_for_true(fake: World, value: Any, is_account: bool) -> None:
    run = load(fake, {"flag": value}, account={"when": "flag"})
    assert list(fake.state.accounts) == (["1"] if is_account else [])
    assert run.counts == {"clients": {"delivered" if is_account else "skipped": 1}}


def test_an_event_may_be_named_by_the_record(world: World) -> None:
    happened = event(name="kind", names={"x": "known_kind"}, name_style="snake_case")
    run = load(
        world,
        *({"id": str(n), "kind": kind, "at": "2026-03-01"} for n, kind in enumerate(["Trial Started", "x", None, "-"])),
        account={},
        event=happened,
    )
    assert run.counts == {"clients": {"delivered": 2, "rejected": 2}}
    assert sorted(told(world)) == [("known_kind", "1"), ("trial_started", "0")]
    assert {line["reason"] for line in run.quarantined} == {"the name of the event is missing or no text"}


def test_an_event_needs_a_name() -> None:
    with pytest.raises(MappingError, match="missing required field `name` or `other_name`"):
        load_mapping(None, mapping(event=event()))


def test_each_of_several_parts_is_checked(fake: World) -> None:
    accounts = [{"id": "id"}, {"id": "parent", "when": "prent"}]
    loader = Loader(fake.config(mapping={"streams": {"clients": {"key": "id", "account": accounts}}}))
    schema = {"properties": {name: {"type": "string"} for name in ("id", "parent")}}
    with pytest.raises(
        MappingError, match=r"account\[2\]\.when: the stream has no field 'prent'; did you mean 'parent'"
    ):
        loader.open_stream("clients", schema, ["id"])
    loader.close()


TEMPLATES = {
    "key": [{"template": "{app}:{number}"}, "line"],
    "version": {"template": "{day}T{time}Z"},
    "account": {"id": {"template": "{app}-{number}"}, "shared_alias": {"template": "all-{app}"}},
    "user": {"email": {"template": "{name}@{domain}"}},
    "membership": {
        "slot": {"template": "{app} {number} owner"},
        "account": {"id": {"template": "{app}-{number}"}},
        "email": {"template": "{name}@{domain}"},
    },
    "event": {
        "id": {"template": "{app}/{number}/{line}"},
        "account": {"id": {"template": "{app}-{number}"}},
        "email": {"template": "{name}@{domain}"},
        "time": {"template": "{day}T{time}Z"},
        "name": {"template": "{app}_bought"},
    },
}
PARTS = {"app": "draw", "number": 7, "line": "1", "day": "2026-03-01", "time": "09:30:00", "name": "ann"}


def test_templates_of_ids_times_and_addresses(world: World) -> None:
    mapped = {"variables": {"domain": "acme.com"}, "streams": {"clients": TEMPLATES}}
    run = world.load([("clients", PARTS)], mapping=mapped)
    assert (run.exit_code, run.counts) == (0, {"clients": {"delivered": 1}})
    assert world.state.accounts["draw-7"].users == ["ann@acme.com"]
    assert list(world.state.users) == ["ann@acme.com"]
    (event,) = world.state.events
    assert event == {
        "name": "draw_bought",
        "account": "draw-7",
        "user": "ann@acme.com",
        "metadata": {"event_id": "draw/7/1"},
        "triggeredAt": "2026-03-01T09:30:00Z",
    }
    # Where a place has no value there is nothing: nobody, no time, and for a key no sound record.
    run = world.load([("clients", {**PARTS, "line": "2", "name": None})], mapping=mapped)
    assert run.counts == {"clients": {"delivered": 1}}
    assert world.state.events[1]["user"] is None
    run = world.load([("clients", {**PARTS, "line": "3", "time": ""})], mapping=mapped)
    assert run.quarantined[0]["reason"] == "the time of the event is missing or no date"
    with pytest.raises(RecordError, match=r"the record has no \{app\}:\{number\}"):
        world.load([("clients", {**PARTS, "app": None})], mapping=mapped)
