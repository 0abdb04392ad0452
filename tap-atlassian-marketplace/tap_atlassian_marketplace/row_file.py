"""Rows on their way into a file of the spool."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.errors import SpoolError, TroubleError
from tap_atlassian_marketplace.json_array import BrokenArrayError
from tap_atlassian_marketplace.row_index import key_hashes
from tap_atlassian_marketplace.row_kinds import ROW_KINDS
from tap_atlassian_marketplace.spooled_rows import ExportStoppedError, SpooledRows

if TYPE_CHECKING:
    import threading
    from array import array
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from tap_atlassian_marketplace.spooled_rows import Findings

_BUFFER = 1 << 16


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that only this user can read, for writing."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb", _BUFFER) as file:
        yield file


@contextmanager
def row_file(path: Path) -> Iterator[Callable[[Iterable[bytes]], None]]:
    """Make a new file of a JSON array, and give what adds rows to it."""
    with private_file(path) as file:
        file.write(b"[")
        separator = b"\n"

        def add(rows: Iterable[bytes]) -> None:
            nonlocal separator
            for row in rows:
                file.write(separator)
                file.write(row)
                separator = b",\n"

        yield add
        file.write(b"\n]")


def keys_of(report: str, path: Path) -> array[int]:
    """Give the hash of each row's key, in the order of a file.

    Raises:
        TroubleError: It is no whole array of rows.
    """
    try:
        return key_hashes(path, ROW_KINDS[report])
    except BrokenArrayError as error:
        raise TroubleError(f"The {report} export is {error.state}.") from None


def spool_pages(
    report: str, path: Path, pages: Iterable[Iterable[bytes]], stop: threading.Event, findings: Findings | None = None
) -> SpooledRows:
    """Write pages of rows to a new file.

    Args:
        report: What the rows are of.
        path: The file.
        pages: Each page's rows.
        stop: Set when the run ends early.
        findings: What was noticed about the rows; looked at when all pages were read.

    Raises:
        ExportStoppedError: The run ended first.
        SpoolError: The file cannot be written.
    """
    try:
        with row_file(path) as add:
            for rows in pages:
                if stop.is_set():
                    raise ExportStoppedError
                add(rows)
    except OSError as error:
        raise SpoolError.no_room(report, error) from None
    doubts, gaps = (findings.doubts, findings.gaps) if findings else ([], [])
    return SpooledRows(path, keys_of(report, path), next(iter(doubts), None), next(iter(gaps), None))
