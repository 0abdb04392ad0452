"""Sales and roles whose account was not known when they were read: find out whether it is by now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from target_journy.event_body import pack_event, unpack_event
from target_journy.ledger import Slot
from target_journy.names import AccountNames
from target_journy.operations import AccountReference
from target_journy.tickets import Ticket

if TYPE_CHECKING:
    from target_journy.ledger import LedgerTransaction


@dataclass(frozen=True, slots=True)
class Adopted:
    """An orphan whose account is known now.

    Attributes:
        ticket: What can be delivered now.
        kind: slot or event.
        key: The slot, or the id of the event.
        stream: The stream of its record if that was read in this run.
    """

    ticket: Ticket
    kind: str
    key: str
    stream: str | None


def resolve_orphans(ledger: LedgerTransaction, run: str) -> list[Adopted]:
    """Give orphans the account that has come meanwhile.

    Args:
        ledger: A transaction.
        run: Identity of this run.

    Returns:
        Those that can be delivered now.
    """
    slots = [(slot, AccountReference(None, _names(slot.reference))) for slot in ledger.orphaned_slots()]
    events = [
        (event, body, AccountReference(None, tuple(body.names)))
        for event in ledger.undelivered_events()
        if event.account is None and event.body and (body := unpack_event(event.body))
    ]
    names = AccountNames(ledger, [reference for _, reference in slots] + [reference for *_, reference in events])
    adopted = []
    for slot, reference in slots:
        account, _ = names.resolve(reference)
        if account and slot.email:
            pair = (account, slot.email)
            ledger.save_slots([Slot(slot.slot, *pair, None)])
            if ledger.memberships([pair]).get(pair) in {None, "remove"}:
                ledger.save_memberships({pair: "add"})
            stream = slot.waiting_stream if slot.waiting_run == run else None
            adopted.append(Adopted(Ticket("membership", pair), "slot", slot.slot, stream))
    for event, body, reference in events:
        account, shared = names.resolve(reference)
        if account:
            if shared:
                body.metadata["multi_instance"] = True
            ledger.save_events([replace(event, account=account, body=pack_event(body))])
            stream = event.waiting_stream if event.waiting_run == run else None
            adopted.append(Adopted(Ticket("event", event.event_id), "event", event.event_id, stream))
    return adopted


def _names(reference: str | None) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(reference, type=list[str])) if reference else ()
