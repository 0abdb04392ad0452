"""Asked to, the loader keeps nobody's data in the file of rejected records, whoever refuses what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import SegmentDoor, World, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.target.runs import Run

    from marketplace_sandbox.server import Sandbox

EMAIL, NAME, PHONE, STREET = "zoe.quist@private.example", "Zoe Quist", "+32 470 98 76 54", "Kouter 137"
PERSONAL = ["zoe", "quist", "private.example", "470", "987654", "98 76 54", "kouter", "137"]

MAPPING = {
    "streams": {
        "customers": {
            "key": "email",
            "account": {"id": "number", "properties": {"contact": "name"}},
            "user": {"email": "email", "properties": {"name": "name", "phone": "phone", "street": "home.street"}},
            "membership": {"slot": "email", "account": {"id": "number"}, "email": "email"},
            "event": {
                "id": "email",
                "prefix": "joined:",
                "account": {"id": "number"},
                "time": "at",
                "other_name": "joined",
                "metadata": {"who": "name"},
            },
        }
    }
}
CUSTOMER = {
    "email": EMAIL,
    "number": "C-7",
    "name": NAME,
    "phone": PHONE,
    "home": {"street": STREET, EMAIL: "owner"},
    "at": "2026-03-01",
    "vip": True,
    "left": None,
}


def nothing_leaks(world: World, run: Run) -> list[dict[str, Any]]:
    """The lines, after a look at the file itself."""
    text = (world.folder / "rejected.jsonl").read_text(encoding="utf-8").lower()
    assert [word for word in PERSONAL if word in text] == []
    assert run.quarantined
    return run.quarantined


@pytest.fixture
def masked(fake: World) -> World:
    fake.settings.update(mask_rejected=True, preset=None, mapping=MAPPING)
    return fake


def quoting(path: str) -> Callable[[str, dict[str, Any]], None]:
    """A server that repeats all that it was sent, each value by itself as well."""

    def refuse_it(called: str, body: dict[str, Any]) -> None:
        if called == path:
            values = [*body.get("properties", {}).values(), *body.get("metadata", {}).values()]
            raise refuse(f"{json.dumps(body)} is no good, neither is {' or '.join(map(str, values)).upper()}")

    return refuse_it


@pytest.mark.parametrize("path", ["/accounts/upsert", "/users/upsert", "/accounts/users/add", "/track"])
def test_a_payload_that_the_server_refuses_and_quotes(masked: World, path: str) -> None:
    masked.door.before = quoting(path)
    run = masked.load([("customers", CUSTOMER)])
    for line in nothing_leaks(masked, run):
        assert line["key"] == "***"
        assert "is no good, neither is" in line["reason"]
        assert line["request_id"] == "request-x"
        assert line["record"].keys() == CUSTOMER.keys()
        assert (line["record"]["vip"], line["record"]["left"]) == (True, None)
        assert line["record"]["home"] == {"street": "***", "***": "***"}


def test_a_property_that_the_server_refuses_and_quotes(masked: World) -> None:
    masked.door.before = lambda path, body: None if "phone" not in body.get("properties", {}) else _of_the_phone()
    (line,) = nothing_leaks(masked, masked.load([("customers", CUSTOMER)]))
    assert line["reason"] == "phone: '+***' is no phone of ***"


def _of_the_phone() -> None:
    raise refuse("Invalid", properties__phone=f"'{PHONE}' is no phone of {NAME}")


def test_what_cannot_be_mapped(masked: World) -> None:
    run = masked.load(
        [("customers", {**CUSTOMER, "at": f"when {NAME} came"}), ("customers", {**CUSTOMER, "number": [EMAIL]})]
    )
    assert {line["reason"] for line in nothing_leaks(masked, run)} == {
        "the time of the event is missing or no date",
        "the account is no text or number",
    }


@pytest.mark.parametrize("path", ["/accounts/upsert", "/users/upsert", "/accounts/users/add", "/track"])
def test_a_refusal_of_what_an_earlier_run_brought(masked: World, path: str) -> None:
    """The record is not at hand any more; what was sent is."""
    masked.load([("customers", CUSTOMER)], max_minutes=0)
    masked.door.before = quoting(path)
    keys = {
        "/accounts/upsert": "C-7",
        "/users/upsert": "***",
        "/accounts/users/add": "C-7|***",
        "/track": "***",
    }
    (line,) = nothing_leaks(masked, masked.load([]))
    assert (line["key"], line["stream"]) == (keys[path], "")
    assert "is no good, neither is" in line["reason"]


def test_ids_stay_so_that_a_record_can_be_found(world: World) -> None:
    world.settings["mask_rejected"] = True
    broken = license_row(1, person(EMAIL, NAME, phone=PHONE))
    stream, record = sale(2)
    run = world.load([*license_messages(broken), (stream, {**record, "purchaseDetails": {"note": NAME}})])
    (line,) = nothing_leaks(world, run)
    assert (line["stream"], line["key"]) == ("transactions", "AT-2|1")


def test_over_the_segment_protocol(sandbox: Sandbox, tmp_path: Any) -> None:
    world = World(tmp_path, SegmentDoor(sandbox, "segment"), f"sqlite:///{tmp_path}/ledger.db")
    long = f"{NAME} " * 4000  # more than a message may hold
    run = world.load([("customers", {**CUSTOMER, "name": long})], mask_rejected=True, preset=None, mapping=MAPPING)
    assert "the Segment protocol allows" in nothing_leaks(world, run)[0]["reason"]


def test_unless_it_is_asked_for_all_stays(fake: World) -> None:
    fake.door.before = quoting("/users/upsert")
    line = fake.load([("customers", CUSTOMER)], preset=None, mapping=MAPPING).quarantined[0]
    assert (line["key"], line["record"]) == (EMAIL, CUSTOMER)
    assert NAME in line["reason"]
