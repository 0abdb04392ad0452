"""What journy.io refuses: counted, kept with the reason, and not sent again until something changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.rows import license_messages, license_row, person, sale, with_email
from tests.target.runs import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.target.runs import World


def mapping(**properties: Any) -> dict[str, Any]:
    account = {"id": "id", "properties": {"name": "name", "size": "size", **properties}}
    return {"streams": {"clients": {"key": "id", "version": "at", "account": account}}}


def client(number: int, size: Any, name: str = "Acme", at: str = "1") -> tuple[str, dict[str, Any]]:
    return "clients", {"id": str(number), "name": name, "size": size, "at": at}


def test_a_property_that_the_server_refuses(world: World) -> None:
    world.settings.update(preset=None, mapping=mapping())
    run = world.load([client(1, 5), client(2, "large")])
    assert run.counts == {"clients": {"delivered": 1, "rejected": 1}}
    assert run.exit_code == 3
    assert world.state.accounts["2"].properties == {"name": "Acme"}
    (line,) = run.quarantined
    assert (line["stream"], line["key"], line["record"]) == ("clients", "2", client(2, "large")[1])
    assert line["reason"] == "size: Expected a number but found a string."
    assert line["request_id"]


def test_what_was_refused_is_not_sent_again_until_it_changes(world: World) -> None:
    # One after the other: the first value that arrives fixes the type of a property.
    world.settings.update(preset=None, mapping=mapping(), max_parallel_requests=1)
    world.load([client(1, 5), client(2, "large")])
    run = world.load([client(1, 5), client(2, "large")])
    assert (run.calls, run.quarantined, run.exit_code) == ([], [], 0)
    assert run.counts == {"clients": {"unchanged": 1, "rejected": 1}}
    assert run.report["rejected_again"] == 1

    run = world.load([client(2, "large", name="Acme Ltd", at="2")])
    assert [body["properties"] for _, body in run.calls] == [{"name": "Acme Ltd"}]
    run = world.load([client(2, 7, name="Acme Ltd", at="3")])
    assert [body["properties"] for _, body in run.calls] == [{"size": 7}]
    assert run.counts == {"clients": {"delivered": 1}}


def test_what_was_refused_is_tried_again_under_another_mapping(world: World) -> None:
    world.settings.update(preset=None, mapping=mapping())
    world.load([client(1, 5), client(2, "large")])
    run = world.load([client(1, 5), client(2, "large")], mapping=mapping(size={"value": "size", "type": "number"}))
    assert run.counts == {"clients": {"unchanged": 1, "rejected": 1}}
    assert [line["reason"] for line in run.quarantined] == ["size: expected a number"]
    assert run.calls == []
    run = world.load([client(2, "large")], mapping=mapping(size="to_number('12')"))
    assert [body["properties"] for _, body in run.calls] == [{"size": 12}]


def test_a_value_that_cannot_be_read_leaves_the_others_alone(world: World) -> None:
    world.settings.update(preset=None, mapping=mapping(size={"value": "size", "type": "number"}))
    run = world.load([client(1, "many")])
    assert run.counts == {"clients": {"rejected": 1}}
    assert world.state.accounts["1"].properties == {"name": "Acme"}
    run = world.load([client(1, "many", name="Acme Ltd", at="2")])
    assert run.quarantined == []
    assert world.state.accounts["1"].properties == {"name": "Acme Ltd"}


def test_a_value_that_can_be_read_again_is_well_again(world: World) -> None:
    world.settings.update(preset=None, mapping=mapping(size={"value": "size", "type": "number"}))
    for day, size in enumerate([5, "many", 5, "many"], 1):
        run = world.load([client(1, size, at=str(day))])
        outcome = "rejected" if size == "many" else "delivered" if day == 1 else "unchanged"
        assert run.counts == {"clients": {outcome: 1}}, day
        assert len(run.quarantined) == (size == "many")
        assert run.paths["/accounts/upsert"] == (day == 1)


def test_a_payload_whose_fields_are_named_arrives_without_them(fake: World) -> None:
    fake.settings.update(preset=None, mapping=mapping())

    def check(path: str, body: dict[str, Any]) -> None:
        if "size" in body["properties"]:
            raise refuse("Invalid", properties__size__0="Not that.", properties__size__1="Nor that.")

    fake.door.before = check
    run = fake.load([client(1, ["a", "b"])])
    assert fake.state.accounts["1"].properties == {"name": "Acme"}
    assert run.paths == {"/accounts/upsert": 2}
    assert run.counts == {"clients": {"rejected": 1}}
    assert len(run.quarantined) == 1
    assert run.quarantined[0]["reason"].startswith("size: ")
    assert fake.load([client(1, ["a", "b"])]).calls == []


def test_a_refused_field_may_have_dots_in_its_name(fake: World) -> None:
    fake.settings.update(preset=None, mapping=mapping(**{"a.b": "size"}, size="name"))

    def check(path: str, body: dict[str, Any]) -> None:
        if "a.b" in body["properties"]:
            raise refuse("Invalid", **{"properties.a.b": "Not that."})

    fake.door.before = check
    fake.load([client(1, "x")])
    assert fake.state.accounts["1"].properties == {"name": "Acme", "size": "Acme"}


@pytest.mark.parametrize("fields", [{}, {"identification.accountId": "Not valid."}])
def test_a_whole_payload_that_is_refused(fake: World, fields: dict[str, str]) -> None:
    fake.settings.update(preset=None, mapping=mapping())

    def check(path: str, body: dict[str, Any]) -> None:
        if body["identification"]["accountId"] == "1" and body["properties"].get("size") == 5:
            raise refuse("Invalid account", **fields)

    fake.door.before = check
    run = fake.load([client(1, 5), client(2, 5)])
    assert run.counts == {"clients": {"delivered": 1, "rejected": 1}}
    assert [(line["key"], line["reason"], line["request_id"]) for line in run.quarantined] == [
        ("1", "Invalid account", "request-x")
    ]
    run = fake.load([client(1, 5), client(2, 5)])
    assert (run.calls, run.report["rejected_again"]) == ([], 1)
    run = fake.load([client(1, 6, at="2"), client(2, 5)])
    assert run.paths == {"/accounts/upsert": 1}
    fake.door.before = lambda path, body: None
    run = fake.load([client(1, 6, name="New", at="3")])
    assert fake.state.accounts["1"].properties["name"] == "New"
    run = fake.load([client(1, 6, name="New", at="3")])
    assert run.counts == {"clients": {"unchanged": 1}}


def test_an_invalid_address_is_refused_and_its_membership_waits(world: World) -> None:
    world.settings["max_rejected_percent"] = 100
    if world.door.settings == {}:

        def check(path: str, body: dict[str, Any]) -> None:
            if "nobody" in str(body.get("identification")):
                raise refuse("Invalid", **{"identification.email": "Not valid."})

        world.door.before = check
    rows = license_messages(license_row(1, person("ann@acme.com"), person("bob@acme.com")))
    rows = with_email(rows, "ann@acme.com", "nobody")
    run = world.load(rows)
    assert run.counts["contacts"] == {"rejected": 1, "delivered": 1, "skipped": 1}
    assert len(run.quarantined) == 1
    assert world.state.accounts["SEN-1"].users == ["bob@acme.com"]
    again = world.load(rows)
    assert (again.calls, again.quarantined) == ([], [])
    assert again.counts["contacts"] == {"rejected": 1, "unchanged": 1, "skipped": 1}


def test_one_bad_member_among_many(fake: World) -> None:
    def check(path: str, body: dict[str, Any]) -> None:
        if path == "/accounts/users/add" and "p2@" in str(body):
            raise refuse("Unknown user")

    fake.door.before = check
    rows = [license_row(10 + n, person(f"p{n}@acme.com"), licenseId="SEN-1") for n in range(5)]
    run = fake.load(license_messages(*rows))
    assert fake.state.accounts["SEN-1"].users == [f"p{n}@acme.com" for n in (0, 1, 3, 4)]
    assert run.counts["contacts"] == {"delivered": 4, "rejected": 1, "skipped": 10}
    assert [line["record"]["email"] for line in run.quarantined] == ["p2@acme.com"]
    assert fake.load(license_messages(*rows)).calls == []


def test_a_refused_event_is_told_when_it_changes(fake: World) -> None:
    def check(path: str, body: dict[str, Any]) -> None:
        if path == "/track" and body["metadata"]["vendor_amount"] == 100:
            raise refuse("No.")

    fake.door.before = check
    one = license_messages(license_row(1))[:1]
    run = fake.load([*one, sale(1)])
    assert run.counts["transactions"] == {"rejected": 1}
    run = fake.load([*one, sale(1)])
    assert (run.calls, run.quarantined, run.counts["transactions"]) == ([], [], {"rejected": 1})
    run = fake.load([*one, sale(1, vendorAmount=90)])
    assert run.counts["transactions"] == {"delivered": 1}


@pytest.mark.parametrize(("allowed", "exit_code"), [(50, 0), (49, 3), (0, 3), (100, 0), (None, 3)])
def test_the_limit_is_a_share_of_what_had_something_to_send(
    fake: World, allowed: float | None, exit_code: int, caplog: pytest.LogCaptureFixture
) -> None:
    def check(path: str, body: dict[str, Any]) -> None:
        if body["properties"].get("size") == 13:
            raise refuse()

    fake.door.before = check
    fake.settings.update(preset=None, mapping=mapping())
    fake.load([client(n, 1) for n in range(10)])
    settings: dict[str, Any] = {} if allowed is None else {"max_rejected_percent": allowed}
    run = fake.load([*(client(n, 1) for n in range(10)), client(20, 1), client(21, 13)], **settings)
    assert run.counts == {"clients": {"unchanged": 10, "delivered": 1, "rejected": 1}}
    assert run.exit_code == exit_code
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == (exit_code == 3)
    for line in told:
        assert "50.0 % of the records that had something to send" in line
        assert f"the setting 'max_rejected_percent' allows {5 if allowed is None else allowed}" in line
        assert f"are in {fake.folder}/rejected.jsonl" in line
        assert "adopt" not in line


ODD: list[Callable[[dict[str, Any]], Any]] = [
    lambda r: r.update(contactDetails={"company": 5, "technicalContact": {"email": {"x": 1}}}),
    lambda r: r.update(contactDetails=[1, 2]),
    lambda r: r.update(contactDetails="text", partnerDetails=7),
    lambda r: r.update(addonName=17),
    lambda r: r.update(tier=[1]),
    lambda r: r.update(tier={"a": 1}),
    lambda r: r.update(cloudSiteHostname=5),
    lambda r: r.update(cloudComplianceBoundaries="EU"),
    lambda r: r.update(cloudComplianceBoundaries=[1]),
    lambda r: r.update(aliases=5),
    lambda r: r.update(aliases={"a": 1}),
    lambda r: r.update(account_id=None),
    lambda r: r.update(account_id={"a": 1}),
    lambda r: r.update(maintenanceEndDate="soon"),
    lambda r: r.update(maintenanceEndDate="0001-01-01T00:00:00+05:00"),
    lambda r: r.update(lastUpdated={"a": 1}),
]


@pytest.mark.parametrize("number", range(len(ODD)))
def test_odd_data_never_stops_the_run(fake: World, number: int) -> None:
    good = license_messages(license_row(1))[0]
    stream, odd = license_messages(license_row(2))[0]
    ODD[number](odd)
    run = fake.load([(stream, odd), good])
    assert "SEN-1" in fake.state.accounts
    assert run.counts["licenses"] in ({"delivered": 2}, {"delivered": 1, "rejected": 1})
    assert len(run.quarantined) == run.counts["licenses"].get("rejected", 0)
    run = fake.load([(stream, odd), good])
    assert (run.calls, run.quarantined) == ([], [])
