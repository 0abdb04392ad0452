"""What was delivered to journy.io last, what still waits, and what was refused: a small database beside the loader."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, inspect, select

from target_journy.folding import unpack
from target_journy.ledger import schema as tables
from target_journy.ledger.claims import Claims
from target_journy.ledger.database import file_of, lock_database, make_tables, open_database
from target_journy.ledger.entities import AccountNames, Entities
from target_journy.ledger.errors import MissingError, NewerLedgerError, opening, working
from target_journy.ledger.events import Events
from target_journy.ledger.memberships import PENDING, Memberships, is_orphan
from target_journy.ledger.names_of_people import NamesOfPeople
from target_journy.ledger.records import Records
from target_journy.ledger.runs import Runs
from target_journy.ledger.stream_mappings import StreamMappings
from target_journy.ledger.traces import Traces
from target_journy.ledger.undelivered import Undelivered
from target_journy.people import is_email

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection


class LedgerTransaction(
    Undelivered,
    Entities,
    AccountNames,
    NamesOfPeople,
    Memberships,
    Events,
    Records,
    Claims,
    Runs,
    StreamMappings,
    Traces,
):
    """Reads and writes of one destination within one database transaction."""

    def is_empty(self) -> bool:
        """Whether nothing was ever meant for this destination; what waits counts, as it is not lost."""
        return not any(
            self.connection.execute(self.select(table).limit(1)).first()
            for table in (tables.entities, tables.events, tables.slots)
        )

    def waiting(self) -> int:
        """How many operations the ledger holds back."""
        queries = (
            self.select(tables.entities, func.count()).where(tables.entities.c.pending),
            self.select(tables.memberships, func.count()).where(tables.memberships.c.state.in_(PENDING)),
            self.select(tables.slots, func.count()).where(is_orphan(tables.slots)),
            self.select(tables.events, func.count()).where(tables.events.c.state.in_(["waiting", "sending"])),
        )
        return sum(int(self.connection.execute(query).scalar_one()) for query in queries) + self.deleted_records()

    def unwanted_deletions(self, deletes: str) -> int:
        """How many of these are deletions that an earlier run began, and this setting `deletes` does not ask for."""
        table = tables.entities
        begun = self.select(table, table.c.data).where(table.c.pending, table.c.data.contains('"gone":true'))
        entities = [unpack(data) for data in self.connection.execute(begun).scalars()]
        unwanted = sum(entity.gone and not entity.is_to_be_deleted(deletes) for entity in entities)
        return unwanted + (self.deleted_records() if deletes == "none" else 0)

    def forget_person(self, person: str) -> None:
        """Forget what records said of a person, and that they came; the user and the roles are dealt with apart."""
        self.drop_seen(self.drop_claims("user", person))
        if is_email(person):  # an id may be a part of anything, and says nothing to others
            self.drop_seen_naming(person)
            self.erase_traces(person)
        self.strip_events(person)

    def retry_rejected(self) -> None:
        """Make everything that was refused wait to be sent again."""
        self.retry_rejected_entities()
        self.retry_rejected_memberships()
        self.retry_rejected_events()
        self.retry_rejected_records()


class Ledger:
    """A ledger, seen from one destination.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database.
        destination: Transport, host and port, and workspace.
        is_guest: Only look, while another run may use it; there has to be a ledger.

    Raises:
        LedgerError: The database cannot be opened, or another run is using it.
    """

    def __init__(self, url: str, destination: str, *, is_guest: bool = False) -> None:
        with opening(url) as parsed, ExitStack() as opened:  # closes it if something is wrong with it
            if is_guest and (file := file_of(parsed)) and not file.exists():
                raise MissingError
            self._engine = open_database(parsed)
            opened.callback(self._engine.dispose)
            if not is_guest:
                opened.callback(lock_database(self._engine, destination))
            elif not inspect(self._engine).has_table(tables.info.name):
                raise MissingError
            with self._engine.begin() as connection:
                make_tables(connection, tables.metadata)
                self._destination = destination_id(connection, destination)
            self._opened = opened.pop_all()

    @contextmanager
    def transaction(self) -> Iterator[LedgerTransaction]:
        """Work on the ledger; all of it is kept when the block ends, nothing when it raises.

        Raises:
            LedgerError: The database failed.
        """
        with working(), self._engine.begin() as connection:
            yield LedgerTransaction(connection, self._destination)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make all transactions inside one, which costs a fraction: all of them are kept at the end, or nothing.

        Raises:
            LedgerError: The database failed.
        """
        if isinstance(self._engine, _Joined):
            yield
            return
        with self.transaction() as ledger:
            original, self._engine = self._engine, _Joined(ledger.connection)  # type: ignore[assignment] # has begin()
            try:
                yield
            finally:
                self._engine = original

    @contextmanager
    def rehearsal(self) -> Iterator[Callable[[], None]]:
        """Let everything inside happen to the ledger and be undone at the end.

        Yields:
            What keeps it after all, if it is called; what comes later then happens as usual.

        Raises:
            LedgerError: The database failed at the start, or when it was to be kept.
        """
        with working():
            connection = self._engine.connect()
            outer = connection.begin()
        original, self._engine = self._engine, _Joined(connection)  # type: ignore[assignment] # has begin()

        def keep() -> None:
            with working():
                outer.commit()
            connection.close()  # there may be no other
            self._engine = original

        try:
            yield keep
        finally:
            self._engine = original
            connection.close()

    def close(self) -> None:
        """Let others use the ledger, and close the connections."""
        self._opened.close()


class _Joined:
    """Stands for the engine while all its transactions are one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        yield self._connection


def destination_id(connection: Connection, name: str) -> int:
    """The number of a destination, which is given one when it is new.

    Raises:
        NewerLedgerError: The tables are not those that this version knows.
    """
    table = tables.destinations
    version = connection.execute(select(func.max(tables.info.c.version))).scalar()
    if version is not None and version > tables.VERSION:
        raise NewerLedgerError
    if version != tables.VERSION:  # whatever is new in a version has a default, or a table that was just made
        connection.execute(insert(tables.info).values(version=tables.VERSION))
    known = connection.execute(select(table.c.id).where(table.c.name == name)).scalar()
    if known is not None:
        return int(known)
    return int(connection.execute(insert(table).values(name=name).returning(table.c.id)).scalar_one())
