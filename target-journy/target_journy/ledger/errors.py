"""What can be wrong with the database of the ledger, said so that a person can act on it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL


class LedgerError(Exception):
    """The ledger cannot be used; the message says which setting to look at, and holds no password."""


class InUseError(Exception):
    """Another run is using the ledger."""


class MissingError(Exception):
    """There is no ledger to look at."""


class LostError(Exception):
    """The connection that held the lock is gone."""


class NewerLedgerError(Exception):
    """The tables are not those that this version knows."""


SETTING = "setting 'ledger_url'"

_LOST = (
    "{}: the connection to the database of the ledger broke off, and with it the lock that keeps other runs away. See "
    "why the server ended it, such as a restart, then run again: what was not delivered is kept and sent"
)


# What servers say of a connection that fails, in words that name neither a password nor a value of a row.
_TELLING = re.compile(
    r"database \"[^\"]+\" does not exist|role \"[^\"]+\" does not exist|password authentication failed|"
    r"no pg_hba\.conf entry|no password supplied|[Cc]onnection refused|[Nn]ame or service not known|"
    r"[Tt]emporary failure in name resolution|failed to resolve host|No address associated with hostname|"
    r"too many clients already|(?:connection )?timeout expired|certificate verify failed|"
    r"server does not support SSL|No such file or directory"
)


@contextmanager
def opening(url: str, told_by: str = SETTING) -> Iterator[URL]:
    """Read the URL of a ledger, and explain what fails while it is opened.

    Args:
        url: SQLAlchemy URL.
        told_by: The setting or option that holds it.

    Raises:
        LedgerError: It is no URL, or the database is not there or cannot be opened, or another run is using it.
    """
    try:
        parsed = make_url(url)
        shown = without_secrets(parsed)
        yield parsed
    except InUseError:
        raise LedgerError(
            f"{told_by}: another run is using the ledger at {shown}; start again when it has ended"
        ) from None
    except MissingError:
        raise LedgerError(
            f"{told_by}: there is no ledger at {shown}; no run has made one, or it lies elsewhere"
        ) from None
    except NewerLedgerError:
        raise LedgerError(
            f"{told_by}: the ledger at {shown} was made by a newer target-journy; use that version or a later one"
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise LedgerError(f"{told_by}: no URL of SQLite or PostgreSQL, such as sqlite:///ledger.db") from None
    except (SQLAlchemyError, OSError) as error:
        raise LedgerError(f"{told_by}: the ledger at {shown} cannot be opened ({cause_of(error)})") from None


@contextmanager
def working(told_by: str = SETTING) -> Iterator[None]:
    """Explain what fails while a ledger is used.

    Args:
        told_by: The setting or option that says where it is.

    Raises:
        LedgerError: The database failed.
    """
    try:
        yield
    except LostError:
        raise LedgerError(_LOST.format(told_by)) from None
    except SQLAlchemyError as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise LedgerError(_LOST.format(told_by)) from None
        raise LedgerError(f"{told_by}: the ledger failed ({cause_of(error)})") from None


def without_secrets(url: URL) -> str:
    """A URL as it may be shown; PostgreSQL takes a password among the parameters, too."""
    return url.set(query={}).render_as_string(hide_password=True)


def cause_of(error: Exception) -> str:
    """Why the database failed, without the values that it was given."""
    original = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.OperationalError):
        return str(original)  # "database is locked", "database or disk is full": it never quotes values
    if isinstance(original, OSError):
        return original.strerror or "no access"
    told = _TELLING.search(str(original))
    return told[0] if told else type(original).__name__
