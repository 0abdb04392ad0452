"""The first accounts of a run, for a careful one that touches no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_journy.event_body import unpack_event
from target_journy.ledger import NO_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from target_journy.ledger import Event, LedgerTransaction
    from target_journy.operations import Operations
    from target_journy.tickets import Ticket


class FirstAccounts:
    """Lets records pass that are about the first accounts of a run and their people.

    As long as no record ties a person to an account, people count as accounts do.

    Args:
        limit: How many accounts.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self._names: set[str] = set()
        self._shared: set[str] = set()
        self._emails: set[str] = set()
        self._has_ties = False

    def admit(self, operations: Operations) -> bool:
        """Whether a record may pass; all that it names counts from then on.

        A sale that sits on an id of several accounts does not pass: which of them gets it depends on them all.
        """
        ties = [(slot.account, slot.email) for slot in operations.slots]
        ties += [(event.account, event.user) for event in operations.events]
        emails = {user.user for user in operations.users} | {email for _, email in ties if email}
        references = [reference for reference in operations.references if reference.names]
        self._has_ties |= any(email and account.names for account, email in ties)
        names: set[str] = set()
        new = 0
        for reference in references:
            if not self._names.isdisjoint(reference.names) or not names.isdisjoint(reference.names):
                names.update(reference.names)
            elif not self._shared.isdisjoint(reference.names):
                return False
            else:
                names.update(reference.names)
                new += 1
        if not references:
            strangers = emails - self._emails
            if strangers and self._has_ties:
                return False
            new = len(strangers)
        if self._count + new > self._limit:
            return False
        self._count += new
        self._names |= names
        self._emails |= emails
        self._shared.update(filter(None, (reference.shared_alias for reference in references)))
        return True

    def among(self, ledger: LedgerTransaction, tickets: Iterable[Ticket]) -> list[Ticket]:
        """Those tickets that are about these accounts and people, of all that waits."""
        tickets = list(tickets)
        accounts = self._names | set(ledger.accounts_by_alias(self._names).values())
        events = ledger.events(str(ticket.key) for ticket in tickets if ticket.kind == "event")

        def is_first(ticket: Ticket) -> bool:
            if ticket.kind == "user":
                return ticket.key in self._emails
            if ticket.kind == "event":
                return _is_about(events[str(ticket.key)], accounts, self._emails)
            return (ticket.key if ticket.kind == "account" else ticket.key[0]) in accounts

        return list(filter(is_first, tickets))


def _is_about(event: Event, accounts: Collection[str], emails: Collection[str]) -> bool:
    if event.account == NO_ACCOUNT and event.body:
        return unpack_event(event.body).user in emails
    return event.account in accounts
