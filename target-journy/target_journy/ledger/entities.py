"""Accounts and users in the ledger, and the names that accounts go by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, or_

from target_journy.folding import Entity, pack, unpack
from target_journy.ledger import schema as tables
from target_journy.ledger.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_IN_DOUBT = pack(Entity(in_doubt=True)).rstrip("}")


def may_exist() -> Any:
    """The condition that journy.io has acknowledged an account or user, or may have got it without an answer."""
    table = tables.entities
    return or_(table.c.known, table.c.data.startswith(_IN_DOUBT, autoescape=True))


class Entities(Queries):
    """What journy.io should hold of accounts and users."""

    def entities(self, kind: str, keys: Iterable[str]) -> dict[str, Entity]:
        """The known accounts or users among some keys."""
        table = tables.entities
        rows = self.lookup(table, table.c.key, keys, table.c.kind == kind)
        return {row.key: unpack(row.data) for row in rows}

    def save_entities(self, kind: str, entities: dict[str, Entity]) -> None:
        """Keep accounts or users as they are now."""
        self.upsert(
            tables.entities,
            [
                {
                    "kind": kind,
                    "key": key,
                    "data": pack(entity),
                    "pending": entity.must_be_sent,
                    "known": entity.known,
                    "rejected": bool(entity.rejected),
                }
                for key, entity in entities.items()
            ],
        )

    def drop_entity(self, kind: str, key: str) -> None:
        """Forget an account or user."""
        table = tables.entities
        self.connection.execute(self.delete(table).where(table.c.kind == kind, table.c.key == key))

    def pending_entities(self, kind: str, *, after: str, limit: int) -> list[str]:
        """Keys, in their order and from one on, of accounts or users that journy.io does not hold as it should."""
        table = tables.entities
        query = self.select(table, table.c.key).where(table.c.kind == kind, table.c.pending, table.c.key > after)
        return [row.key for row in self.connection.execute(query.order_by(table.c.key).limit(limit))]

    def known(self, kind: str, keys: Iterable[str]) -> set[str]:
        """Those keys whose account or user journy.io has acknowledged."""
        table = tables.entities
        rows = self.lookup(table, table.c.key, keys, and_(table.c.kind == kind, table.c.known), [table.c.key])
        return {row.key for row in rows}

    def retry_rejected_entities(self) -> None:
        """Make everything that was refused pending again."""
        table = tables.entities
        for row in self.connection.execute(self.select(table).where(table.c.rejected)).all():
            entity = unpack(row.data)
            entity.retry()
            self.save_entities(row.kind, {row.key: entity})


class AccountNames(Queries):
    """Under which id journy.io has an account."""

    def accounts_by_alias(self, aliases: Iterable[str]) -> dict[str, str]:
        """The account behind each known alias."""
        table = tables.account_aliases
        return {row.alias: row.account for row in self.lookup(table, table.c.alias, aliases)}

    def add_aliases(self, accounts: dict[str, str]) -> None:
        """Pin aliases to accounts; an alias that is pinned already stays where it is."""
        self.insert_new(
            tables.account_aliases,
            [{"alias": alias, "account": account} for alias, account in accounts.items()],
        )

    def accounts_by_shared_alias(self, aliases: Iterable[str]) -> dict[str, str]:
        """The account of the smallest source behind each alias that several accounts share; of numbers, 9 before 10."""
        table = tables.shared_aliases
        found = self.lookup(table, table.c.alias, aliases)
        rows = sorted(found, key=lambda row: (len(row.source), row.source), reverse=True)
        return {row.alias: row.account for row in rows}

    def drop_shared_aliases(self, account: str) -> None:
        """Let what is known by an id that accounts share go to another of them."""
        table = tables.shared_aliases
        self.connection.execute(self.delete(table).where(table.c.account == account))

    def add_shared_aliases(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Keep that a source's account goes by an alias that others share; rows of alias, source, account."""
        self.insert_new(
            tables.shared_aliases,
            [{"alias": alias, "source": source, "account": account} for alias, source, account in rows],
        )
