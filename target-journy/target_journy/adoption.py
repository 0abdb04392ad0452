"""`--adopt`: the input is taken as delivered as a whole or not at all, and what earlier runs left is not."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from marketplace_singer import InputError
from target_journy.dispatch import Stop
from target_journy.leftovers import leftovers
from target_journy.operations import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from target_journy.ledger import Ledger
    from target_journy.orphans import Released
    from target_journy.report import Report
    from target_journy.tickets import Ticket

logger = logging.getLogger(__name__)


class Adoption:
    """A run that takes its input as delivered, at the end and as a whole.

    Half of it would leave the other half to be sent twice, by a ledger that does not even seem to be empty any more.

    Args:
        ledger: As it was, unless `keep` is called.
        mapped: The streams that the mapping names.
    """

    def __init__(self, ledger: Ledger, mapped: frozenset[str]) -> None:
        self._mapped = mapped
        self._came: set[str] = set()
        self._rehearsal = ExitStack()
        self._keep = self._rehearsal.enter_context(ledger.rehearsal())

    def came(self, stream: str) -> None:
        """Note that a record of a stream is among the input."""
        self._came.add(stream)

    def keep(self, report: Report) -> None:
        """Keep what was taken, at the end of the input.

        Raises:
            InputError: Nothing was, so this cannot be the input that was meant.
            LedgerError: The ledger failed.
        """
        missing = sorted(self._mapped - self._came)
        if not report.total(Outcome.DELIVERED, Outcome.UNCHANGED):
            raise InputError(
                "--adopt: nothing in the input became an account, a user or an event, so nothing was adopted and the "
                f"ledger is as it was. The mapping names {_listed(self._mapped)}; the input has "
                f"records of {_listed(self._came)}. Let the tap read all that the mapping names"
            )
        if missing:
            logger.warning(
                "--adopt: the mapping also names %s, of which nothing came: what only these streams tell is not "
                "adopted, and a run that reads them sends it",
                ", ".join(missing),
            )
        self._keep()

    def close(self) -> None:
        """Undo what was not kept."""
        self._rehearsal.close()


def _listed(streams: Collection[str]) -> str:
    return f"the streams {', '.join(sorted(streams))}" if streams else "no stream"


class Earlier:
    """What waited when the run began. Only the next run that sends anything may do away with it.

    Args:
        ledger: Holds it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._keys: set[tuple[str, Any]] = {
            (ticket.kind, ticket.key) for tickets in leftovers(ledger, Stop()) for ticket in tickets
        }

    def note(self, orphan: Released) -> None:
        """Count an orphan whose account has come among it, unless its record was read in this run."""
        if orphan.stream is None:
            self._keys.add((orphan.ticket.kind, orphan.ticket.key))

    def came(self, tickets: Iterable[Ticket]) -> None:
        """Count no longer among it what a record of this run asks for."""
        self._keys.difference_update((ticket.kind, ticket.key) for ticket in tickets)

    def without(self, tickets: Iterable[Ticket]) -> list[Ticket]:
        """Those tickets that it does not count among."""
        return [ticket for ticket in tickets if (ticket.kind, ticket.key) not in self._keys]
