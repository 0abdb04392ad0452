"""Traces of a forgotten person's address in what the ledger keeps of other things."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, true, update

from marketplace_singer.naming import Naming
from target_journy.ends import erase_traces
from target_journy.folding import pack, unpack
from target_journy.ledger import schema as tables
from target_journy.ledger.queries import Queries, may_name

if TYPE_CHECKING:
    from sqlalchemy import Column, Table


class Traces(Queries):
    """What records, events and values told of a person by the way."""

    def erase_traces(self, address: str) -> None:
        """Erase an address from whatever is not about the person themself.

        Records that are identified by it lose their identity: what they ask for stays asked for. Events whose id holds
        it are forgotten, told or not.
        """
        naming = Naming([address])
        for source, stream in self._candidates(tables.claims, tables.claims.c.source, address, tables.claims.c.stream):
            if naming.is_in(source):
                self._set(tables.claims, tables.claims.c.source == source, source=f"{stream}:{token_hex(8)}")
        for (source,) in self._candidates(tables.slot_rows, tables.slot_rows.c.source, address):
            if naming.is_in(source):
                self._set(tables.slot_rows, tables.slot_rows.c.source == source, source=f"{source.partition(':')[0]}:")
        for (event_id,) in self._candidates(tables.events, tables.events.c.event_id, address):
            if naming.is_in(event_id):
                self.connection.execute(self.delete(tables.events).where(tables.events.c.event_id == event_id))
        for table in (tables.events, tables.memberships):
            for (reason,) in self._candidates(table, table.c.reason, address):
                if naming.is_in(reason):
                    self._set(table, table.c.reason == reason, reason="")
        self._erase_from_entities(address, naming)
        self._erase_vacant_slots(address, naming)

    def _erase_from_entities(self, address: str, naming: Naming) -> None:
        table = tables.entities
        others = ~and_(table.c.kind == "user", table.c.key == address)
        for data, kind, key in self._candidates(table, table.c.data, address, table.c.kind, table.c.key, where=others):
            entity = unpack(data)
            if erase_traces(entity, naming):
                self._set(table, and_(table.c.kind == kind, table.c.key == key), data=pack(entity))
        for key, kind in self._candidates(table, table.c.key, address, table.c.kind):
            if kind == "event" and naming.is_in(key):
                self.connection.execute(self.delete(table).where(table.c.kind == kind, table.c.key == key))

    def _erase_vacant_slots(self, address: str, naming: Naming) -> None:
        """Roles that are named by the address, and that nobody holds."""
        table = tables.slots
        for (slot,) in self._candidates(table, table.c.slot, address, where=table.c.email.is_(None)):
            if naming.is_in(slot):
                for one in (table, tables.slot_rows):
                    self.connection.execute(self.delete(one).where(one.c.slot == slot))
                claims = tables.claims
                self.connection.execute(self.delete(claims).where(claims.c.kind == "slot", claims.c.key == slot))

    def _candidates(
        self, table: Table, column: Column[str], address: str, *columns: Column[str], where: Any = None
    ) -> list[tuple[Any, ...]]:
        named = and_(may_name(column, address), true() if where is None else where)
        query = self.select(table, column, *columns).where(named).distinct()
        return [tuple(row) for row in self.connection.execute(query)]

    def _set(self, table: Table, which: Any, **values: Any) -> None:
        self.connection.execute(update(table).where(table.c.destination == self.destination, which).values(values))
