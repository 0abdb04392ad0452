"""Events in the ledger: each is told once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from marketplace_singer.naming import Naming
from target_journy.event_body import pack_event, unpack_event
from target_journy.ledger import schema as tables
from target_journy.ledger.queries import Queries, as_row, may_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_journy.event_body import EventBody

NO_ACCOUNT = ""
"""Stands for the account of an event that happened to a user alone."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event that was seen; its body is kept until it is delivered.

    Attributes:
        account: Id of its account; None while that is not known, `NO_ACCOUNT` if it has none.
    """

    event_id: str
    state: str
    account: str | None
    body: str | None
    reason: str | None = None
    waiting_stream: str | None = None
    waiting_run: str | None = None


class Events(Queries):
    """Which events were told, and which wait."""

    def events(self, ids: Iterable[str]) -> dict[str, Event]:
        """The known events among some ids."""
        table = tables.events
        return {row.event_id: Event(*row[1:]) for row in self.lookup(table, table.c.event_id, ids)}

    def save_events(self, events: Iterable[Event]) -> None:
        """Keep events as they are now."""
        self.upsert(tables.events, [as_row(event) for event in events])

    def set_event_state(self, event_id: str, state: str, reason: str | None = None) -> None:
        """Note what became of an event; the body of a delivered one is dropped."""
        values: dict[str, Any] = {"state": state, "reason": reason}
        if state == "delivered":
            values |= {"body": None, "waiting_stream": None, "waiting_run": None}
        self._update_event(event_id, **values)

    def undelivered_events(self, *, orphans: bool, after: str, limit: int) -> list[Event]:
        """Events, by their ids and from one on, that wait or whose sending was cut short.

        Args:
            orphans: Those whose account is not known, or those whose account is.
            after: The id after which to begin.
            limit: How many at most.
        """
        table = tables.events
        query = self.select(table).where(
            table.c.state.in_(["waiting", "sending"]),
            table.c.account.is_(None) if orphans else table.c.account.is_not(None),
            table.c.event_id > after,
        )
        return [Event(*row[1:]) for row in self.connection.execute(query.order_by(table.c.event_id).limit(limit))]

    def strip_events(self, person: str) -> None:
        """Take a person out of the events that were not told yet: what names them is told without it."""
        naming = Naming([person])
        self.release_events(person)
        for event_id, body in self._bodies_naming(person):
            body.metadata = {name: value for name, value in body.metadata.items() if not naming.is_in(value)}
            self._update_event(event_id, body=pack_event(body))

    def release_events(self, user: str) -> None:
        """Let events that were not told yet be told without the user who did them, who is not to be made anew by them.

        Those of the user alone are forgotten.
        """
        table = tables.events
        for event_id, body in self._bodies_naming(user):
            if body.user == user and body.names:
                body.user = None
                self._update_event(event_id, body=pack_event(body))
            elif body.user == user:
                self.connection.execute(self.delete(table).where(table.c.event_id == event_id))

    def _bodies_naming(self, person: str) -> list[tuple[str, EventBody]]:
        table = tables.events
        query = self.select(table, table.c.event_id, table.c.body).where(may_name(table.c.body, person))
        return [(row.event_id, unpack_event(row.body)) for row in self.connection.execute(query)]

    def _update_event(self, event_id: str, **values: Any) -> None:
        table = tables.events
        which = (table.c.destination == self.destination) & (table.c.event_id == event_id)
        self.connection.execute(update(table).where(which).values(values))

    def retry_rejected_events(self) -> None:
        """Make the events that were refused wait again."""
        table = tables.events
        self.connection.execute(
            update(table)
            .where(table.c.destination == self.destination, table.c.state == "rejected")
            .values(state="waiting", reason=None)
        )
