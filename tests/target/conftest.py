"""Where the loader delivers to and what it remembers: a fake or the sandbox, on SQLite or PostgreSQL."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.target.fakes import SEGMENT_DOORS, WORLDS, faked
from tests.target.runs import SandboxDoor, World

from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    with running(rate_limit=10_000_000) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """A sandbox whose journy.io is empty and whose journal is too."""
    journy = shared_sandbox.journy
    for held in (journy.accounts, journy.users, journy.events, journy.types["accounts"], journy.types["users"]):
        held.clear()
    shared_sandbox.segment.clear()
    shared_sandbox.journy_segment.clear()
    shared_sandbox.journal.clear()
    return shared_sandbox


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """The URL of an empty schema of a PostgreSQL database."""
    return _schema(postgres_server)


@pytest.fixture(scope="module")
def postgres_of_module(postgres_server: str) -> str:
    """That of one that the tests of a file share."""
    return _schema(postgres_server)


def _schema(postgres_server: str) -> str:
    schema = f"ledger_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    return f"{postgres_server}&options=-csearch_path%3D{schema}"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A loader with a SQLite ledger over a fake transport."""
    return faked("journy", tmp_path, monkeypatch)


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A loader over each kind of transport, and with each kind of ledger.

    Where a test is parametrized by other ones, also over a fake of a Segment transport, by its name.
    """
    if request.param in SEGMENT_DOORS:
        return faked(request.param, tmp_path, request.getfixturevalue("monkeypatch"))
    if request.param == "sandbox, SQLite":
        door = SandboxDoor(request.getfixturevalue("sandbox"))
        return World(tmp_path, door, f"sqlite:///{tmp_path}/ledger.db")
    loaded: World = request.getfixturevalue("fake")
    if request.param == "fake, PostgreSQL":
        loaded.settings["ledger_url"] = request.getfixturevalue("postgres")
    return loaded
