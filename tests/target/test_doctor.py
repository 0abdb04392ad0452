"""What a run would stumble over is told beforehand, with what to do, and without a trace."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, make_url, text
from tests.target.command import command
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import SandboxDoor, SegmentDoor, World

from marketplace_sandbox import credentials
from target_journy.doctor import examine
from target_journy.ledger.errors import without_secrets
from target_journy.ledger.schema import VERSION
from target_journy.loader import Loader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.target.command import Result

    from marketplace_sandbox.server import Sandbox

SECRETS = ["wrong-key-1234567", credentials.JOURNY_KEY, credentials.WRITE_KEY, "pass-word", "ann@acme.com", "Ann Lee"]
MESSAGES = [*license_messages(license_row(1, person("ann@acme.com", "Ann Lee"))), sale(1)]


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def world(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> World:
    ledger = request.getfixturevalue("postgres") if request.param == "PostgreSQL" else f"sqlite:///{tmp_path}/ledger.db"
    return World(tmp_path, SandboxDoor(sandbox), ledger)


@pytest.fixture
def rest(tmp_path: Path, sandbox: Sandbox) -> World:
    return World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/ledger.db")


def findings(world: World, **settings: Any) -> list[str]:
    lines = [str(finding) for finding in examine(world.config(**settings))]
    assert not [line for line in lines for secret in SECRETS if secret in line]
    assert not [line for line in lines if "\n" in line]
    return lines


def wrong(world: World, **settings: Any) -> str:
    """The only thing that is wrong."""
    (line,) = [line for line in findings(world, **settings) if line.startswith("wrong: ")]
    return line


def test_all_is_well(world: World) -> None:
    world.load(MESSAGES)
    mapping, key, ledger = findings(world)
    assert mapping == (
        "ok: the mapping makes accounts, users, memberships and events of licenses, contacts, transactions, "
        "for which the key needs the permission to track data"
    )
    assert key.startswith("ok: journy 127.0.0.1:")
    assert "TrackData" in key
    place = without_secrets(make_url(world.ledger_url))
    assert ledger == f"ok: the ledger {place} (version {VERSION}) can be read and written"


def tables_of(url: str) -> dict[str, Any]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        tables = ("ledger_info", "destinations", "stream_mappings", "ledger_runs")
        found = {table: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))] for table in tables}
    engine.dispose()
    return found


def test_looking_leaves_no_trace(world: World) -> None:
    world.load(MESSAGES)
    before = tables_of(world.ledger_url)
    findings(world)
    findings(world, workspace="another", mapping={"streams": {"licenses": {"key": "id", "account": {"id": "id"}}}})
    assert tables_of(world.ledger_url) == before


def test_no_ledger_is_made(rest: World) -> None:
    lines = findings(rest)
    assert lines[-1] == f"note: the ledger {rest.ledger_url} is empty: the first run sends everything"
    assert list(rest.folder.iterdir()) == []


def test_an_older_ledger_is_not_taken_over(world: World) -> None:
    world.load(MESSAGES)
    engine = create_engine(world.ledger_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:  # as a version made it that knew no mappings of streams
        connection.execute(text("UPDATE ledger_info SET version = 1"))
        connection.execute(text("DROP TABLE stream_mappings"))
    assert "(version 1) can be read and written" in findings(world)[-1]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT max(version) FROM ledger_info")).scalar() == 1
        with pytest.raises(Exception, match="stream_mappings"):
            connection.execute(text("SELECT * FROM stream_mappings"))
    engine.dispose()


def test_an_empty_ledger_where_one_is_needed(world: World) -> None:
    assert "--adopt" in wrong(world, require_ledger=True)
    assert not [line for line in findings(world, require_ledger=True, events_since="all") if "wrong" in line]
    world.load(MESSAGES)
    assert not [line for line in findings(world, require_ledger=True) if "wrong" in line]
    assert "--adopt" in wrong(world, require_ledger=True, workspace="another")


def test_a_ledger_that_another_run_uses(world: World) -> None:
    loader = Loader(world.config())
    try:
        assert "another run is using the ledger" in wrong(world)
    finally:
        loader.close()


def test_a_ledger_of_a_newer_version(world: World) -> None:
    world.load(MESSAGES)
    engine = create_engine(world.ledger_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO ledger_info (version) VALUES (99)"))
    engine.dispose()
    assert "newer target-journy" in wrong(world)


def test_what_waits_and_a_changed_mapping_are_told(world: World) -> None:
    world.load([*MESSAGES, sale(9, addonLicenseId="9", licenseId="SEN-9")])
    *_, ledger, changed = findings(world, preset="marketplace")
    assert ledger.endswith("; 1 operations wait in it for the next run")
    assert changed.startswith("note: the mapping of contacts has changed")
    assert "full refresh" in changed
    world.load(MESSAGES, preset="marketplace", version=1)
    world.load(MESSAGES, version=1)
    changed = findings(world)[-1]  # not all was read under this one
    assert changed.startswith("note: the mapping of licenses, contacts, transactions has changed")
    world.load(MESSAGES, version=2, whole=["licenses", "contacts", "transactions"])
    assert "mapping of" not in findings(world)[-1]


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"api_key": "wrong-key-1234567"}, ["'api_key'", "401", "Settings, API access"]),
        ({"api_key": credentials.JOURNY_DISABLED_KEY}, ["'api_key'", "403", "disabled"]),
        ({"api_key": ""}, ["'api_key' is missing"]),
        ({"preset": None}, ["'mapping'", "nothing is mapped"]),
        ({"preset": None, "mapping": "nowhere.yml"}, ["'mapping'", "nowhere.yml"]),
        ({"mapping": {"streams": {"licenses": {"key": "join("}}}}, ["'join('", "JMESPath"]),
        ({"property_groups": "many"}, ["'property_groups'", "'many'"]),
        ({"events_since": "soon"}, ["'events_since'", "2026-01-31"]),
        ({"ledger_url": "no url"}, ["'ledger_url'", "sqlite:///"]),
        ({"ledger_url": "sqlite:////proc/nowhere/ledger.db"}, ["'ledger_url'", "cannot be opened"]),
        ({"ledger_url": "postgresql://x:pass-word@127.0.0.1:9/z?password=pass-word"}, ["'ledger_url'", "127.0.0.1:9"]),
        ({"rejected_path": "/proc/nowhere/rejected.jsonl"}, ["'rejected_path'", "/proc/nowhere"]),
        ({"report_path": "/proc/nowhere/report.json"}, ["'report_path'", "/proc/nowhere"]),
        ({"api_url": "http://api.example"}, ["'api_url'", "https"]),
        ({"api_url": "http://api.example", "api_key": "wrong-key-1234567"}, ["'api_url'"]),
    ],
)
def test_what_is_wrong_is_named_once(rest: World, settings: dict[str, Any], parts: list[str]) -> None:
    line = wrong(rest, **settings)
    for part in parts:
        assert part in line


def test_a_key_that_may_not_track_data(rest: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("target_journy.transports.journy.JournyRest.permissions", lambda _: ["ReadEvents"])
    assert "it may not track data, only ReadEvents" in wrong(rest)


def test_a_ledger_that_is_a_file_of_something_else(rest: World) -> None:
    (rest.folder / "ledger.db").write_text("this is no database, however long one makes the text " * 40)
    before = hashlib.sha256((rest.folder / "ledger.db").read_bytes()).hexdigest()
    assert "'ledger_url'" in wrong(rest)
    assert hashlib.sha256((rest.folder / "ledger.db").read_bytes()).hexdigest() == before


def test_no_mapping_is_fine_where_unknown_streams_become_accounts(rest: World) -> None:
    line = findings(rest, preset=None, unknown_streams="default")[0]
    assert line.startswith("ok: the mapping makes accounts of any other stream")


@pytest.mark.parametrize("transport", ["journy_segment", "segment"])
def test_over_the_segment_protocol(tmp_path: Path, sandbox: Sandbox, transport: str) -> None:
    world = World(tmp_path, SegmentDoor(sandbox, transport), f"sqlite:///{tmp_path}/ledger.db")
    mapping, key, ledger = findings(world)
    assert mapping.startswith("ok: the mapping makes accounts, users, memberships and events of licenses, contacts")
    assert "permission" not in mapping
    assert key.startswith(f"note: {transport} 127.0.0.1:")
    assert "debugger of the source" in key
    assert ledger.startswith("note: the ledger")
    assert "'write_key' is missing" in wrong(world, write_key="")
    assert "needs the transport journy" in wrong(world, memberships="sync")


@pytest.mark.parametrize(
    "part", [{"null_policy": "unset"}, {"properties": {"a": {"value": "a", "null_policy": "unset"}}}]
)
def test_a_mapping_that_the_transport_cannot_carry_out(tmp_path: Path, sandbox: Sandbox, part: dict[str, Any]) -> None:
    world = World(tmp_path, SegmentDoor(sandbox, "segment"), f"sqlite:///{tmp_path}/ledger.db")
    mapping = {"streams": {"people": {"key": "id", "user": {"email": "email", **part}}}}
    line = wrong(world, mapping=mapping)
    assert "stream 'people'" in line
    assert "cannot delete a property" in line
    with pytest.raises(Exception, match="null_policy: unset, which needs the transport journy"):
        Loader(world.config(mapping=mapping))
    assert list(world.folder.iterdir()) == []


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Callable[..., Result]]:
    with command(tmp_path, monkeypatch, capsys) as run:
        yield run


def test_the_command(run: Callable[..., Result], rest: World) -> None:
    good, bad = (json.loads(json.dumps(rest.config(**more))) for more in ({}, {"api_key": SECRETS[0]}))
    result = run("", good, "--doctor")
    assert (result.returncode, result.errors) == (0, [])
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["ok", "ok", "note"]
    result = run("", bad, "--doctor")
    assert (result.returncode, result.errors) == (1, [])
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["ok", "wrong", "note"]
    assert not [secret for secret in SECRETS if secret in result.stdout + result.stderr]
