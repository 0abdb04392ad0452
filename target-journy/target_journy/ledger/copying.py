"""Copy a whole ledger, such as a SQLite file, to another place, such as a PostgreSQL, where there is none yet."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, inspect, select

from target_journy.ledger import schema as tables
from target_journy.ledger.database import file_of, is_same_database, lock_database, make_tables, open_database
from target_journy.ledger.errors import (
    SETTING,
    LedgerError,
    NewerLedgerError,
    opening,
    without_secrets,
    working,
)
from target_journy.ledger.ledger import LedgerTransaction, destination_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine, Table

    from target_journy.dispatch import Stop

_PAGE = 1000  # rows that are in memory at a time
_COPIED = [table for table in tables.metadata.sorted_tables if "destination" in table.c]


@dataclass(frozen=True, slots=True)
class Copy:
    """What was copied of one destination.

    Attributes:
        destination: Transport, host and port, and workspace.
        rows: How many, by table; of an older ledger those that it has.
        waiting: How many operations wait among them for the next run.
    """

    destination: str
    rows: dict[str, int]
    waiting: int


def copy_ledger(source: str, url: str, *, destination: str, told_by: str, stop: Stop) -> list[Copy]:
    """Copy all that a ledger knows of any destination, in one transaction; the ledger itself stays as it is.

    Args:
        source: SQLAlchemy URL of the ledger.
        url: That of the place to copy it to, where nothing may be known of these destinations yet.
        destination: The one that has to be among them.
        told_by: The option that gives the source.
        stop: Looked at between two pages of rows.

    Raises:
        StoppedError: It was told to stop, and nothing was copied.
        LedgerError: One of them cannot be used or is in use, there is no ledger of the destination to copy, or there
            is one already where it would go to.
    """
    with stop.held(), ExitStack() as opened:
        with opening(source, told_by) as place:
            shown = without_secrets(place)
            if (file := file_of(place)) and not file.exists():
                raise LedgerError(f"{told_by}: there is no file {str(file)!r}")
            old = open_database(place)
            opened.callback(old.dispose)
            known = _destinations(old)
            if not known:
                raise LedgerError(f"{told_by}: there is no ledger at {shown}, or an empty one")
            opened.callback(lock_database(old, *known))
        if destination not in known:
            raise LedgerError(
                f"{told_by}: the ledger at {shown} is not for {destination}, to which the settings lead, but for "
                f"{', '.join(known)}: look at 'transport', 'api_url' and 'workspace'"
            )
        with opening(url) as place:
            new = open_database(place)
            opened.callback(new.dispose)
            if not is_same_database(old.url, new.url):
                opened.callback(lock_database(new, *known))
            with new.begin() as connection:
                make_tables(connection, tables.metadata)
                ids = {name: destination_id(connection, name) for name in known}
        with old.connect() as reading, working(), new.begin() as writing:
            there = set(inspect(reading).get_table_names())
            copies = []
            for name, number in known.items():
                pair = LedgerTransaction(reading, number), LedgerTransaction(writing, ids[name])
                copies.append(_copy(*pair, name, there, told_by, stop))
            stop.disregard()  # to keep it and to say so is one thing
        return copies


def _destinations(engine: Engine) -> dict[str, int]:
    """The number of each destination for which a ledger holds anything, by name; none where there is no ledger.

    Raises:
        NewerLedgerError: The tables are not those that this version knows.
    """
    found = inspect(engine)
    if not all(found.has_table(table.name) for table in (tables.info, tables.destinations)):
        return {}
    with engine.connect() as connection:
        if (connection.execute(select(func.max(tables.info.c.version))).scalar() or 0) > tables.VERSION:
            raise NewerLedgerError
        table = tables.destinations
        rows = connection.execute(select(table.c.name, table.c.id).order_by(table.c.name)).all()
        return {row.name: row.id for row in rows if not LedgerTransaction(connection, row.id).is_empty()}


def _copy(old: LedgerTransaction, new: LedgerTransaction, name: str, there: set[str], told_by: str, stop: Stop) -> Copy:
    if not new.is_empty():
        raise LedgerError(f"{SETTING}: there is a ledger of {name} already; a ledger is copied to where there is none")
    counts = {}
    for table in _COPIED:
        new.connection.execute(new.delete(table))  # the traces of runs that sent nothing
        if table.name not in there:
            continue
        counts[table.name] = 0
        for page in _pages(old, table, told_by):
            with stop.held():
                new.connection.execute(insert(table), [{**row, "destination": new.destination} for row in page])
            counts[table.name] += len(page)
    return Copy(name, counts, new.waiting())


def _pages(ledger: LedgerTransaction, table: Table, told_by: str) -> Iterator[list[Any]]:
    with working(told_by):
        rows = ledger.connection.execute(ledger.select(table).execution_options(yield_per=_PAGE))
        for page in rows.mappings().partitions():
            yield list(page)
