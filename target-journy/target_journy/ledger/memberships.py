"""Roles on licences and the memberships that follow from them, in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, literal, tuple_, update

from target_journy.ledger import schema as tables
from target_journy.ledger.queries import Queries, as_row, chunks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Table


PENDING = ("add", "adding", "remove")
"""States of memberships that have to begin or end."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A role on a licence and who holds it."""

    slot: str
    account: str | None
    email: str | None
    reference: str | None
    waiting_stream: str | None = None
    waiting_run: str | None = None


class Memberships(Queries):
    """Who holds which role, and who is a member of which account."""

    def slots(self, keys: Iterable[str]) -> dict[str, Slot]:
        """The known slots among some keys."""
        table = tables.slots
        return {row.slot: Slot(*row[1:]) for row in self.lookup(table, table.c.slot, keys)}

    def save_slots(self, slots: Iterable[Slot]) -> None:
        """Keep slots as they are now."""
        self.upsert(tables.slots, [as_row(slot) for slot in slots])

    def orphaned_slots(self, *, after: str, limit: int) -> list[Slot]:
        """Slots, in their order and from one on, that somebody holds, but whose account is not known yet."""
        table = tables.slots
        query = self.select(table).where(is_orphan(table), table.c.slot > after)
        return [Slot(*row[1:]) for row in self.connection.execute(query.order_by(table.c.slot).limit(limit))]

    def holders(self, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those pairs of account and e-mail for which some slot is held."""
        table = tables.slots
        found: set[tuple[str, str]] = set()
        for chunk in chunks(list(pairs)):
            query = self.select(table, table.c.account, table.c.email).where(
                tuple_(table.c.account, table.c.email).in_(chunk)
            )
            found.update((row.account, row.email) for row in self.connection.execute(query))
        return found

    def accounts_of(self, emails: Iterable[str]) -> dict[str, list[str]]:
        """The accounts in which some people hold a role, by their addresses."""
        table = tables.slots
        found: dict[str, list[str]] = {}
        condition = table.c.account.is_not(None)
        for row in self.lookup(table, table.c.email, emails, condition, [table.c.email, table.c.account]):
            found.setdefault(row.email, []).append(row.account)
        return found

    def holds_any_slot(self, email: str) -> bool:
        """Whether a person still holds a role anywhere."""
        table = tables.slots
        return self.connection.execute(self.select(table).where(table.c.email == email).limit(1)).first() is not None

    def memberships(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The state of those memberships that are known."""
        table = tables.memberships
        states = {}
        for chunk in chunks(list(pairs)):
            query = self.select(table).where(tuple_(table.c.account, table.c.email).in_(chunk))
            states.update({(row.account, row.email): row.state for row in self.connection.execute(query)})
        return states

    def save_memberships(self, states: dict[tuple[str, str], str], reason: str | None = None) -> None:
        """Keep the state of memberships."""
        self.upsert(
            tables.memberships,
            [
                {"account": account, "email": email, "state": state, "reason": reason}
                for (account, email), state in states.items()
            ],
        )

    def drop_membership(self, account: str, email: str) -> None:
        """Forget a membership that is no more."""
        table = tables.memberships
        self.connection.execute(self.delete(table).where(table.c.account == account, table.c.email == email))

    def drop_slots(self, keys: Iterable[str]) -> None:
        """Forget about roles that are no more."""
        for chunk in chunks(list(keys)):
            for table in (tables.slots, tables.slot_rows):
                self.connection.execute(self.delete(table).where(table.c.slot.in_(chunk)))

    def slot_rows(self, keys: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Version and id of the row that spoke last of each role among some."""
        table = tables.slot_rows
        return {row.slot: (row.version, row.source) for row in self.lookup(table, table.c.slot, keys)}

    def save_slot_rows(self, rows: dict[str, tuple[str, str]]) -> None:
        """Keep which row spoke last of each role."""
        self.upsert(
            tables.slot_rows,
            [{"slot": slot, "version": version, "source": source} for slot, (version, source) in rows.items()],
        )

    def members(self, accounts: Iterable[str]) -> dict[tuple[str, str], str]:
        """The state of every membership of some accounts."""
        table = tables.memberships
        return {(row.account, row.email): row.state for row in self.lookup(table, table.c.account, accounts)}

    def end_with(self, kind: str, key: str) -> None:
        """An account or user has been deleted, and its memberships with it; those that a role asks for may return."""
        table = tables.memberships
        column = table.c.account if kind == "account" else table.c.email
        pairs = [(row.account, row.email) for row in self.connection.execute(self.select(table).where(column == key))]
        self.connection.execute(self.delete(table).where(column == key))
        self.save_memberships(dict.fromkeys(self.holders(pairs), "away"))

    def return_with(self, kind: str, keys: Iterable[str], *, was_deleted: bool) -> None:
        """Accounts or users are there again, so that memberships can begin again.

        Args:
            kind: account or user.
            keys: Account ids or e-mail addresses.
            was_deleted: Nobody knows whether they really had been deleted, and the memberships with them.
        """
        table = tables.memberships
        column = table.c.account if kind == "account" else table.c.email
        for chunk in chunks(list(keys)):
            for before, state in [("away", "add"), *([("added", "adding")] if was_deleted else [])]:
                mine = and_(table.c.destination == self.destination, table.c.state == before, column.in_(chunk))
                self.connection.execute(update(table).where(mine).values(state=state))

    def pending_memberships(self, *, after: tuple[str, str], limit: int) -> list[tuple[str, str]]:
        """Pairs, in their order and from one on, whose membership has to begin or end."""
        table = tables.memberships
        query = self.select(table).where(
            table.c.state.in_(PENDING),
            tuple_(table.c.account, table.c.email) > tuple_(*(literal(part) for part in after)),
        )
        rows = self.connection.execute(query.order_by(table.c.account, table.c.email).limit(limit))
        return [(row.account, row.email) for row in rows]

    def retry_rejected_memberships(self) -> None:
        """Make the memberships that were refused pending again."""
        table = tables.memberships
        rows = self.connection.execute(self.select(table).where(table.c.state.in_(["rejected", "kept"]))).all()
        again = {"rejected": "add", "kept": "remove"}
        self.save_memberships({(row.account, row.email): again[row.state] for row in rows})


def is_orphan(slots: Table) -> Any:
    """The condition that a slot is held, but its account is not known yet."""
    return and_(slots.c.account.is_(None), slots.c.email.is_not(None), slots.c.reference.is_not(None))
