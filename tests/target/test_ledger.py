"""What the ledger remembers, for whom, and what leaves it alone."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import FakeDoor, SandboxDoor, World

from marketplace_sandbox.server import running
from target_journy.ledger import Ledger, LedgerError
from target_journy.ledger.schema import metadata

if TYPE_CHECKING:
    from pathlib import Path

ANN, BOB = person("ann@acme.com", "Ann Lee", phone="1"), person("bob@acme.com", "Bob Ray")
MESSAGES = [*license_messages(license_row(1, ANN, BOB), license_row(2, ANN)), sale(1), sale(2, "Renewal")]
CREATED = {"accounts": 2, "users": 2, "memberships": 3, "events": 2}


def test_a_second_run_sends_nothing(world: World) -> None:
    first = world.load(MESSAGES)
    assert first.report["created"] == CREATED
    assert first.report["calls"] == {"accounts": 2, "users": 2, "memberships": 2, "events": 2}
    for flush_every in (0, 1):
        again = world.load(MESSAGES, flush_every=flush_every)
        assert again.calls == []
        assert again.report["calls"] == {}
        assert again.report["created"] == dict.fromkeys(CREATED, 0)
        assert {name for row in again.counts.values() for name in row} == {"unchanged", "skipped"}


def test_only_what_changed_is_sent(world: World) -> None:
    world.load(MESSAGES)
    changed = license_row(1, {**ANN, "phone": "2"}, BOB, status="inactive", lastUpdated="2026-03-02")
    run = world.load(license_messages(changed, license_row(2, ANN)))
    assert [(path, body["properties"]) for path, body in run.calls] == [
        ("/accounts/upsert", {"license_status": "inactive"}),
        ("/users/upsert", {"phone": "2", "company": "Company 1"}),
    ]
    assert run.report["created"] == dict.fromkeys(CREATED, 0)


def test_a_value_that_returns_is_sent_again(world: World) -> None:
    for day, status in enumerate(["active", "inactive", "active"], 1):
        world.load(license_messages(license_row(1, status=status, lastUpdated=f"2026-03-0{day}")))
        assert world.state.accounts["SEN-1"].properties["license_status"] == status


def test_two_records_of_one_account_in_a_batch_are_one_call(world: World) -> None:
    rows = [
        license_row(1, status=status, lastUpdated=day) for status, day in [("a", "2026-03-01"), ("b", "2026-03-02")]
    ]
    run = world.load([license_messages(row)[0] for row in rows])
    assert run.paths == {"/accounts/upsert": 1}
    assert run.counts == {"licenses": {"delivered": 2}}


@pytest.mark.parametrize(("policy", "calls"), [("keep", 0), ("unset", 1)])
def test_a_null(world: World, policy: str, calls: int) -> None:
    world.settings["null_policy"] = policy
    world.load(license_messages(license_row(1, licenseType="COMMERCIAL")))
    gone = license_messages(license_row(1, lastUpdated="2026-03-02"))
    run = world.load(gone)
    assert len(run.calls) == calls
    assert ("license_type" in world.state.accounts["SEN-1"].properties) == (policy == "keep")
    assert world.load(gone).calls == []


def test_destinations_share_nothing(tmp_path: Path) -> None:
    with running(rate_limit=100_000) as one, running(rate_limit=100_000) as other:
        worlds = [World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/ledger.db") for sandbox in (one, other)]
        for world in worlds:
            assert world.load(MESSAGES).report["created"] == CREATED
        for world in worlds:
            assert world.load(MESSAGES).calls == []
        assert len(one.journy.events) == len(other.journy.events) == 2


def test_workspaces_share_nothing(fake: World) -> None:
    for workspace in (None, "one", "two"):
        run = fake.load(MESSAGES, workspace=workspace)
        assert run.report["created"] == CREATED
        assert run.report["destination"] == " ".join(filter(None, ["journy fake.example", workspace]))
    for workspace in (None, "one", "two"):
        assert fake.load(MESSAGES, workspace=workspace).calls == []
    assert fake.load([sale(9, licenseId="SEN-9")], workspace="one").report["waiting"] == 1
    assert fake.load([], workspace="two").report["waiting"] == 0


def rows(world: World) -> dict[str, int]:
    url = world.config()["ledger_url"].replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in metadata.tables
        }
    engine.dispose()
    return {name: n for name, n in found.items() if name not in {"destinations", "ledger_info", "ledger_runs"}}


def test_a_dry_run_sends_and_keeps_nothing(world: World) -> None:
    world.settings["dry_run"] = True
    for _ in range(2):
        run = world.load(MESSAGES, flush_every=3)
        assert run.calls == []
        assert run.exit_code == 0
        assert run.counts["transactions"] == {"delivered": 2}
        assert [call["call"] for call in run.report["preview"]].count("track") == 2
        assert set(rows(world).values()) == {0}
    assert world.state.snapshot()["accounts"] == {}
    world.settings["dry_run"] = False
    assert world.load(MESSAGES).report["created"] == CREATED


def test_the_preview_is_what_a_real_run_sends(fake: World) -> None:
    fake.load(MESSAGES)
    changed = [*license_messages(license_row(1, BOB, BOB, lastUpdated="2026-03-02")), sale(3, vendorAmount=0.125)]
    preview = fake.load(changed, dry_run=True, memberships="sync").report["preview"]
    assert preview == [
        {
            "call": "upsert_account",
            "account": "SEN-1",
            "properties": {"technical_contact_email": "bob@acme.com", "technical_contact_name": "Bob Ray"},
        },
        {"call": "remove_members", "account": "SEN-1", "users": ["ann@acme.com"]},
        {
            "call": "track",
            "name": "subscription_started",
            "account": "SEN-1",
            "triggered_at": "2026-03-01T12:00:01Z",
            "metadata": preview[2]["metadata"],
        },
        {
            "call": "track",
            "name": "contact_changed",
            "account": "SEN-1",
            "triggered_at": "2026-03-02T12:00:00Z",
            "metadata": {
                "event_id": "contact_changed:account:SEN-1:2026-03-02:1",
                "property": "technical_contact_email",
                "old_value": "ann@acme.com",
                "new_value": "bob@acme.com",
            },
        },
    ]
    assert preview[2]["metadata"]["vendor_amount"] == 0.125
    assert len(fake.load(changed, memberships="sync").calls) == len(preview)


def test_adopt_takes_the_input_as_delivered(world: World) -> None:
    run = world.load([*MESSAGES, sale(9, licenseId="SEN-9")], adopt=True, require_ledger=True)
    assert run.calls == []
    assert "preview" not in run.report
    assert world.load(MESSAGES, require_ledger=True).calls == []
    changed = license_messages(license_row(1, ANN, BOB, status="inactive", lastUpdated="2026-03-02"))
    assert world.load(changed[:1], require_ledger=True).paths == {"/accounts/upsert": 1}


def test_an_empty_ledger_is_an_error_where_one_is_required(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**settings: Any) -> None:
        with pytest.raises(LedgerError, match=r"'ledger_url': the ledger is empty .* 'events_since' .* --adopt"):
            world.load(MESSAGES, **settings)

    refused(require_ledger=True)
    monkeypatch.setenv("CI", "1")
    refused()
    assert world.load(MESSAGES, dry_run=True).exit_code == 0
    refused()
    assert world.load(MESSAGES, require_ledger=False, workspace="other").exit_code == 0
    refused()
    assert world.load(MESSAGES, events_since="all").exit_code == 0
    assert world.load(MESSAGES).calls == []


def test_runs_to_several_destinations_may_begin_at_the_same_moment_in_an_empty_database(postgres: str) -> None:
    together = threading.Barrier(8)

    def begin(number: int) -> None:
        together.wait(timeout=30)
        Ledger(postgres, f"journy {number}").close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(begin, range(8)))


def test_what_only_waits_is_a_ledger_too(world: World) -> None:
    world.load([sale(1)])
    assert world.load([], require_ledger=True).exit_code == 0


def test_the_report_of_a_run(fake: World) -> None:
    fake.load(MESSAGES)
    report = json.loads((fake.folder / "report.json").read_text())
    assert report["streams"]["contacts"] == {
        "read": 6,
        "delivered": 3,
        "unchanged": 0,
        "skipped": 3,
        "rejected": 0,
        "waiting": 0,
        "failed": 0,
    }
    assert fake.load(MESSAGES).report["streams"]["contacts"]["unchanged"] == 3


def test_a_new_door_to_the_same_place_knows_it_all(fake: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.load(MESSAGES)
    door = FakeDoor()
    monkeypatch.setattr("target_journy.loader.open_door", lambda *_, **__: door)
    fake.door = door
    assert fake.load(MESSAGES, api_key="another").calls == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://api.journy.io", "https://API.journy.io:443/", True),
        ("https://api.journy.io", "https://api.journy.io:8443", False),
        ("http://127.0.0.1:8765/journy", "http://127.0.0.1:8766/journy", False),
    ],
)
def test_the_destination_does_not_depend_on_how_its_address_is_written(one: str, other: str, same: bool) -> None:
    from target_journy.doors import open_door

    first, second = (open_door({"api_key": "no-word-of-a-log", "api_url": url}) for url in (one, other))
    assert (first.destination == second.destination) == same
    first.close()
    second.close()


def test_files_that_are_there_already_are_taken_from_others(tmp_path: Path, fake: World) -> None:
    for name in ("ledger.db", "report.json", "rejected.jsonl"):
        (tmp_path / name).touch(mode=0o644)
    fake.load([("licenses", {"id": "1", "account_id": "SEN-1", "cloudComplianceBoundaries": 7})])  # checks the modes


def test_the_oldest_of_two_accounts_that_turn_out_to_be_one_goes_on(fake: World) -> None:
    old = license_row(1)
    new = {**license_row(2), "addonLicenseId": None, "licenseId": None, "appEntitlementNumber": "E-1"}
    fake.load([*license_messages(old), *license_messages({k: v for k, v in new.items() if v is not None})])
    assert set(fake.state.accounts) == {"SEN-1", "E-1"}
    both = {**old, "appEntitlementNumber": "E-1", "status": "inactive", "lastUpdated": "2026-03-05"}
    run = fake.load(license_messages(both))
    assert [body["identification"]["accountId"] for path, body in run.calls if path == "/accounts/upsert"] == ["SEN-1"]
