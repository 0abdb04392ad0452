"""Asynchronous exports: started, polled until ready, then downloaded."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

EXPORT_FAILED = "export-failed"
"""Fault: every export ends as FAILED."""

EXPORT_NEVER_READY = "export-never-ready"
"""Fault: every export stays IN_PROGRESS."""

FAULTS = (EXPORT_FAILED, EXPORT_NEVER_READY)


@dataclass
class Export:
    """One export: its content is what the report held when it was started."""

    id: str
    kind: str
    content: bytes
    media_type: str
    query: str
    polls: int = 0
    status: str = "QUEUED"


class Exports:
    """The exports of one vendor.

    Args:
        polls_until_ready: The poll that first answers COMPLETED; 0 makes an export ready at once.
        faults: Names of the faults that are on, looked at with every poll.
    """

    def __init__(self, polls_until_ready: int, faults: Collection[str]) -> None:
        self.polls_until_ready = polls_until_ready
        self._faults = faults
        self._exports: dict[str, Export] = {}

    def start(self, kind: str, content: bytes, media_type: str, query: str) -> Export:
        """A new export of this content."""
        number = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{len(self._exports)}/{query}")
        export = Export(str(number), kind, content, media_type, query)
        self._exports[export.id] = export
        self._settle(export)
        return export

    def find(self, kind: str, export_id: str) -> Export | None:
        """The export with this id, if there is one of this kind."""
        export = self._exports.get(export_id)
        return export if export and export.kind == kind else None

    def poll(self, export: Export) -> str:
        """Count one look at the status, and answer it."""
        export.polls += 1
        self._settle(export)
        return export.status

    def _settle(self, export: Export) -> None:
        if EXPORT_FAILED in self._faults:
            export.status = "FAILED"
        elif EXPORT_NEVER_READY in self._faults:
            export.status = "IN_PROGRESS"
        elif export.polls >= self.polls_until_ready:
            export.status = "COMPLETED"
        elif export.polls > 1:
            export.status = "IN_PROGRESS"
