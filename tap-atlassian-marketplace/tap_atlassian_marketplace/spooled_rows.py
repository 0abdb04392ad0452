"""What the ways to a report's rows have in common: a request, and rows on disk as its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading
    from array import array
    from pathlib import Path

    from tap_atlassian_marketplace.client import MarketplaceClient


@dataclass(frozen=True)
class SpooledRows:
    """The rows of a report on disk.

    Attributes:
        path: A file that holds a JSON array of rows, complete and readable.
        keys: The hash of each row's key, in the order of the file.
        doubt: Why rows may be missing from it; None when it is known to hold all.
        gap: Why a row that is not there may exist all the same, though nothing tells that one does; None if it cannot.
    """

    path: Path
    keys: array[int]
    doubt: str | None = None
    gap: str | None = None


@dataclass
class Findings:
    """What was noticed while rows came, of which the first of each kind is told; the words are those of the rows."""

    doubts: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


class RowsRequest(Protocol):
    """Asks for the rows of a report, in one of the ways in which the API gives rows."""

    @property
    def report(self) -> str:
        """The report, which says what identifies the rows."""

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:
        """Write the rows to a new file that only this user can read.

        Args:
            client: The API.
            path: The file.
            timeout: Seconds that the Marketplace has for an export.
            stop: Set when the run ends early.

        Raises:
            MarketplaceError: The rows could not be had.
            SpoolError: The file cannot be written.
            ExportStoppedError: The run ended first.
        """


class ExportStoppedError(Exception):
    """The run ended while rows were on their way."""
