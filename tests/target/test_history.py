"""What the ledger keeps of the newest runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import refuse

from target_journy.history import history
from target_journy.ledger import Ledger, LedgerError
from target_journy.ledger.runs import Run
from target_journy.loader import Loader
from target_journy.target import TargetJourny
from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from tests.target.runs import World

ANN = person("ann@acme.com", "Ann Lee", phone="1")
MESSAGES = [*license_messages(license_row(1, ANN)), sale(1)]


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def world(request: pytest.FixtureRequest, fake: World) -> World:
    if request.param == "PostgreSQL":
        fake.ledger_url = request.getfixturevalue("postgres")
    return fake


def cells(world: World) -> list[dict[str, str]]:
    """The table of the runs, by the names of its columns."""
    title, heads, *rows = history(world.config(api_url="https://fake.example"))
    assert title == "runs to journy fake.example"
    names = [name.strip() for name in heads.split("  ") if name.strip()]
    starts = [heads.index(name) for name in names]
    ends = [*starts[1:], None]
    return [{n: row[a:b].strip() for n, a, b in zip(names, starts, ends, strict=True)} for row in rows]


def test_each_run_is_told_with_its_result_and_counts(world: World) -> None:
    world.load(MESSAGES)
    world.load(MESSAGES, adopt=True)
    world.load(MESSAGES, dry_run=True)

    def fail(*_: object) -> None:
        raise DeliveryError("no")

    world.door.before = fail
    world.load([sale(2)])
    world.door.before = lambda *_: (_ for _ in ()).throw(refuse())
    world.load([sale(3)], max_rejected_percent=0)
    rejected, failed, adopted, first = cells(world)

    assert [run["result"] for run in (rejected, failed, adopted, first)] == [
        "too many rejected",
        "failed",
        "done (adopted)",
        "done",
    ]
    assert (first["read"], first["delivered"], first["calls"]) == (str(len(MESSAGES)), "3", "4")
    assert (rejected["read"], rejected["rejected"]) == ("1", "1")
    assert first["started (UTC)"] < failed["started (UTC)"] or first["ended"] <= failed["ended"]
    assert "ann@" not in "\n".join(history(world.config(api_url="https://fake.example"))).lower()


def test_a_run_that_was_killed_is_told_as_broken_off(world: World) -> None:
    loader = Loader(world.config())
    loader._resources.close()  # as the system does it, nothing else
    assert cells(world)[0]["result"] == "running"
    world.load(MESSAGES)
    newest, killed = cells(world)
    assert (killed["result"], killed["ended"], killed["read"]) == ("broken off", "", "")
    assert newest["result"] == "done"


def test_the_newest_runs_are_kept(world: World) -> None:
    ledger = Ledger(world.ledger_url, "journy fake.example")
    with ledger.transaction() as transaction:
        for number in range(95):
            transaction.begin_run(f"2026-01-01T00:{number // 60:02}:{number % 60:02}")
        runs = transaction.newest_runs()
        transaction.end_run(Run(runs[0].started, "2026-01-02", "done", None))
        assert transaction.newest_runs()[0].result == "done"
    ledger.close()
    assert len(runs) == 90
    assert runs[0].started > runs[-1].started == "2026-01-01T00:00:05"


def test_history_is_told_while_another_run_goes_on(world: World) -> None:
    loader = Loader(world.config())
    try:
        assert cells(world)[0]["result"] == "running"
    finally:
        loader.close()


def test_where_no_ledger_is_none_is_made(fake: World) -> None:
    elsewhere = fake.folder / "mistyped.db"
    with pytest.raises(LedgerError, match=r"'ledger_url': there is no ledger at .*mistyped\.db"):
        history(fake.config(ledger_url=f"sqlite:///{elsewhere}"))
    assert not elsewhere.exists()


def test_an_empty_database_is_no_ledger(world: World) -> None:
    world.ledger_url = world.ledger_url.replace("ledger.db", "empty.db")
    if world.ledger_url.startswith("sqlite"):
        (world.folder / "empty.db").touch()
    for _ in range(2):
        with pytest.raises(LedgerError, match="there is no ledger at"):
            history(world.config())


def test_the_command(fake: World) -> None:
    fake.load(MESSAGES)
    config = fake.folder / "config.json"
    config.write_text(
        f'{{"api_key": "a-key-of-no-other-word", "ledger_url": "{fake.ledger_url}", "api_url": "https://fake.example"}}'
    )
    result = CliRunner().invoke(TargetJourny.cli, ["--config", str(config), "--history"], standalone_mode=False)
    assert result.output.splitlines()[-1].split()[2:4] == ["done", str(len(MESSAGES))]


def test_a_ledger_of_a_newer_version_is_left_alone(fake: World) -> None:
    fake.load(MESSAGES)
    engine = create_engine(fake.ledger_url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO ledger_info (version) VALUES (99)"))
    engine.dispose()
    with pytest.raises(LedgerError, match="newer target-journy"):
        fake.load(MESSAGES)
