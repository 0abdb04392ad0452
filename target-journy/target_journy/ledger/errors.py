"""What can be wrong with the database of the ledger, said so that a person can act on it."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL


class LedgerError(Exception):
    """The ledger cannot be used; the message says which setting to look at, and holds no password."""


class InUseError(Exception):
    """Another run is using the ledger."""


class NewerLedgerError(Exception):
    """The tables are not those that this version knows."""


@contextmanager
def opening(url: str) -> Iterator[URL]:
    """Read the URL of a ledger, and explain what fails while it is opened.

    Raises:
        LedgerError: It is no URL, or the database cannot be opened, or another run is using it.
    """
    try:
        parsed = make_url(url)
        shown = without_secrets(parsed)
        yield parsed
    except InUseError:
        raise LedgerError(
            f"setting 'ledger_url': another run is using the ledger at {shown}; start again when it has ended"
        ) from None
    except NewerLedgerError:
        raise LedgerError(
            f"setting 'ledger_url': the ledger at {shown} was made by a newer target-journy; use that version or a "
            "later one"
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise LedgerError("setting 'ledger_url': no URL of SQLite or PostgreSQL, such as sqlite:///ledger.db") from None
    except (SQLAlchemyError, OSError) as error:
        raise LedgerError(f"setting 'ledger_url': the ledger at {shown} cannot be opened ({cause_of(error)})") from None


def without_secrets(url: URL) -> str:
    """A URL as it may be shown; PostgreSQL takes a password among the parameters, too."""
    return url.set(query={}).render_as_string(hide_password=True)


def cause_of(error: Exception) -> str:
    """Why the database failed, without the values that it was given."""
    original = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.OperationalError):
        return str(original)  # "database is locked", "database or disk is full": it never quotes values
    return type(original).__name__ if not isinstance(original, OSError) else original.strerror or "no access"
