"""`--copy-ledger-from`: the ledger at its new place is the one at the old."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, delete, insert, text
from tests.target.ledgers import EVERYTHING, TODAY, content, engine_of, fill
from tests.target.rows import license_messages, license_row, sale

from target_journy.dispatch import Stop, StoppedError
from target_journy.history import history
from target_journy.ledger import Ledger, LedgerError, condition_of, copy_ledger, copying
from target_journy.ledger import schema as tables
from target_journy.ledger.copying import Copy
from target_journy.loader import Loader
from target_journy.moving import OPTION, move_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Table
    from tests.target.runs import Call, World

FAKE = "journy fake.example"


@pytest.fixture
def old(fake: World) -> World:
    """A ledger with something of everything in it."""
    fill(fake)
    held = content(fake.ledger_url)
    assert all(held.values()), held
    return fake


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path}/new.db"
    return str(request.getfixturevalue("postgres"))


def move(world: World, url: str) -> list[str]:
    """Copy the ledger, and use it where it is now."""
    told = list(move_ledger(world.config(api_url="https://fake.example", ledger_url=url), world.ledger_url, Stop()))
    world.ledger_url = url
    return told


def without_times(calls: list[Call]) -> list[Call]:
    calls = copy.deepcopy(calls)
    for _, body in calls:
        body.get("properties", {}).pop("deleted_at", None)
    return sorted(calls, key=str)  # several are under way at once


def test_it_is_the_same_table_by_table_there_and_back(old: World, place: str, tmp_path: Path) -> None:
    first = old.ledger_url
    before = content(first)
    rows, moved = move(old, place)
    assert content(place) == content(first) == before
    assert rows.startswith(f"copied what is known of {FAKE}: 9 account_aliases, ")
    waiting = condition_of(first, FAKE).waiting
    assert waiting > 10
    assert rows.endswith(f"; {waiting} operations wait for the next run")
    assert moved.endswith(f"let no run use the one at {first} any more")
    move(old, f"sqlite:///{tmp_path}/again.db")
    assert content(old.ledger_url) == before
    assert (tmp_path / "again.db").stat().st_mode & 0o777 == 0o600


def test_the_next_run_sends_what_waited_and_nothing_else(old: World, place: str) -> None:
    first, there = old.ledger_url, copy.deepcopy(old.door.state)
    move(old, place)
    waited = old.load([]).calls
    later = old.load(EVERYTHING, version=3).calls
    members = {"/accounts/users/add", "/accounts/users/remove"}
    assert {path for path, _ in waited} == {"/accounts/upsert", "/users/upsert", "/track", *members}
    told = [event["metadata"]["event_id"] for event in old.state.events]
    assert len(told) == len(set(told))
    # As if it had never moved.
    old.ledger_url, old.door.state = first, there
    assert without_times(old.load([]).calls) == without_times(waited)
    assert without_times(old.load(EVERYTHING, version=3).calls) == without_times(later)


def test_a_pinned_account_keeps_its_id(old: World, place: str) -> None:
    move(old, place)
    old.load([])
    newer = license_row(1, appEntitlementNumber="E-1", status="inactive", lastUpdated="2026-03-09")
    old.load([*license_messages(newer), sale(8, appEntitlementNumber="E-1")])
    assert "E-1" not in old.state.accounts
    assert old.state.accounts["SEN-1"].properties["license_status"] == "inactive"


def test_what_was_refused_is_sent_again_when_that_is_asked_for(old: World, place: str) -> None:
    move(old, place)
    old.load([])
    loader = Loader(old.config(), retry_rejected=True)
    loader.finish()
    loader.close()
    assert [body["metadata"]["transaction_id"] for _, body in old.door.take_calls()] == ["AT-3"]


def test_a_ledger_of_an_older_version(fake: World, place: str) -> None:
    fake.load(TODAY)
    engine = engine_of(fake.ledger_url)
    with engine.begin() as connection:  # as a version made it that knew less
        connection.execute(text("UPDATE ledger_info SET version = 1"))
        for name in ("stream_mappings", "claims", "activations", "slot_rows"):
            connection.execute(text(f"DROP TABLE {name}"))
    engine.dispose()
    before = content(fake.ledger_url)
    move(fake, place)
    after = content(place)
    assert {name: after[name] for name in before} == before
    assert not any(after[name] for name in after.keys() - before.keys())
    assert fake.load(TODAY).calls == []


def test_runs_that_sent_nothing_leave_no_obstacle(old: World, place: str) -> None:
    """A new place is found to be empty by a run that is refused, and looked at."""
    settings = {"ledger_url": place, "api_url": "https://fake.example"}
    with pytest.raises(LedgerError, match="--copy-ledger-from"):
        old.load(EVERYTHING, ledger_url=place, require_ledger=True)
    old.load([], ledger_url=place)
    assert len(history(old.config(**settings))) == 3
    before = content(old.ledger_url)
    move(old, place)
    assert content(place) == before


def test_all_destinations_go_along_and_stay_apart(old: World, place: str) -> None:
    old.load(TODAY, workspace="two")
    kept = Ledger(place, "journy another.example")  # has the first number there
    kept.close()
    told = move(old, place)
    assert [line.partition(":")[0] for line in told[:-1]] == [
        f"copied what is known of {FAKE}",
        f"copied what is known of {FAKE} two",
    ]
    old.door.take_calls()
    assert old.load(TODAY, workspace="two").calls == []
    # A destination that comes later gets a number that none has.
    assert old.load(TODAY, workspace="three").report["created"]["accounts"] == 3
    engine = engine_of(place)
    with engine.connect() as connection:
        numbers = list(connection.execute(text("SELECT id FROM destinations ORDER BY id")).scalars())
    engine.dispose()
    assert numbers == [1, 2, 3, 4]


def test_what_another_destination_has_at_the_new_place_stays(old: World, place: str) -> None:
    first = old.ledger_url
    old.ledger_url = place
    old.load(TODAY, workspace="there already")
    before = content(place)
    old.ledger_url = first
    added = content(first)
    move(old, place)
    assert content(place) == {name: rows + added[name] for name, rows in before.items()}


def test_it_is_all_or_nothing(old: World, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("target_journy.ledger.copying._PAGE", 1)
    pages = copying._pages

    def breaks(ledger: Any, table: Table, told_by: str) -> Any:
        yield from pages(ledger, table, told_by)
        if table is tables.slots:
            raise LedgerError("cut short")

    with monkeypatch.context() as patch:
        patch.setattr("target_journy.ledger.copying._pages", breaks)
        with pytest.raises(LedgerError, match="cut short"):
            copy_ledger(old.ledger_url, place, destination=FAKE, told_by=OPTION, stop=Stop())
    assert not any(content(place).values())
    before = content(old.ledger_url)
    move(old, place)  # page by page
    assert content(place) == before


def test_a_signal_is_obeyed_between_two_pages_or_not_at_all(
    old: World, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("target_journy.ledger.copying._PAGE", 1)
    pages, held_back, stop = copying._pages, content(old.ledger_url), Stop()

    def signalled(ledger: Any, table: Table, told_by: str) -> Any:
        for page in pages(ledger, table, told_by):
            stop.signal()  # it breaks off no statement, after which a connection to PostgreSQL would be lost
            yield page

    with monkeypatch.context() as patch:
        patch.setattr("target_journy.ledger.copying._pages", signalled)
        with pytest.raises(StoppedError):
            copy_ledger(old.ledger_url, place, destination=FAKE, told_by=OPTION, stop=stop)
    assert not any(content(place).values())

    with monkeypatch.context() as patch:
        stop = Stop()
        patch.setattr("target_journy.ledger.copying.Copy", lambda *of: (stop.signal(), Copy(*of))[1])
        with pytest.raises(StoppedError):  # after the last page, before it is kept
            copy_ledger(old.ledger_url, place, destination=FAKE, told_by=OPTION, stop=stop)
    assert not any(content(place).values())
    stop = Stop()
    copy_ledger(old.ledger_url, place, destination=FAKE, told_by=OPTION, stop=stop)
    stop.signal()
    assert content(place) == held_back


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
DESTINATIONS = (FAKE, f"{FAKE} two", "segment fake.example")


def values(column: Any) -> st.SearchStrategy[Any]:
    if isinstance(column.type, Boolean):
        found: st.SearchStrategy[Any] = st.booleans()
    elif isinstance(column.type, BigInteger):
        found = st.integers(-(2**63), 2**63 - 1)
    else:
        found = WORDS
    return found | st.none() if column.nullable else found


def rows_of(table: Table, fewest: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    columns = [column for column in table.c if column.name != "destination"]
    keys = [column.name for column in columns if column.primary_key]
    row = st.fixed_dictionaries({column.name: values(column) for column in columns})
    if not keys:
        return st.lists(row, min_size=0, max_size=1)
    return st.lists(row, min_size=fewest, max_size=4, unique_by=lambda found: tuple(found[name] for name in keys))


LEDGERS = st.fixed_dictionaries(
    {
        table: rows_of(table, fewest=int(table is tables.entities))
        for table in tables.metadata.sorted_tables
        if "destination" in table.c
    }
)


@hypothesis_settings(max_examples=8)
@given(held=st.lists(LEDGERS, min_size=1, max_size=len(DESTINATIONS)))
def test_whatever_rows_there_are(
    postgres_of_module: str, tmp_path_factory: pytest.TempPathFactory, held: list[dict[Table, list[dict[str, Any]]]]
) -> None:
    folder = tmp_path_factory.mktemp("ledgers")
    urls = [f"sqlite:///{folder}/first.db", postgres_of_module, f"sqlite:///{folder}/last.db"]
    for url in urls[:2]:
        Ledger(url, FAKE).close()
    first, second = (engine_of(url) for url in urls[:2])
    with second.begin() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table is not tables.info:
                connection.execute(delete(table))
    with first.begin() as connection:
        for number, (name, ledger) in enumerate(zip(DESTINATIONS, held, strict=False), 1):
            if number > 1:
                connection.execute(insert(tables.destinations), {"id": number, "name": name})
            for table, rows in ledger.items():
                if rows:
                    connection.execute(insert(table), [{**row, "destination": number} for row in rows])
    first.dispose()
    second.dispose()
    for source, target in pairwise(urls):
        copies = copy_ledger(source, target, destination=FAKE, told_by=OPTION, stop=Stop())
        assert [one.destination for one in copies] == sorted(DESTINATIONS[: len(held)])
        assert content(source) == content(target)
    for name, ledger in zip(DESTINATIONS, held, strict=False):
        (told,) = (one for one in copies if one.destination == name)
        assert told.rows == {table.name: len(rows) for table, rows in ledger.items()}
