"""`--adopt` takes its input as delivered as a whole, or leaves the ledger as it was."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text
from tests.target.command import SCHEMAS, command, settings
from tests.target.rows import license_messages, license_row, person, sale

from target_journy.adoption import Adoption
from target_journy.ledger.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.target.command import Result
    from tests.target.runs import Message

    from marketplace_sandbox.server import Sandbox

SALES = [*license_messages(license_row(1, person("ann@acme.com", "Ann Lee"))), sale(1)]


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Callable[..., Result]]:
    with command(tmp_path, monkeypatch, capsys) as call:
        yield call


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def required(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> dict[str, Any]:
    """Settings over the sandbox, with a ledger that must not be empty."""
    place = {"ledger_url": request.getfixturevalue("postgres")} if request.param == "PostgreSQL" else {}
    return {**settings(sandbox, tmp_path), **place, "require_ledger": True}


def content(url: str) -> dict[str, list[Any]]:
    """All rows of a ledger, by table, but what it knows of runs."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        found = {
            name: sorted(map(repr, connection.execute(text(f"SELECT * FROM {name}"))))
            for name in metadata.tables
            if name != "ledger_runs"
        }
    engine.dispose()
    return found


def lines(messages: list[Message], *tail: dict[str, Any]) -> str:
    records = [{"type": "RECORD", "stream": stream, "record": record} for stream, record in messages]
    return "".join(f"{json.dumps(line)}\n" for line in [*SCHEMAS, *records, *tail])


STATE = {"type": "STATE", "value": {"at": 1}}
ONLY_ROLES = [message for message in SALES if message[0] == "contacts"]


@pytest.mark.parametrize(
    "text",
    ["", lines([], STATE), lines(ONLY_ROLES, STATE), lines([sale(1)], STATE)],
    ids=["nothing", "streams without records", "roles without accounts", "a sale without its licence"],
)
def test_where_there_is_nothing_to_adopt_it_fails_and_the_ledger_stays_empty(
    loader: Callable[..., Result], required: dict[str, Any], sandbox: Sandbox, text: str
) -> None:
    adopting = loader(text, required, "--adopt")
    assert (adopting.returncode, adopting.stdout) == (1, "")
    (error,) = adopting.errors
    assert "nothing was adopted and the ledger is as it was" in error
    assert "names the streams contacts, licenses, transactions; the input has " in error
    for counts in adopting.report["streams"].values():
        assert counts["delivered"] + counts["waiting"] == 0
    refused = loader(lines(SALES, STATE), required)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "the ledger is empty" in refused.errors[0]
    assert sandbox.journal.calls == []
    # It is no obstacle to doing it right.
    assert loader(lines(SALES, STATE), required, "--adopt").states == [{"at": 1}]
    assert loader(lines(SALES, STATE), required).returncode == 0
    assert sandbox.journal.calls == []


@pytest.mark.parametrize("middle", ["no JSON\n", f"{json.dumps({'type': 'RECORD', 'stream': 'licenses'})}\n"])
def test_an_input_that_breaks_off_is_not_adopted_by_half(
    loader: Callable[..., Result], required: dict[str, Any], monkeypatch: pytest.MonkeyPatch, middle: str
) -> None:
    monkeypatch.setattr("target_journy.target.JournySink.MAX_SIZE_DEFAULT", 1)
    first = lines(SALES[:2], STATE) + lines(SALES[2:])
    adopting = loader(first + middle, required, "--adopt")
    assert (adopting.returncode, adopting.stdout) == (1, "")
    assert "nothing was taken as delivered to journy 127.0.0.1" in adopting.stderr
    assert "the ledger is empty" in loader(first, required).errors[0]
    assert "failed (nothing adopted)" in loader("", required, "--history").stdout


def test_what_does_not_fit_leaves_a_ledger_with_content_as_it_was(
    loader: Callable[..., Result], required: dict[str, Any]
) -> None:
    assert loader(lines(SALES), {**required, "require_ledger": False}).returncode == 0
    before = content(required["ledger_url"])
    mapping = {"streams": {"other": {"key": "id", "account": {"id": "id"}}}}
    required.pop("preset")
    adopting = loader(lines(SALES), {**required, "mapping": mapping}, "--adopt")
    assert (
        "the streams other; the input has records of the streams contacts, licenses, transactions" in adopting.errors[0]
    )
    assert content(required["ledger_url"]) == before


@pytest.mark.parametrize("schemas", ["with its schema", "without its schema"])
def test_streams_of_which_no_record_came_are_named(
    loader: Callable[..., Result], required: dict[str, Any], sandbox: Sandbox, schemas: str
) -> None:
    text = lines(SALES[:-1])
    if schemas == "without its schema":
        text = "".join(line for line in text.splitlines(keepends=True) if "transactions" not in line)
    adopting = loader(text, required, "--adopt")
    assert adopting.returncode == 0
    assert "the mapping also names transactions, of which nothing came" in adopting.stderr
    sandbox.journy.upsert_account({"accountId": "SEN-1"}, {})
    assert loader(lines(SALES), required).report["created"]["events"] == 1


def test_what_was_adopted_is_there_when_its_state_is_passed_on(
    loader: Callable[..., Result], required: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that cannot keep what it adopted must not move a bookmark past it."""

    def fail(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("target_journy.target.JournySink.MAX_SIZE_DEFAULT", 1)
    with monkeypatch.context() as patch:
        patch.setattr("target_journy.adoption.Adoption.keep", fail)
        assert loader(lines(SALES, STATE), required, "--adopt").stdout == ""
    assert "the ledger is empty" in loader(lines(SALES, STATE), required).errors[0]


def test_more_rejected_than_allowed_is_not_adopted(
    loader: Callable[..., Result], required: dict[str, Any], sandbox: Sandbox
) -> None:
    """What is mended and comes again would be sent, though it may have been delivered before the ledger was lost."""
    bad: Message = ("transactions", {**sale(9)[1], "purchaseDetails": {}})
    text = lines([*SALES, bad], STATE)
    adopting = loader(text, required, "--adopt")
    assert (adopting.returncode, adopting.stdout, adopting.report["adoption"]) == (3, "", "nothing adopted")
    (error,) = adopting.errors
    assert "the setting 'max_rejected_percent' allows 5" in error
    assert "nothing was adopted and the ledger is as it was" in error
    assert "nothing was taken as delivered to journy 127.0.0.1" in adopting.stderr
    assert (
        adopting.report["streams"]["transactions"] | {"failed": 1, "rejected": 1, "delivered": 0}
        == (adopting.report["streams"]["transactions"])
    )
    assert "the ledger is empty" in loader(text, required).errors[0]
    adopting = loader(text, {**required, "max_rejected_percent": 100}, "--adopt")
    assert (adopting.returncode, adopting.states, adopting.report["adoption"]) == (0, [{"at": 1}], "adopted")
    loader(text, required)
    assert sandbox.journal.calls == []


def test_a_stop_while_it_is_kept_comes_too_late(
    loader: Callable[..., Result], required: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger is not as it was any more, so it must not be said to be."""
    keep = Adoption.keep

    def stop(self: Adoption, report: Any) -> None:
        keep(self, report)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Adoption, "keep", stop)
    adopting = loader(lines(SALES, STATE), required, "--adopt")
    assert (adopting.returncode, adopting.states, adopting.report["adoption"]) == (0, [{"at": 1}], "adopted")
    assert loader(lines(SALES), required).returncode == 0
