"""Open the database that holds the ledger, a SQLite file for its owner only or PostgreSQL, for one run at a time."""

from __future__ import annotations

import fcntl
import os
import zlib
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from marketplace_singer import open_private
from target_journy.ledger.errors import InUseError, LostError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from sqlalchemy import URL, Connection, Engine, MetaData

_LONGEST_WAIT = 30.0  # seconds for somebody else's lock on a SQLite file

# While the tap reads or calls are made the database may be asked nothing for long; old servers know not both.
_NO_TIME_OUT = """
    SELECT set_config(name, '0', false) FROM pg_settings
    WHERE name IN ('idle_session_timeout', 'idle_in_transaction_session_timeout')
"""


def open_database(url: URL) -> Engine:
    """Open the database behind a URL; a SQLite file is created when it is not there.

    Raises:
        ArgumentError: It is neither SQLite nor PostgreSQL.
        OSError: The file cannot be created.
    """
    if url.get_backend_name() == "sqlite":
        if file := file_of(url):
            _create_private(file)
        engine = create_engine(url, connect_args={"timeout": _LONGEST_WAIT})
        event.listen(engine, "connect", _tune_sqlite)
        return engine
    if url.get_backend_name() == "postgresql":
        return create_engine(url.set(drivername="postgresql+psycopg"))
    raise ArgumentError


def file_of(url: URL) -> Path | None:
    """The file behind a URL, if it is one of SQLite that lasts."""
    is_file = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    return Path(url.database) if is_file and url.database else None


def _create_private(path: Path) -> None:
    """Create the file for its owner only: it holds names and e-mail addresses."""
    os.close(open_private(path, os.O_CREAT | os.O_WRONLY))


def _tune_sqlite(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")


def is_same_database(one: URL, other: URL) -> bool:
    """Whether two URLs lead to one SQLite file, or to one PostgreSQL database, in whatever schema."""
    if (file := file_of(one)) and (second := file_of(other)):
        return os.path.realpath(file) == os.path.realpath(second)
    return _server(one) == _server(other)


def _server(url: URL) -> tuple[Any, ...]:
    return url.get_backend_name(), url.host, url.port, url.database, url.query.get("host")


def lock_database(engine: Engine, *destinations: str) -> Callable[[], None]:
    """Take the ledger for this process; the lock ends with the process, however that ends.

    On PostgreSQL it belongs to the one connection of the engine, over which all goes from now on: a run whose
    connection is gone, and the lock with it, can write down nothing any more, so it sends nothing any more either.

    Args:
        engine: The database.
        destinations: Runs to different destinations may share a PostgreSQL database, but not a SQLite file.

    Returns:
        What gives it back.

    Raises:
        InUseError: Another run has it.
    """
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            for destination in destinations:
                key = {"key": zlib.crc32(f"target-journy {destination}".encode())}
                if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar():
                    raise InUseError
            connection.execute(text(_NO_TIME_OUT))
        event.listen(engine, "do_connect", _refuse)
        return partial(_unlock, engine)
    file = file_of(engine.url)
    if not file:
        return lambda: None
    descriptor = open_private(Path(f"{os.path.realpath(file)}-lock"), os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise InUseError from None
    return lambda: os.close(descriptor)


def _unlock(engine: Engine) -> None:
    """Give the locks back at once; a server that is only left notices that later, and would refuse the next run."""
    with suppress(SQLAlchemyError, LostError), engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_unlock_all()"))
    engine.dispose()


def make_tables(connection: Connection, metadata: MetaData) -> None:
    """Make the tables that are missing; of several runs that begin at the same time one makes them, the others wait."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(b"target-journy tables")})
    metadata.create_all(connection)


def _refuse(*_: object) -> NoReturn:
    raise LostError
