"""The loader over the Segment protocol, at journy.io's door and at Segment: what arrives, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.command import command, singer_lines
from tests.target.fakes import faked
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import SandboxDoor, SegmentDoor, World
from tests.target.test_deletes import GONE, MAPPING, client, clients, whole
from tests.target.test_deletes import person as somebody

from marketplace_sandbox import credentials
from marketplace_singer import SettingsError
from target_journy.doors import open_door
from target_journy.loader import Loader
from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.target.command import Result

    from marketplace_sandbox.segment.state import SegmentState
    from marketplace_sandbox.server import Sandbox

ANN, BOB, CAT = (person(f"{name}@acme.com", name) for name in ("ann", "bob", "cat"))
FIRST = [*license_messages(license_row(1, ANN, BOB), license_row(2, ANN)), sale(1), sale(2)]
SECOND = [*license_messages(license_row(1, BOB, CAT, status="inactive", lastUpdated="2026-03-02")), sale(3, "Renewal")]


@pytest.fixture(params=["journy_segment", "segment"])
def transport(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def world(sandbox: Sandbox, transport: str, tmp_path: Path) -> World:
    return World(tmp_path, SegmentDoor(sandbox, transport), f"sqlite:///{tmp_path}/ledger.db")


@pytest.fixture
def service(sandbox: Sandbox, transport: str) -> Iterator[SegmentState]:
    """Where the messages come in; none may be lost or unusable by the end of the test."""
    state = sandbox.segment if transport == "segment" else sandbox.journy_segment
    yield state
    assert (state.discarded, state.unused) == ([], [])


def content(world: World) -> dict[str, Any]:
    snapshot = world.state.snapshot()
    for account in snapshot["accounts"].values():
        account["users"] = sorted(account["users"])
    snapshot["events"] = sorted(snapshot["events"], key=str)
    return snapshot


def test_the_same_arrives_as_over_rest(world: World, service: SegmentState, sandbox: Sandbox, tmp_path: Path) -> None:
    runs = [world.load(messages, flush_every=4) for messages in (FIRST, SECOND)]
    assert [run.exit_code for run in runs] == [0, 0]
    found = json.dumps(content(world), sort_keys=True, default=str)
    assert service.repeated == []
    for held in (world.state.accounts, world.state.users, world.state.events, *world.state.types.values()):
        held.clear()
    rest = World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/rest.db")
    others = [rest.load(messages, flush_every=4) for messages in (FIRST, SECOND)]
    assert json.dumps(content(rest), sort_keys=True, default=str) == found
    assert [run.counts for run in others] == [run.counts for run in runs]
    assert [run.report["created"] for run in others] == [run.report["created"] for run in runs]


def test_many_records_take_few_calls_and_repeated_ones_none(
    world: World, service: SegmentState, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [license_row(number, person(f"p{number}@acme.com")) for number in range(1, 301)]
    with monkeypatch.context() as patch:
        patch.setattr(sandbox.journal, "clear", lambda: None)
        world.load(license_messages(*rows))
    assert len(service.messages) == 900
    assert len(sandbox.journal.calls) == 2  # the memberships need the accounts and users
    sandbox.journal.clear()
    assert world.load(license_messages(*rows)).calls == []


def test_a_batch_is_never_larger_than_the_protocol_allows(
    world: World, service: SegmentState, sandbox: Sandbox
) -> None:
    text = "x" * 25_000
    loader = Loader(world.config(preset=None, unknown_streams="default"))
    loader.open_stream("notes", {}, ["id"])
    for number in range(40):
        loader.load("notes", {"id": f"{number}", "text": text})
    for number in range(40, 3000):
        loader.load("notes", {"id": f"{number}", "text": "short"})
    assert loader.finish() == 0
    loader.close()
    batches = [call["body"]["batch"] for call in sandbox.journal.calls]
    assert sum(map(len, batches)) == len(sandbox.journy.accounts) == len(service.messages) == 3000
    assert 3 <= len(batches) <= 6


def test_a_property_that_is_too_large_is_quarantined_and_the_others_go_on(world: World, service: SegmentState) -> None:
    large = license_row(1)
    large["contactDetails"]["company"] = "x" * 40_000
    run = world.load([*license_messages(large, license_row(2)), sale(1), sale(2, addonLicenseId="2")])
    assert run.counts["licenses"] == {"rejected": 1, "delivered": 1}
    (line,) = run.quarantined
    assert "32,000" in line["reason"]
    assert run.counts["transactions"] == {"delivered": 2}
    first, second = (world.state.accounts[f"SEN-{number}"].properties for number in (1, 2))
    assert first.keys() == second.keys() - {"name"}
    assert world.load(license_messages(large)).calls == []
    again = world.load(license_messages(license_row(1, lastUpdated="2026-03-02")))
    assert (again.counts["licenses"], len(again.calls)) == ({"delivered": 1}, 1)
    assert first.keys() == second.keys()


def test_who_is_to_be_forgotten_is_named_because_the_protocol_cannot(world: World, service: SegmentState) -> None:
    world.load(license_messages(license_row(1, ANN)))
    forgotten = license_messages(license_row(1, person("RTBF", "RTBF"), lastUpdated="2026-03-02"))
    previewed = world.load(forgotten, dry_run=True)
    assert (previewed.calls, previewed.quarantined) == ([], [])
    run = world.load(forgotten)
    assert run.calls == []
    assert previewed.counts == run.counts
    assert run.counts["contacts"]["rejected"] == 1
    assert {"The Segment protocol cannot" in line["reason"] for line in run.quarantined} == {True}
    assert list(world.state.users) == ["ann@acme.com"]


def test_the_half_with_the_refused_message_is_found(
    world: World, service: SegmentState, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may refuse what the loader takes for sound."""
    from marketplace_sandbox.segment import api
    from marketplace_sandbox.segment.answers import refusal

    taken = api.SegmentApi._take

    def take(self: Any, request: Any, body: Any, messages: Any) -> Any:
        bad = any(message.get("groupId") == "SEN-7" for message in messages)
        return refusal(400, "no SEN-7 here") if bad else taken(self, request, body, messages)

    monkeypatch.setattr(api.SegmentApi, "_take", take)
    run = world.load(license_messages(*[license_row(number) for number in range(1, 17)]))
    assert run.counts["licenses"] == {"delivered": 15, "rejected": 1}
    assert len(sandbox.journy.accounts) == len(service.messages) == 15
    (line,) = run.quarantined
    assert (line["reason"], line["record"]["id"]) == ("no SEN-7 here", "7")


