"""`--copy-ledger-from` as a command: what it tells, what it refuses, and that it gives no password away."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from tests.target.command import command, settings, singer_lines
from tests.target.ledgers import TODAY, content, engine_of

from target_journy.ledger import Ledger
from target_journy.moving import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.target.command import Result

    from marketplace_sandbox.server import Sandbox

PASSWORD = "pass-word"
OPTION = "--copy-ledger-from"


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Callable[..., Result]]:
    with command(tmp_path, monkeypatch, capsys) as call:
        yield call


@pytest.fixture
def config(tmp_path: Path, sandbox: Sandbox) -> dict[str, Any]:
    """Settings whose ledger is at a new place."""
    return {**settings(sandbox, tmp_path), "ledger_url": f"sqlite:///{tmp_path}/new.db"}


@pytest.fixture
def old(loader: Callable[..., Result], config: dict[str, Any], tmp_path: Path, sandbox: Sandbox) -> str:
    """A ledger with content, at the old place."""
    url = f"sqlite:///{tmp_path}/old.db"
    assert loader(singer_lines(TODAY), {**config, "ledger_url": url}).returncode == 0
    sandbox.journal.clear()
    return url


def destination(sandbox: Sandbox) -> str:
    return f"journy {sandbox.journy_url.split('/')[2]}"


def refused(result: Result) -> str:
    assert (result.returncode, result.stdout) == (1, "")
    (error,) = result.errors
    assert PASSWORD not in result.stderr
    return error


def test_it_tells_what_was_copied_and_the_next_run_sends_nothing(
    loader: Callable[..., Result], config: dict[str, Any], old: str, sandbox: Sandbox
) -> None:
    keyless = {name: value for name, value in config.items() if name != "api_key"}
    copied, moved = loader("", keyless, OPTION, old).stdout.splitlines()
    assert copied.startswith(f"copied what is known of {destination(sandbox)}: ")
    assert " 9 slots, " in copied
    assert copied.endswith("; 1 operations wait for the next run")
    assert moved == f"the ledger is at {config['ledger_url']} now: let no run use the one at {old} any more"
    assert loader(singer_lines(TODAY), {**config, "require_ledger": True}).returncode == 0
    assert sandbox.journal.calls == []


def test_the_url_may_come_from_the_environment(
    loader: Callable[..., Result], config: dict[str, Any], old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert VARIABLE in refused(loader("", config, OPTION, "ENV"))
    monkeypatch.setenv(VARIABLE, "")
    assert VARIABLE in refused(loader("", config, OPTION, "ENV"))
    monkeypatch.setenv(VARIABLE, old)
    assert loader("", config, OPTION, "ENV").returncode == 0
    assert content(config["ledger_url"]) == content(old)


def test_the_variable_alone_copies_nothing(
    loader: Callable[..., Result], config: dict[str, Any], old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, old)
    assert "the ledger is empty" in refused(loader("", {**config, "require_ledger": True}))


def test_a_stop_promises_nothing_of_the_next_run(
    loader: Callable[..., Result], config: dict[str, Any], old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("target_journy.ledger.copying._copy", stop)
    assert "nothing was copied" in refused(loader("", config, OPTION, old))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "no URL of SQLite or PostgreSQL"),
        ("old.db", "no URL of SQLite or PostgreSQL"),
        (f"mysql://x:{PASSWORD}@y/z", "no URL of SQLite or PostgreSQL"),
        (f"postgresql://x:{PASSWORD}@127.0.0.1:9/z", "***@127.0.0.1:9/z cannot be opened"),
        (f"postgresql://127.0.0.1:9/z?password={PASSWORD}", "postgresql://127.0.0.1:9/z cannot be opened"),
        ("sqlite:///nowhere.db", "there is no file 'nowhere.db'"),
        ("sqlite:///config.json", "cannot be opened"),
        ("sqlite:///other.db", "there is no ledger at"),
        ("sqlite:///empty.db", "there is no ledger at"),
        ("sqlite://", "there is no ledger at"),
    ],
)
def test_what_is_no_ledger(
    loader: Callable[..., Result], config: dict[str, Any], tmp_path: Path, source: str, says: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE runs (id)")
    Ledger(f"sqlite:///{tmp_path}/empty.db", "journy api.journy.io").close()
    error = refused(loader("", config, OPTION, source))
    assert f"{OPTION}: " in error
    assert says in error
    assert not (tmp_path / "nowhere.db").exists()
    assert not (tmp_path / "new.db").exists()


def test_one_of_another_destination(
    loader: Callable[..., Result], config: dict[str, Any], old: str, sandbox: Sandbox
) -> None:
    error = refused(loader("", {**config, "workspace": "two"}, OPTION, old))
    name = destination(sandbox)
    assert f"is not for {name} two, to which the settings lead, but for {name}: look at 'transport'" in error


@pytest.mark.parametrize("place", ["old", "new"])
def test_one_of_a_newer_version(
    loader: Callable[..., Result], config: dict[str, Any], old: str, sandbox: Sandbox, place: str
) -> None:
    url = old if place == "old" else config["ledger_url"]
    Ledger(url, destination(sandbox)).close()
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO ledger_info (version) VALUES (99)"))
    engine.dispose()
    error = refused(loader("", config, OPTION, old))
    assert (OPTION if place == "old" else "setting 'ledger_url'") in error
    assert "newer target-journy" in error


@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
@pytest.mark.parametrize("place", ["old", "new"])
def test_one_that_a_run_uses(
    loader: Callable[..., Result],
    config: dict[str, Any],
    old: str,
    sandbox: Sandbox,
    request: pytest.FixtureRequest,
    kind: str,
    place: str,
) -> None:
    source = old
    if kind == "PostgreSQL":
        postgres = request.getfixturevalue("postgres")
        assert loader("", {**config, "ledger_url": postgres}, OPTION, old).returncode == 0
        source, config["ledger_url"] = (postgres, config["ledger_url"]) if place == "old" else (old, postgres)
    used = Ledger(source if place == "old" else config["ledger_url"], destination(sandbox))
    try:
        error = refused(loader("", config, OPTION, source))
    finally:
        used.close()
    assert (OPTION if place == "old" else "setting 'ledger_url'") in error
    assert "another run is using the ledger" in error


def test_a_place_that_has_a_ledger(loader: Callable[..., Result], config: dict[str, Any], old: str) -> None:
    assert loader("", config, OPTION, old).returncode == 0
    before = content(config["ledger_url"])
    error = refused(loader("", config, OPTION, old))
    assert "setting 'ledger_url': there is a ledger of journy 127.0.0.1:" in error
    assert content(config["ledger_url"]) == before


@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
def test_itself(
    loader: Callable[..., Result], config: dict[str, Any], old: str, request: pytest.FixtureRequest, kind: str
) -> None:
    place = old
    if kind == "PostgreSQL":
        place = request.getfixturevalue("postgres")
        assert loader("", {**config, "ledger_url": place}, OPTION, old).returncode == 0
    before = content(place)
    error = refused(loader("", {**config, "ledger_url": place}, OPTION, place))
    assert "there is a ledger of journy 127.0.0.1:" in error
    assert content(place) == before


def test_a_text_that_the_new_place_cannot_hold(
    loader: Callable[..., Result], config: dict[str, Any], old: str, postgres: str
) -> None:
    engine = engine_of(old)
    with engine.begin() as connection:
        connection.execute(text("UPDATE slots SET email = :email"), {"email": f"{PASSWORD}\0"})
    engine.dispose()
    error = refused(loader("", {**config, "ledger_url": postgres}, OPTION, old))
    assert "setting 'ledger_url': the ledger failed (DataError)" in error
    assert not any(content(postgres).values())
