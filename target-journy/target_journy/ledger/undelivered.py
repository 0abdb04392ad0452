"""Forget what a run meant for journy.io and did not get there, where it is read again anyway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import exists, union

from target_journy.event_body import unpack_event
from target_journy.ledger import schema as tables
from target_journy.ledger.entities import Entities, may_exist
from target_journy.ledger.events import NO_ACCOUNT
from target_journy.ledger.memberships import Memberships, is_orphan
from target_journy.ledger.queries import chunks
from target_journy.ledger.records import Records

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Table


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger held before a run of things that journy.io does not have; to this the run may go back.

    Attributes:
        entities: Kind and key of accounts and users, which it had refused.
        accounts: Accounts with names or roles: they were refused or deleted, and are asked for all the same.
        away: Memberships that begin again when their account or user returns.
    """

    entities: frozenset[tuple[str, str]]
    accounts: frozenset[str]
    away: frozenset[tuple[str, str]]


class Undelivered(Entities, Memberships, Records):
    """What was planned for the first time, and never sent."""

    def standing(self) -> Standing:
        """What there is of things that journy.io does not have, while nothing waits."""
        entities, memberships = tables.entities, tables.memberships
        unknown = self.select(entities, entities.c.kind, entities.c.key).where(~entities.c.known)
        named = union(*(self._of_unknown_accounts(table) for table in (tables.account_aliases, tables.slots)))
        away = self.select(memberships, memberships.c.account, memberships.c.email).where(memberships.c.state == "away")
        return Standing(
            frozenset((row.kind, row.key) for row in self.connection.execute(unknown)),
            frozenset(self.connection.execute(named).scalars()),
            frozenset((row.account, row.email) for row in self.connection.execute(away)),
        )

    def drop_undelivered(self, before: Standing) -> None:
        """Forget accounts and people that journy.io does not have, and what was to follow them.

        What changed of those that it has stays: the ledger has the new values, so nothing would tell of them again.
        What was refused stays too, what may have arrived without an answer, and what there was before the run.

        Args:
            before: What there was before the run.
        """
        entities, slots = tables.entities, tables.slots
        query = self.select(entities, entities.c.kind, entities.c.key).where(entities.c.pending, ~may_exist())
        found = {(row.kind, row.key) for row in self.connection.execute(query)} - before.entities
        for kind, key in found:
            self.drop_entity(kind, key)
        self._drop_memberships(before)
        accounts = sorted({key for kind, key in found if kind == "account"} - before.accounts)
        for chunk in chunks(accounts):
            for table in (tables.account_aliases, tables.shared_aliases):
                self.connection.execute(self.delete(table).where(table.c.account.in_(chunk)))
            self._drop_slots(slots.c.account.in_(chunk))
        self._drop_slots(is_orphan(slots))
        self._drop_events(accounts, {key for kind, key in found if kind == "user"})

    def _of_unknown_accounts(self, table: Table) -> Any:
        entities = tables.entities
        is_known = exists().where(
            entities.c.destination == self.destination,
            entities.c.kind == "account",
            entities.c.key == table.c.account,
            entities.c.known,
        )
        return self.select(table, table.c.account).where(table.c.account.is_not(None), ~is_known)

    def _drop_memberships(self, before: Standing) -> None:
        """Go back on memberships that did not begin; the records with their roles are looked at anew."""
        table = tables.memberships
        query = self.select(table, table.c.account, table.c.email).where(table.c.state == "add")
        pairs = {(row.account, row.email) for row in self.connection.execute(query)}
        returning = pairs & before.away
        accounts = self.known("account", (account for account, _ in returning))
        users = self.known("user", (email for _, email in returning))
        apart = {pair for pair in returning if pair[0] not in accounts or pair[1] not in users}
        self.save_memberships(dict.fromkeys(apart, "away"))
        for account, email in pairs - returning:
            self.drop_membership(account, email)
            self._forget_records((tables.slots.c.account == account) & (tables.slots.c.email == email))

    def _drop_slots(self, condition: Any) -> None:
        self.drop_slots(self._forget_records(condition))

    def _forget_records(self, condition: Any) -> list[str]:
        """Forget that the records came that speak of some roles, and name these."""
        query = self.select(tables.slots, tables.slots.c.slot).where(condition)
        slots = list(self.connection.execute(query).scalars())
        self.drop_seen(source for _, source in self.slot_rows(slots).values())
        return slots

    def _drop_events(self, accounts: list[str], users: set[str]) -> None:
        """Forget the events that wait for somebody who is not told, or for nobody who is known."""
        table = tables.events
        waits = table.c.state == "waiting"
        for chunk in chunks(accounts):
            self.connection.execute(self.delete(table).where(waits, table.c.account.in_(chunk)))
        self.connection.execute(self.delete(table).where(waits, table.c.account.is_(None)))
        of_users = self.select(table, table.c.event_id, table.c.body).where(waits, table.c.account == NO_ACCOUNT)
        lone = [row.event_id for row in self.connection.execute(of_users) if unpack_event(row.body).user in users]
        for chunk in chunks(lone):
            self.connection.execute(self.delete(table).where(table.c.event_id.in_(chunk)))
