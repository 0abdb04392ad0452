"""Asynchronous exports: started, polled until ready, then downloaded."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Content = bytes | Callable[[], Iterator[bytes]]

EXPORT_FAILED = "export-failed"
"""Fault of a start: the export ends as FAILED."""

EXPORT_NEVER_READY = "export-never-ready"
"""Fault of a start: the export stays IN_PROGRESS."""

EXPORT_REUSED = "export-reused"
"""Fault of a start: the first export of the same query is given again, as it is."""

EXPORT_GONE = "export-gone"
"""Fault of a download: the export is no longer known."""


@dataclass
class Export:
    """One export: its content, or what makes it in pieces, is what the report held when it was started."""

    id: str
    kind: str
    content: Content
    media_type: str
    query: str
    fault: str | None = None
    polls: int = 0
    status: str = "QUEUED"


class Exports:
    """The exports of one vendor.

    Args:
        polls_until_ready: The poll that first answers COMPLETED; 0 makes an export ready at once.
    """

    def __init__(self, polls_until_ready: int) -> None:
        self.polls_until_ready = polls_until_ready
        self._exports: dict[str, Export] = {}
        self._count = 0

    def start(
        self, kind: str, content: Content, media_type: str, query: str, fault: str | None, *, reuse: bool = False
    ) -> Export:
        """An export of this content: a new one, or with `reuse` that of the same query, as it is.

        `fault` decides how a new one ends, or that it is none.
        """
        if reuse or fault == EXPORT_REUSED:
            for known in self._exports.values():
                if (known.kind, known.query) == (kind, query):
                    return known
        number = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{self._count}/{query}")
        self._count += 1
        export = Export(str(number), kind, content, media_type, query, fault)
        self._exports[export.id] = export
        self._settle(export)
        return export

    def find(self, kind: str, export_id: str) -> Export | None:
        """The export with this id, if there is one of this kind."""
        export = self._exports.get(export_id)
        return export if export and export.kind == kind else None

    def forget(self, export: Export) -> None:
        """Drop an export: whoever asks for it later asks in vain."""
        self._exports.pop(export.id, None)

    def poll(self, export: Export) -> str:
        """Count one look at the status, and answer it."""
        export.polls += 1
        self._settle(export)
        return export.status

    def _settle(self, export: Export) -> None:
        if export.fault == EXPORT_FAILED:
            export.status = "FAILED"
        elif export.fault == EXPORT_NEVER_READY:
            export.status = "IN_PROGRESS"
        elif export.polls >= self.polls_until_ready:
            export.status = "COMPLETED"
        elif export.polls > 1:
            export.status = "IN_PROGRESS"
