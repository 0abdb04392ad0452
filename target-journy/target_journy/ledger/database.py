"""Open the database that holds the ledger, a SQLite file for its owner only or PostgreSQL, for one run at a time."""

from __future__ import annotations

import fcntl
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import ArgumentError

from marketplace_singer import open_private
from target_journy.ledger.errors import InUseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Engine

_LONGEST_WAIT = 30.0  # seconds for somebody else's lock on a SQLite file


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
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
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


def lock_database(engine: Engine, destination: str) -> Callable[[], None]:
    """Take the ledger for this process; the lock ends with the process, however that ends.

    Args:
        engine: The database.
        destination: Runs to different destinations may share a PostgreSQL database, but not a SQLite file.

    Returns:
        What gives it back.

    Raises:
        InUseError: Another run has it.
    """
    if engine.dialect.name == "postgresql":
        connection = engine.connect()
        key = {"key": zlib.crc32(f"target-journy {destination}".encode())}
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar():
            connection.close()
            raise InUseError
        connection.commit()
        return connection.close
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
