"""What was delivered to journy.io last, what still waits, and what was refused: a small database beside the loader."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from target_journy.ledger import schema as tables
from target_journy.ledger.database import InUseError, lock_database, open_database
from target_journy.ledger.entities import AccountNames, Entities
from target_journy.ledger.events import Events
from target_journy.ledger.memberships import Memberships, is_orphan
from target_journy.ledger.records import Records
from target_journy.ledger.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


class LedgerError(Exception):
    """The ledger cannot be used; the message says which setting to look at, and holds no password."""


class _NewerLedgerError(Exception):
    """The tables are not those that this version knows."""


class LedgerTransaction(Entities, AccountNames, Memberships, Events, Records, Runs):
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
            self.select(tables.memberships, func.count()).where(tables.memberships.c.state.in_(["add", "remove"])),
            self.select(tables.slots, func.count()).where(is_orphan(tables.slots)),
            self.select(tables.events, func.count()).where(tables.events.c.state.in_(["waiting", "sending"])),
        )
        return sum(self.connection.execute(query).scalar_one() for query in queries)

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
        is_guest: Only look, while another run may use it.

    Raises:
        LedgerError: The database cannot be opened, or another run is using it.
    """

    def __init__(self, url: str, destination: str, *, is_guest: bool = False) -> None:
        try:
            parsed = make_url(url)
            with ExitStack() as opened:  # closes it if something is wrong with it
                self._engine = open_database(parsed)
                opened.callback(self._engine.dispose)
                if not is_guest:
                    opened.callback(lock_database(self._engine, destination))
                tables.metadata.create_all(self._engine)
                with self._engine.begin() as connection:
                    self._destination = _destination_id(connection, destination)
                self._opened = opened.pop_all()
        except InUseError:
            raise LedgerError(
                f"setting 'ledger_url': another run is using the ledger at "
                f"{parsed.render_as_string(hide_password=True)}; start again when it has ended"
            ) from None
        except _NewerLedgerError:
            raise LedgerError(
                f"setting 'ledger_url': the ledger at {parsed.render_as_string(hide_password=True)} was made by a "
                "newer target-journy; use that version or a later one"
            ) from None
        except (ArgumentError, NoSuchModuleError, ValueError):
            raise LedgerError(
                "setting 'ledger_url': no URL of SQLite or PostgreSQL, such as sqlite:///ledger.db"
            ) from None
        except (SQLAlchemyError, OSError) as error:
            raise LedgerError(
                f"setting 'ledger_url': the ledger at {parsed.render_as_string(hide_password=True)} cannot be "
                f"opened ({_cause(error)})"
            ) from None

    @contextmanager
    def transaction(self) -> Iterator[LedgerTransaction]:
        """Work on the ledger; all of it is kept when the block ends, nothing when it raises.

        Raises:
            LedgerError: The database failed.
        """
        try:
            with self._engine.begin() as connection:
                yield LedgerTransaction(connection, self._destination)
        except SQLAlchemyError as error:
            raise LedgerError(f"setting 'ledger_url': the ledger failed ({_cause(error)})") from None

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
    def rehearsal(self) -> Iterator[None]:
        """Let everything inside happen to the ledger and be undone at the end, for a dry run."""
        with self._engine.connect() as connection, connection.begin() as outer:
            original, self._engine = self._engine, _Joined(connection)  # type: ignore[assignment] # has begin()
            try:
                yield
            finally:
                self._engine = original
                outer.rollback()

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


def _destination_id(connection: Connection, name: str) -> int:
    table = tables.destinations
    version = connection.execute(select(func.max(tables.info.c.version))).scalar()
    if version is not None and version > tables.VERSION:
        raise _NewerLedgerError
    if version != tables.VERSION:  # whatever is new in a version has a default, or a table that was just made
        connection.execute(insert(tables.info).values(version=tables.VERSION))
    known = connection.execute(select(table.c.id).where(table.c.name == name)).scalar()
    if known is not None:
        return int(known)
    return int(connection.execute(insert(table).values(name=name).returning(table.c.id)).scalar_one())


def _cause(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.OperationalError):
        return str(original)  # "database is locked", "database or disk is full": it never quotes values
    return type(original).__name__ if not isinstance(original, OSError) else original.strerror or "no access"
