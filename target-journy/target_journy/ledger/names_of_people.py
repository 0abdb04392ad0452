"""One person under two names: a user known by an id, whose e-mail address is the name of another user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import and_

from target_journy.folding import unpack
from target_journy.ledger import schema as tables
from target_journy.ledger.entities import may_exist
from target_journy.ledger.queries import Queries
from target_journy.people import is_email

if TYPE_CHECKING:
    from collections.abc import Collection

_EMAIL = "email"  # the property that a mapping gives a user who is known by an id


class NamesOfPeople(Queries):
    """Which ids and addresses belong together."""

    def other_names(self, person: str) -> set[str]:
        """The other name of a person. An address that several ids share is nobody's name.

        Args:
            person: An address or an id.
        """
        address: str | None = person
        if not is_email(person):
            address = self.addresses_of_ids(only=person).get(person)
        ids = set(self.addresses_of_ids(address=address)) if address else set()
        return {address, *ids} - {person} if address and len(ids) == 1 else set()

    def addresses_of_ids(self, *, only: str | None = None, address: str | None = None) -> dict[str, str]:
        """The addresses of known users who go by an id.

        Args:
            only: The id of the only one to look at.
            address: The only address to look for.
        """
        table = tables.entities
        start = f'"{_EMAIL}":[' + (msgspec.json.encode(address).decode() if address else '"')
        which = and_(table.c.kind == "user", may_exist(), table.c.data.contains(start, autoescape=True))
        query = self.select(table, table.c.key, table.c.data).where(which)
        if only is not None:
            query = query.where(table.c.key == only)
        found = {}
        for row in self.connection.execute(query):
            entity = unpack(row.data)
            held = entity.properties.get(_EMAIL, (None,))[0]
            if isinstance(held, str) and not is_email(row.key) and not entity.gone and address in {None, held}:
                found[row.key] = held
        return found

    def named_otherwise(self, going: Collection[str]) -> set[str]:
        """Those of some users whom journy.io also knows by another name, which is not among them."""
        if not going:
            return set()
        addresses = self.addresses_of_ids()
        stay = {address for user, address in addresses.items() if user not in going}
        table, users = tables.entities, and_(tables.entities.c.kind == "user", may_exist())
        theirs = {user: address for user, address in addresses.items() if user in going and address not in going}
        known = {row.key for row in self.lookup(table, table.c.key, theirs.values(), users, [table.c.key])}
        return (stay & set(going)) | {user for user, address in theirs.items() if address in known}
