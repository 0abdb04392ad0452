"""Who holds which role on which licence, and the memberships that follow from it.

journy.io knows no roles: a person is a member of an account or not. So the ledger keeps the roles, and a membership
ends only when the last role of that person in that account is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from target_journy.ledger import Slot
from target_journy.operations import Outcome
from target_journy.tickets import Ticket
from target_journy.values import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from target_journy.ledger import LedgerTransaction
    from target_journy.names import AccountNames
    from target_journy.operations import HoldSlot
    from target_journy.options import Options
    from target_journy.tickets import Plan

Pair: TypeAlias = "tuple[str, str]"
"""An account id and an e-mail address."""


class SlotPlanner:
    """Plans the roles of one batch.

    Args:
        ledger: The transaction of the batch.
        names: Which accounts the batch refers to.
        options: Whether memberships are kept, and whether they end.
        run: Identity of this run, kept with what waits.
    """

    def __init__(self, ledger: LedgerTransaction, names: AccountNames, options: Options, run: str) -> None:
        self._ledger = ledger
        self._names = names
        self._options = options
        self._run = run

    def plan(self, asked: Sequence[tuple[Plan, HoldSlot]]) -> None:
        """Note who holds what, and which memberships begin or end by it."""
        before = self._ledger.slots(operation.slot for _, operation in asked)
        after = dict(before)
        forgotten = set()
        for plan, operation in asked:
            held = after.get(operation.slot)
            after[operation.slot] = self._hold(plan, operation)
            if operation.forgotten and held and held.email:
                forgotten.add(held.email)
                plan.tickets.append(Ticket("user", held.email))
        changed = [slot for key, slot in after.items() if slot != before.get(key)]
        self._ledger.save_slots(changed)
        self._forget(forgotten)
        if self._options.memberships == "none":  # the roles are kept all the same: they tell who was forgotten
            for plan, _ in asked:
                plan.outcomes.append(Outcome.SKIPPED)
            return
        states = self._join(after[operation.slot] for _, operation in asked)
        left = self._leave([before[slot.slot] for slot in changed if slot.slot in before], forgotten)
        for plan, operation in asked:
            was = before.get(operation.slot)
            if was and (pair := _pair(was)) in left:
                plan.tickets.append(Ticket("membership", pair))
            _judge(plan, after[operation.slot], was, states)

    def _hold(self, plan: Plan, operation: HoldSlot) -> Slot:
        account, _ = self._names.resolve(operation.account)
        if account is None and operation.email:
            if self._options.memberships == "none":
                return Slot(operation.slot, None, operation.email, None)
            reference = to_json(list(operation.account.names))
            return Slot(operation.slot, None, operation.email, reference, plan.source.stream, self._run)
        return Slot(operation.slot, account, operation.email, None)

    def _forget(self, emails: set[str]) -> None:
        users = self._ledger.entities("user", emails)
        for email, user in users.items():
            if user.known:
                user.forget()
                self._ledger.save_entities("user", {email: user})
            else:
                self._ledger.drop_entity("user", email)

    def _join(self, slots: Iterable[Slot]) -> dict[Pair, str]:
        pairs = _pairs(slots)
        states = self._ledger.memberships(pairs)
        new = {pair: "add" for pair in pairs if states.get(pair) in {None, "remove"}}
        self._ledger.save_memberships(new)
        return states | new

    def _leave(self, slots: Iterable[Slot], forgotten: set[str]) -> set[Pair]:
        """End what no role holds any more; memberships that were never told to journy.io just go."""
        pairs = _pairs(slots)
        gone = pairs - self._ledger.holders(pairs)
        ending = set()
        for pair, state in self._ledger.memberships(gone).items():
            if state in {"add", "rejected"}:
                self._ledger.drop_membership(*pair)
            elif self._options.memberships == "sync" or pair[1] in forgotten:
                ending.add(pair)
        self._ledger.save_memberships(dict.fromkeys(ending, "remove"))
        return ending


def _judge(plan: Plan, slot: Slot, was: Slot | None, states: dict[Pair, str]) -> None:
    if slot.email is None:
        if not plan.tickets:
            plan.outcomes.append(Outcome.UNCHANGED if was and was.email else Outcome.SKIPPED)
        return
    pair = _pair(slot)
    if pair is None:
        plan.outcomes.append(Outcome.WAITING)
        plan.orphans.append(("slot", slot.slot))
    elif states[pair] == "rejected":
        plan.outcomes.append(Outcome.REJECTED)
    elif states[pair] == "added":
        plan.outcomes.append(Outcome.UNCHANGED)
    else:
        plan.tickets.append(Ticket("membership", pair))


def _pair(slot: Slot) -> Pair | None:
    return (slot.account, slot.email) if slot.account and slot.email else None


def _pairs(slots: Iterable[Slot]) -> set[Pair]:
    return {pair for slot in slots if (pair := _pair(slot))}
