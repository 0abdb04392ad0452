"""What `--adopt` must not take as delivered, because earlier runs left it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_journy.dispatch import Stop
from target_journy.leftovers import leftovers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_journy.ledger import Ledger
    from target_journy.orphans import Adopted
    from target_journy.tickets import Ticket


class Earlier:
    """What waited when the run began. Only the next run that sends anything may do away with it.

    Args:
        ledger: Holds it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._keys: set[tuple[str, Any]] = {
            (ticket.kind, ticket.key) for tickets in leftovers(ledger, Stop()) for ticket in tickets
        }

    def note(self, orphan: Adopted) -> None:
        """Count an orphan whose account has come among it, unless its record was read in this run."""
        if orphan.stream is None:
            self._keys.add((orphan.ticket.kind, orphan.ticket.key))

    def came(self, tickets: Iterable[Ticket]) -> None:
        """Count no longer among it what a record of this run asks for."""
        self._keys.difference_update((ticket.kind, ticket.key) for ticket in tickets)

    def without(self, tickets: Iterable[Ticket]) -> list[Ticket]:
        """Those tickets that it does not count among."""
        return [ticket for ticket in tickets if (ticket.kind, ticket.key) not in self._keys]
