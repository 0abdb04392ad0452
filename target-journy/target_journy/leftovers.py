"""What the ledger still holds back when an input has ended."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from target_journy.tickets import Ticket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from target_journy.dispatch import Stop
    from target_journy.ledger import Ledger, LedgerTransaction

_PAGE = 1000

T = TypeVar("T")


def leftovers(ledger: Ledger, stop: Stop) -> Iterator[list[Ticket]]:
    """What the ledger holds back and what may go now, page by page, in the order that journy.io needs.

    Args:
        ledger: The ledger.
        stop: Ends it when the time is up.
    """
    for kind in ("account", "user"):
        for keys in _pages(ledger, stop, partial(_pending_entities, kind), ""):
            yield [Ticket(kind, key) for key in keys]
    for pairs in _pages(ledger, stop, _pending_memberships, ("", "")):
        yield [Ticket("membership", pair) for pair in pairs]
    for ids in _pages(ledger, stop, _undelivered_events, ""):
        yield [Ticket("event", event_id) for event_id in ids]


def _pages(ledger: Ledger, stop: Stop, read: Callable[[LedgerTransaction, T], list[T]], after: T) -> Iterator[list[T]]:
    while not stop.time_is_up:
        with ledger.transaction() as transaction:
            page = read(transaction, after)
        if not page:
            return
        yield page
        after = page[-1]


def _pending_entities(kind: str, ledger: LedgerTransaction, after: str) -> list[str]:
    return ledger.pending_entities(kind, after=after, limit=_PAGE)


def _pending_memberships(ledger: LedgerTransaction, after: tuple[str, str]) -> list[tuple[str, str]]:
    return ledger.pending_memberships(after=after, limit=_PAGE)


def _undelivered_events(ledger: LedgerTransaction, after: str) -> list[str]:
    return [event.event_id for event in ledger.undelivered_events(orphans=False, after=after, limit=_PAGE)]
