"""Whether a run could use a ledger, found out without leaving a trace in it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import func, inspect, select

from marketplace_singer import check_writable
from target_journy.ledger import schema as tables
from target_journy.ledger.database import file_of, lock_database, open_database
from target_journy.ledger.errors import opening, without_secrets
from target_journy.ledger.ledger import LedgerTransaction, destination_id

if TYPE_CHECKING:
    from target_journy.ledger.stream_mappings import StreamMapping


@dataclass(frozen=True, slots=True)
class Condition:
    """What a run would find.

    Attributes:
        place: The URL of the ledger as it may be shown.
        version: Of its tables; None where there are none yet.
        is_empty: Nothing was ever meant for the destination.
        waiting: Operations that it holds back.
        mappings: What it knows of the mapping of each stream.
    """

    place: str
    version: int | None
    is_empty: bool = True
    waiting: int = 0
    mappings: dict[str, StreamMapping] = field(default_factory=dict)


def condition_of(url: str, destination: str, *, deletes: str = "hard") -> Condition:
    """Open a ledger as a run does, write what a run writes first, look around, and undo it all.

    Args:
        url: SQLAlchemy URL of the ledger.
        destination: Transport, host and port, and workspace.
        deletes: As the setting; deletions that it does not ask for do not wait.

    Raises:
        LedgerError: A run could not use it: no such database, no right to write, made by a newer version, in use.
    """
    with opening(url) as parsed, ExitStack() as opened:
        file = file_of(parsed)
        if file and not file.exists():
            check_writable(file)
            return Condition(without_secrets(parsed), None)
        engine = open_database(parsed)
        opened.callback(engine.dispose)
        opened.callback(lock_database(engine, destination))
        connection = opened.enter_context(engine.connect())
        if file:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # Python's driver begins too late to undo new tables
        opened.callback(connection.rollback)
        has_tables = inspect(connection).has_table(tables.info.name)
        version = connection.execute(select(func.max(tables.info.c.version))).scalar() if has_tables else None
        tables.metadata.create_all(connection)
        ledger = LedgerTransaction(connection, destination_id(connection, destination))
        waiting = ledger.waiting() - ledger.unwanted_deletions(deletes)
        return Condition(without_secrets(parsed), version, ledger.is_empty(), waiting, ledger.stream_mappings())
