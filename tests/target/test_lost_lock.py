"""A PostgreSQL that ends the connection which holds the lock: the run ends too, before another one can meet it."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import event
from tests.target.rows import license_messages, license_row, sale

from target_journy.dispatch import StoppedError
from target_journy.history import history
from target_journy.ledger import Ledger, LedgerError
from target_journy.loader import Loader

if TYPE_CHECKING:
    from tests.target.runs import World

LICENSE = license_messages(license_row(1))


@pytest.fixture
def url(fake: World, postgres: str) -> str:
    fake.settings["ledger_url"] = postgres
    return postgres


def break_off(url: str) -> None:
    """End the connections that hold a lock, as a restart of the server does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")


def test_between_two_batches(fake: World, url: str) -> None:
    fake.load(LICENSE)
    first = Loader(fake.config())
    first.load(*sale(1))
    break_off(url)
    assert fake.load([sale(1), sale(2)]).report["created"]["events"] == 2
    with pytest.raises(LedgerError, match=r"'ledger_url': the connection .* broke off.* run again"):
        first.flush()
    first.load(*sale(3))
    with pytest.raises(LedgerError, match="broke off"):  # it does not come back to the lock of another
        first.flush()
    first.close()
    assert len(fake.state.events) == 2


def test_while_calls_are_under_way(fake: World, url: str) -> None:
    """What is under way may be told by the next run once more, which counts it; nothing else is told by both."""
    fake.load(LICENSE)
    other: list[Any] = []

    def lose(path: str, body: dict[str, Any]) -> None:
        fake.door.before = lambda path, body: None
        break_off(url)
        run = Loader(fake.config())
        run.finish()
        run.close()
        other.append(run.report)

    fake.door.before = lose
    run = fake.load([sale(number) for number in range(1, 6)], max_parallel_requests=1)
    assert "broke off" in run.error
    (report,) = other
    assert (report.created["events"], report.possibly_repeated) == (5, 1)
    assert len(fake.state.events) == 6


def test_a_server_that_ends_idle_connections_spares_it(fake: World, url: str) -> None:
    ledger = Ledger(f"{url}%20-cidle_session_timeout%3D50%20-cidle_in_transaction_session_timeout%3D50", "place")
    time.sleep(0.3)
    with ledger.rehearsal():
        time.sleep(0.3)
        with ledger.transaction() as transaction:
            assert transaction.is_empty()
    ledger.close()


@pytest.mark.parametrize("message", ["SCHEMA", "ACTIVATE_VERSION"])
def test_a_signal_breaks_off_no_statement_since_the_connection_would_break_with_it(
    fake: World, url: str, message: str
) -> None:
    fake.settings["deletes"] = "soft"
    run = Loader(fake.config())

    def is_slow(_: Any, cursor: Any, *__: Any) -> None:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        cursor.execute("SELECT pg_sleep(1)")

    event.listen(run._ledger._engine, "before_cursor_execute", is_slow, once=True)
    before = signal.signal(signal.SIGUSR1, lambda *_: run.stop.signal())
    try:
        with pytest.raises(StoppedError):
            run.open_stream("licenses", {}, ["id"]) if message == "SCHEMA" else run.activate("licenses", 1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    run.close()
    assert "stopped" in "\n".join(history(fake.config(api_url="https://fake.example")))
    assert fake.load(LICENSE).report["created"]["accounts"] == 1
