"""Forget what was meant for journy.io and did not get there, where it is read again anyway."""

from __future__ import annotations

from target_journy.ledger import schema as tables
from target_journy.ledger.memberships import is_orphan
from target_journy.ledger.queries import Queries, chunks


class Undelivered(Queries):
    """What was planned for the first time, and never sent."""

    def drop_undelivered(self) -> None:
        """Forget accounts and people that journy.io does not have, and what was to follow them.

        What changed of those that it has stays: the ledger has the new values, so nothing would tell of them again.
        What was refused stays too.
        """
        entities, events = tables.entities, tables.events
        new = entities.c.pending & ~entities.c.known
        accounts = self.select(entities, entities.c.key).where(new, entities.c.kind == "account")
        for chunk in chunks(list(self.connection.execute(accounts).scalars())):
            for table in (tables.account_aliases, tables.shared_aliases, tables.slots, tables.events):
                self.connection.execute(self.delete(table).where(table.c.account.in_(chunk)))
        self.connection.execute(self.delete(entities).where(new))
        self.connection.execute(self.delete(events).where(events.c.account.is_(None), events.c.state == "waiting"))
        self.connection.execute(self.delete(tables.memberships).where(tables.memberships.c.state == "add"))
        self.connection.execute(self.delete(tables.slots).where(is_orphan(tables.slots)))
