"""Records in the ledger: those that ask for nothing new are known again without being mapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketplace_singer.naming import Naming
from target_journy.ledger import schema as tables
from target_journy.ledger.queries import Queries, as_row, chunks, may_name
from target_journy.operations import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class SeenRecord:
    """A record that was dealt with for good.

    Attributes:
        source: Its stream and key.
        digest: Of its content and of everything that decides what becomes of it.
        outcome: Name of what becomes of it when it comes again as it is: UNCHANGED, SKIPPED or REJECTED.
    """

    source: str
    digest: str
    outcome: str


class Records(Queries):
    """Which records were dealt with."""

    def seen(self, sources: Iterable[str]) -> dict[str, SeenRecord]:
        """The records among some that were dealt with."""
        table = tables.records
        return {row.source: SeenRecord(*row[1:]) for row in self.lookup(table, table.c.source, sources)}

    def save_seen(self, records: Iterable[SeenRecord]) -> None:
        """Keep that records were dealt with."""
        self.upsert(tables.records, [as_row(record) for record in records])

    def drop_seen(self, sources: Iterable[str]) -> None:
        """Forget about records, before they are dealt with anew."""
        table = tables.records
        for chunk in chunks(list(sources)):
            self.connection.execute(self.delete(table).where(table.c.source.in_(chunk)))

    def drop_seen_naming(self, address: str) -> None:
        """Forget about records whose identity names a person."""
        naming = Naming([address])
        query = self.select(tables.records, tables.records.c.source).where(may_name(tables.records.c.source, address))
        self.drop_seen([source for source in self.connection.execute(query).scalars() if naming.is_in(source)])

    def retry_rejected_records(self) -> None:
        """Forget about the records that could not be mapped."""
        table = tables.records
        self.connection.execute(self.delete(table).where(table.c.outcome == Outcome.REJECTED.name))