@pytest.mark.parametrize(("setting", "value"), [("null_policy", "unset"), ("memberships", "sync"), ("deletes", "hard")])
def test_what_the_transport_cannot_do_is_refused_at_the_start(
    world: World, service: SegmentState, setting: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=f"'{setting}': {value} needs the transport journy"):
        Loader(world.config(**{setting: value}))
    assert service.messages == []


@pytest.mark.parametrize(
    ("settings", "destination"),
    [
        ({"transport": "journy_segment"}, "journy_segment analyze.journy.io"),
        ({"transport": "segment"}, "segment api.segment.io"),
        ({"transport": "segment", "segment_region": "eu"}, "segment events.eu1.segmentapis.com"),
        ({"transport": "segment", "api_url": "https://bus.example:8443"}, "segment bus.example:8443"),
    ],
)
def test_where_the_calls_go(settings: dict[str, Any], destination: str) -> None:
    door = open_door({"write_key": "key", **settings})
    door.close()
    assert door.destination == destination


@pytest.mark.parametrize(("key", "says"), [("", "is missing"), ("schlüssel", "characters")])
def test_a_key_that_can_be_none_is_named(transport: str, key: str, says: str) -> None:
    with pytest.raises(SettingsError, match=f"'write_key'.*{says}"):
        open_door({"transport": transport, "write_key": key, "api_key": "another"})


@pytest.fixture
def run_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Callable[..., Result]]:
    with command(tmp_path, monkeypatch, capsys) as run:
        yield run


def test_check_says_what_it_cannot_know(
    world: World, service: SegmentState, run_command: Callable[..., Result]
) -> None:
    result = run_command("", world.config(), "--check")
    assert result.returncode == 0
    assert result.stdout.startswith("ok: ")
    assert "debugger" in result.stdout
    assert service.messages == []


