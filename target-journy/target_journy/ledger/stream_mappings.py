"""Under which mapping the records of each stream came last, and which streams have to be read anew because of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import update

from target_journy.ledger import schema as tables
from target_journy.ledger.queries import Queries, as_row

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """What the ledger knows of the mapping of a stream.

    Attributes:
        stream: The stream.
        digest: Fingerprint of its mapping when it came last; "" where no mapping named it.
        changed: When another mapping than before came first, UTC, ISO 8601; None once all was read under it.
    """

    stream: str
    digest: str
    changed: str | None


class StreamMappings(Queries):
    """The mappings of the streams that came."""

    def remember_mapping(self, stream: str, digest: str, now: str) -> str | None:
        """Note under which mapping the records of a stream come from now on.

        Returns:
            Since when what was read before may differ from what the mapping says; None if it does not.
        """
        before = self.stream_mappings().get(stream)
        changed = before.changed if before else None
        if before and before.digest != digest:
            changed = now
        self.upsert(tables.stream_mappings, [as_row(StreamMapping(stream, digest, changed))])
        return changed

    def forget_changes(self, streams: Collection[str]) -> None:
        """Note that all of some streams has been read under their mapping."""
        table = tables.stream_mappings
        mine = (table.c.destination == self.destination) & table.c.stream.in_(streams)
        self.connection.execute(update(table).where(mine).values(changed=None))

    def stream_mappings(self) -> dict[str, StreamMapping]:
        """What is known, by stream."""
        table = tables.stream_mappings
        query = self.select(table, table.c.stream, table.c.digest, table.c.changed)
        return {row.stream: StreamMapping(*row) for row in self.connection.execute(query)}
