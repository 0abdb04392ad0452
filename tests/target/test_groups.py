"""Groups of properties: a mapping names its own, and the setting `property_groups` chooses among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from marketplace_singer import SettingsError
from target_journy.groups import groups_of
from target_journy.loader import Loader
from target_journy.mapping_file import MappingError
from target_journy.mapping_reading import load_mapping

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.runs import Message, World

PROPERTIES = {
    "name": "name",
    "plan": {"value": "plan", "group": "core"},
    "logins": {"value": "logins", "group": "usage"},
    "seats": {"value": "seats", "group": "Seats_and-2"},
}
MAPPING = {
    "streams": {
        "clients": {
            "key": "id",
            "account": [
                {"id": "id", "properties": PROPERTIES},
                {"id": "parent", "properties": {"children": {"value": "size", "group": "family"}}},
            ],
            "user": {"email": "email", "properties": {"visits": {"value": "visits", "group": "usage"}}},
            "event": {
                "id": "id",
                "time": "at",
                "account": {"id": "id"},
                "other_name": "seen",
                "metadata": {"page": "page", "clicks": {"value": "clicks", "group": "usage"}},
            },
        }
    }
}
CLIENT: Message = (
    "clients",
    {
        "id": "C1",
        "parent": "C0",
        "email": "ann@acme.com",
        "at": "2026-03-01",
        **dict.fromkeys(("name", "plan", "page"), "text"),
        **dict.fromkeys(("logins", "seats", "size", "visits", "clicks"), 3),
    },
)


def sent(world: World) -> dict[str, set[str]]:
    """The names of all properties that journy.io holds, and of the event's metadata."""
    (event,) = world.state.events
    return {
        "accounts": {name for account in world.state.accounts.values() for name in account.properties},
        "users": {*world.state.users["ann@acme.com"].properties},
        "events": {*event["metadata"]},
    }


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (None, ({"name", "plan", "logins", "seats", "children"}, {"visits"}, {"page", "clicks"})),
        ("", ({"name", "plan", "logins", "seats", "children"}, {"visits"}, {"page", "clicks"})),
        ("core", ({"name", "plan"}, set(), {"page"})),
        ("usage", ({"name", "plan", "logins"}, {"visits"}, {"page", "clicks"})),
        ("family, Seats_and-2", ({"name", "plan", "seats", "children"}, set(), {"page"})),
        ('["usage", "core"]', ({"name", "plan", "logins"}, {"visits"}, {"page", "clicks"})),
        (["family"], ({"name", "plan", "children"}, set(), {"page"})),
    ],
)
def test_a_mapping_has_groups_of_its_own(world: World, groups: Any, expected: tuple[set[str], ...]) -> None:
    run = world.load([CLIENT], preset=None, mapping=MAPPING, property_groups=groups)
    assert run.exit_code == 0
    found = sent(world)
    assert (found["accounts"], found["users"], found["events"] - {"event_id"}) == expected


OWN = "core, usage, Seats_and-2, family"
PRESET = "core, money, trial, contacts, insights, links"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"preset": None, "mapping": MAPPING, "property_groups": "core,usgae"},
            f"the mapping has no group 'usgae'; it has {OWN}; did you mean 'usage'?",
        ),
        (
            {"preset": None, "mapping": MAPPING, "property_groups": ["seats_and-2"]},
            f"the mapping has no group 'seats_and-2'; it has {OWN}; did you mean 'Seats_and-2'?",
        ),
        (
            {"preset": "marketplace", "property_groups": "trial,usage"},
            f"the mapping has no group 'usage'; it has {PRESET}",
        ),
        (
            {"preset": "marketplace", "mapping": MAPPING, "property_groups": "other"},
            f"the mapping has no group 'other'; it has {PRESET}, usage, Seats_and-2, family",
        ),
        (
            {"preset": "marketplace-raw", "property_groups": "trial"},
            "the mapping has no group 'trial'; all its properties are core ones, which are always sent",
        ),
        (
            {"preset": None, "mapping": {}, "property_groups": "trial"},
            "the mapping has no group 'trial'; all its properties are core ones, which are always sent",
        ),
    ],
)
def test_a_group_that_the_mapping_lacks(fake: World, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as error:
        Loader(fake.config(**settings))
    assert str(error.value) == f"setting 'property_groups': {says}"
    assert fake.door.take_calls() == []
    assert list(fake.folder.iterdir()) == []  # neither a ledger nor a report was begun


def test_a_preset_of_which_a_stream_was_replaced_lacks_its_groups(fake: World) -> None:
    """What the preset alone has in a group is not there any more, and nobody is to think that it is withheld."""
    own = {"streams": {"accounts": {"key": "account_id", "account": {"id": "account_id"}}}}
    assert "links" in groups_of(load_mapping("marketplace", None).mapping)
    with pytest.raises(SettingsError, match=r"the mapping has no group 'links'; it has core, contacts, money$"):
        Loader(fake.config(preset="marketplace", mapping=own, property_groups="money,links"))


def test_each_group_of_the_preset_can_be_chosen(fake: World) -> None:
    row = {"account_id": "E-1", "aliases": ["E-1"], "as_of": "2026-03-01", "name": "Acme", "mrr": 5}
    account = {**row, "trial_count": 1, "technical_contact_email": "ann@acme.com", "health_score": 3, "link_site": "x"}
    told = {
        "core": "name",
        "money": "mrr",
        "trial": "trial_count",
        "contacts": "technical_contact_email",
        "insights": "health_score",
        "links": "link_site",
    }
    assert ", ".join(told) == PRESET
    for group, name in told.items():
        destination = f"only-{group}"
        fake.state.accounts.clear()
        fake.load([("accounts", account)], preset="marketplace", property_groups=group, workspace=destination)
        assert fake.state.accounts["E-1"].properties.keys() & {*told.values()} == {"name", name}


@pytest.mark.parametrize("group", ["", "a,b", "1st", "my group", "[x]", "ü", "x" * 41, 'a"b', "a\n"])
def test_a_group_that_no_setting_could_name(group: str, tmp_path: Path) -> None:
    properties = {"size": {"value": "size", "group": group}}
    mapping = {"streams": {"clients": {"key": "id", "account": {"id": "id", "properties": properties}}}}
    with pytest.raises(MappingError) as error:
        load_mapping(None, mapping)
    assert "streams.clients.account.properties.size: Object needs as `group` a name such as usage" in str(error.value)