@pytest.mark.parametrize("transport", ["journy_segment"])  # Segment takes any key, and loses what comes with it
def test_a_wrong_key_stops_the_run(world: World) -> None:
    door = open_door(world.config(write_key="no-such-secret"), tries=2)
    with pytest.raises(DeliveryError) as refused:
        door.check()
    door.close()
    run = world.load(FIRST, write_key="no-such-secret")
    assert (run.exit_code, len(run.calls)) == (1, 4)  # one batch: two accounts and two users
    for told in (str(refused.value), run.error):
        assert "'write_key'" in told
        assert "HTTP 401" in told
        assert "no-such-secret" not in told


def test_the_key_is_in_no_log(world: World, service: SegmentState, run_command: Callable[..., Result]) -> None:
    result = run_command(singer_lines(FIRST), world.config())
    assert result.returncode == 0
    assert service.messages
    assert credentials.WRITE_KEY not in result.stdout + result.stderr


def test_an_account_that_names_who_is_forgotten_gets_the_rest(world: World, service: SegmentState) -> None:
    world.load(license_messages(license_row(1, ANN)))
    changed = license_row(1, person("RTBF", "RTBF"), lastUpdated="2026-03-02", status="inactive")
    world.load(license_messages(changed))
    account = world.state.accounts["SEN-1"].properties
    assert (account["license_status"], account["technical_contact_email"]) == ("inactive", "ann@acme.com")
    reasons = {line["reason"] for line in world.quarantine() if line["stream"] == "licenses"}
    assert all("technical_contact_email" in reason for reason in reasons)
    assert reasons
    assert world.load(license_messages(changed)).calls == []


def test_a_contact_that_an_account_no_longer_has_is_named_and_the_rest_goes(
    world: World, service: SegmentState, sandbox: Sandbox
) -> None:
    """The preset deletes such a contact; the protocol cannot, so it is said, but the preset works all the same."""
    account = {
        "account_id": "E-1",
        "aliases": ["E-1"],
        "as_of": "2026-03-01",
        "technical_contact_email": "ann@acme.com",
    }
    assert world.load([("accounts", {**account, "tier": "10 Users"})], preset="marketplace").exit_code == 0
    vacated = {**account, "tier": "25 Users", "as_of": "2026-03-02", "technical_contact_email": None}
    run = world.load([("accounts", vacated)], preset="marketplace")
    assert run.counts == {"accounts": {"rejected": 1}}
    assert "technical_contact_email: The Segment protocol cannot delete a property" in run.quarantined[0]["reason"]
    assert sandbox.journy.accounts["E-1"].properties["tier"] == "25 Users"
    assert [event["name"] for event in sandbox.journy.events] == ["tier_changed"]
    assert world.load([("accounts", vacated)], preset="marketplace").calls == []


def test_what_is_over_stays_where_nothing_can_be_deleted_and_is_no_rejection(
    world: World, service: SegmentState, sandbox: Sandbox
) -> None:
    account = {"account_id": "E-1", "aliases": ["E-1"], "lifecycle_stage": "payment_risk", "as_of": "2026-03-01"}
    dunned = {**account, "dunning_reason": "NO CARD", "health_score": 40, "health_reasons": ["-30 payment risk"]}
    assert world.load([("accounts", dunned)], preset="marketplace").exit_code == 0
    left = dict.fromkeys(("dunning_reason", "health_score")) | {"health_reasons": []}
    gone = {**account, **left, "lifecycle_stage": "churned", "as_of": "2026-03-02"}
    run = world.load([("accounts", gone)], preset="marketplace")
    assert (run.exit_code, run.counts, run.quarantined) == (0, {"accounts": {"delivered": 1}}, [])
    held = sandbox.journy.accounts["E-1"].properties
    assert (held["lifecycle_stage"], held["dunning_reason"], held["health_score"]) == ("churned", "none", 40)
    assert held["health_reasons"] == ["none"]
    assert world.load([("accounts", gone)], preset="marketplace").calls == []


