"""Sales and roles whose account was not known when they were read: find out whether it is by now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from target_journy.event_body import pack_event, unpack_event
from target_journy.ledger import Slot
from target_journy.names import AccountNames
from target_journy.operations import AccountReference
from target_journy.slots import begun
from target_journy.tickets import Ticket

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_journy.ledger import Event, Ledger, LedgerTransaction

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Released:
    """An orphan whose account is known now, or a deletion that may be carried out now.

    Attributes:
        ticket: What can be delivered now.
        kind: slot, event or deletion.
        key: The slot, the id of the event, or the deleted record.
        stream: The stream of its record if that was read in this run.
    """

    ticket: Ticket
    kind: str
    key: str
    stream: str | None


def resolve_orphans(ledger: Ledger, run: str) -> Iterator[Released]:
    """Give orphans the account that has come meanwhile.

    Args:
        ledger: The ledger.
        run: Identity of this run.

    Yields:
        Those that can be delivered now.
    """
    after = ""
    while True:
        with ledger.transaction() as transaction:
            slots = transaction.orphaned_slots(after=after, limit=_PAGE)
            yield from _adopt_slots(transaction, slots, run)
        if len(slots) < _PAGE:
            break
        after = slots[-1].slot
    after = ""
    while True:
        with ledger.transaction() as transaction:
            events = transaction.undelivered_events(orphans=True, after=after, limit=_PAGE)
            yield from _adopt_events(transaction, events, run)
        if len(events) < _PAGE:
            break
        after = events[-1].event_id


def _adopt_slots(ledger: LedgerTransaction, slots: list[Slot], run: str) -> list[Released]:
    references = [AccountReference(None, _names(slot.reference)) for slot in slots]
    names = AccountNames(ledger, references)
    adopted = []
    for slot, reference in zip(slots, references, strict=True):
        account, _ = names.resolve(reference)
        if account and slot.email:
            pair = (account, slot.email)
            ledger.save_slots([Slot(slot.slot, *pair, None)])
            if (state := ledger.memberships([pair]).get(pair)) in {None, "remove"}:
                ledger.save_memberships({pair: begun(state)})
            stream = slot.waiting_stream if slot.waiting_run == run else None
            adopted.append(Released(Ticket("membership", pair), "slot", slot.slot, stream))
    return adopted


def _adopt_events(ledger: LedgerTransaction, events: list[Event], run: str) -> list[Released]:
    bodies = [(event, unpack_event(event.body)) for event in events if event.body]
    names = AccountNames(ledger, [AccountReference(None, tuple(body.names)) for _, body in bodies])
    adopted = []
    for event, body in bodies:
        account, shared = names.resolve(AccountReference(None, tuple(body.names)))
        if account:
            if shared:
                body.metadata["multi_instance"] = True
            ledger.save_events([replace(event, account=account, body=pack_event(body))])
            stream = event.waiting_stream if event.waiting_run == run else None
            adopted.append(Released(Ticket("event", event.event_id), "event", event.event_id, stream))
    return adopted


def _names(reference: str | None) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(reference, type=list[str])) if reference else ()
