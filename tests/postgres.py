"""A PostgreSQL for the tests that need a real one."""

from __future__ import annotations

import tempfile
import warnings
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL's own database; the server runs from a wheel on a socket."""
    try:
        with warnings.catch_warnings():
            # pgserver asks for a runtime directory, which a machine without a login session has not.
            warnings.simplefilter("ignore")
            import pgserver
    except ImportError:
        pytest.skip("pgserver, which brings PostgreSQL, has no wheel for this Python")
    # Not below pytest's own folder: a socket's path must be short, and run by root the server is another user.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = pgserver.get_server(folder)
        yield server.get_uri()
        server.cleanup()