def test_a_value_that_comes_back_is_no_repeat(world: World, service: SegmentState) -> None:
    """Segment drops a message id that it knows, whatever the message says: another change must not have it."""
    for day, status in enumerate(["active", "inactive", "active", "inactive"], 1):
        run = world.load(license_messages(license_row(1, lastUpdated=f"2026-03-0{day}", status=status)))
        assert (run.exit_code, len(run.calls)) == (0, 1)
        assert world.state.accounts["SEN-1"].properties["license_status"] == status
    assert service.repeated == []


def test_a_value_that_comes_back_after_lost_answers_is_no_repeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    world = faked(transport, tmp_path, monkeypatch, preset=None, mapping=MAPPING)

    def lose(path: str, body: dict[str, Any]) -> None:
        raise DeliveryError("lost", maybe_received=True)

    def sent(name: str) -> list[str]:
        run = world.load([client(1, name=name)])
        return [message["messageId"] for _, body in run.calls for message in body["batch"]]

    world.door.after = lose
    for name in ("A", "B"):
        assert sent(name) == sent(name)
        assert world.state.accounts["C1"].properties["name"] == name
    world.door.after = lambda path, body: None
    sent("A")
    assert world.state.accounts["C1"].properties["name"] == "A"


def test_an_account_that_returns_and_goes_while_answers_are_lost_is_marked_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    settings = {"preset": None, "mapping": MAPPING, "deletes": "soft", "max_deleted_percent": 100}
    world = faked(transport, tmp_path, monkeypatch, **settings)
    whole(world, clients(1, 2), 1)

    def lose(path: str, body: dict[str, Any]) -> None:
        raise DeliveryError("lost", maybe_received=True)

    world.door.after = lose
    for version in (2, 4, 6):
        assert whole(world, clients(1), version).error
        assert world.state.accounts["C2"].properties["is_deleted"] is True
        assert whole(world, clients(1, 2), version + 1).error
        assert world.state.accounts["C2"].properties["is_deleted"] is False


def test_a_batch_whose_answer_is_lost_is_repeated_under_the_same_ids(
    world: World, service: SegmentState, sandbox: Sandbox, transport: str
) -> None:
    for number in range(2):
        sandbox.faults.add("drop-after", side=transport, kind="batch", after=number, times=1)
    run = world.load(FIRST)
    sandbox.faults.clear()
    assert (run.exit_code, run.report["possibly_repeated"]) == (0, 0)
    assert service.repeated
    assert len(world.state.events) == 2
    names = [message["messageId"] for message in service.messages]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("told_by", ["versions", "records"])
def test_what_is_gone_is_marked_and_what_returns_is_not(world: World, service: SegmentState, told_by: str) -> None:
    world.settings.update(preset=None, mapping=MAPPING, deletes="soft", max_deleted_percent=50)
    gone = [client(2, size=5), somebody("ann")]
    rest = [*clients(1), somebody("bob")]

    def deleted(version: int) -> Any:
        if told_by == "versions":
            return whole(world, rest, version)
        marked = [(stream, {**record, "_sdc_deleted_at": GONE}) for stream, record in gone]
        return world.load([*rest, *marked], version=version)

    def held() -> list[dict[str, Any]]:
        return [{**world.state.accounts["C2"].properties}, {**world.state.users["ann@acme.com"].properties}]

    whole(world, [*rest, *gone], 1)
    before = held()
    for version in (2, 5):  # it goes, returns, goes again and returns again
        run = deleted(version)
        assert (run.exit_code, run.report["deleted"]) == (0, {"accounts": 1, "users": 1, "memberships": 0})
        for properties, known in zip(held(), before, strict=True):
            at = properties["deleted_at"]
            assert at.endswith("Z")
            assert properties == {**known, "is_deleted": True, "deleted_at": at}
        assert deleted(version + 1).calls == []
        run = whole(world, [*rest, *gone], version + 2)
        assert (run.exit_code, run.quarantined, run.paths) == (0, [], {"group": 1, "identify": 1})
        for properties, known in zip(held(), before, strict=True):
            assert properties.pop("deleted_at")  # the protocol can say nothing of what is no more
            assert properties == {**known, "is_deleted": False}
    assert service.repeated == []
    assert not {"is_deleted"} & {*world.state.accounts["C1"].properties, *world.state.users["bob@acme.com"].properties}
