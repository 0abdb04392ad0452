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
from target_journy.versions import rank

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

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

    def plan(self, asked: Sequence[tuple[Plan, HoldSlot]]) -> set[str]:
        """Note who holds what, and which memberships begin or end by it.

        Returns:
            The addresses and ids of those who were erased at the source, but whom journy.io refused to erase before.
        """
        asked = self._newest(asked)
        before = self._ledger.slots(operation.slot for _, operation in asked)
        after = dict(before)
        forgotten: dict[str, list[Plan]] = {}
        for plan, operation in asked:
            held = after.get(operation.slot)
            after[operation.slot] = slot = self._hold(plan, operation)
            if held and held.reference and not slot.reference:
                plan.found.append(("slot", slot.slot))
            if operation.forgotten:
                for person in {held.email if held else None, operation.email}:
                    if person:
                        forgotten.setdefault(person, []).append(plan)
        self._add_other_names(forgotten)
        changed = [slot for key, slot in after.items() if slot != before.get(key)]
        self._ledger.save_slots(changed)
        news = self._forget(forgotten, {slot.email for slot in before.values()})
        if self._options.memberships == "none":  # the roles are kept all the same: they tell who was forgotten
            for plan, _ in asked:
                plan.outcomes.append(Outcome.SKIPPED)
            return news
        states = self._join(after[operation.slot] for _, operation in asked)
        ending = self._leave([before[slot.slot] for slot in changed if slot.slot in before], after.values(), forgotten)
        others = ending - pairs_of(before.values())
        for plan, operation in asked:
            was, slot = before.get(operation.slot), after[operation.slot]
            mine = {pair for pair in others if pair[0] == slot.account}
            others -= mine
            if was and (pair := _pair(was)) in ending:
                mine.add(pair)
            plan.tickets += [Ticket("membership", pair) for pair in sorted(mine)]
            _judge(plan, slot, was, states)
        return news

    def _newest(self, asked: Sequence[tuple[Plan, HoldSlot]]) -> list[tuple[Plan, HoldSlot]]:
        """What is to be listened to: where several rows speak of one role, as with properties the newest is right."""
        last = self._ledger.slot_rows(operation.slot for _, operation in asked)
        heard, news = [], {}
        for plan, operation in asked:
            row = (plan.source.version, plan.source.id)
            before = last.get(operation.slot, row)
            is_older = (rank(row[0]), row[1]) < (rank(before[0]), before[1])
            if is_older and plan.source.id != before[1]:
                plan.outcomes.append(Outcome.UNCHANGED)
                continue
            heard.append((plan, operation))
            news[operation.slot] = last[operation.slot] = row
        self._ledger.save_slot_rows(news)
        return heard

    def _hold(self, plan: Plan, operation: HoldSlot) -> Slot:
        account, _ = self._names.resolve(operation.account)
        if operation.forgotten:
            return Slot(operation.slot, account, None, None)
        if account is None and operation.email:
            if self._options.memberships == "none":
                return Slot(operation.slot, None, operation.email, None)
            reference = to_json(list(operation.account.names))
            return Slot(operation.slot, None, operation.email, reference, plan.source.stream, self._run)
        return Slot(operation.slot, account, operation.email, None)

    def _add_other_names(self, forgotten: dict[str, list[Plan]]) -> None:
        """Forget people under their other name, too."""
        for person, plans in list(forgotten.items()):
            for name in self._ledger.other_names(person) - forgotten.keys():
                forgotten[name] = plans

    def _forget(self, forgotten: Mapping[str, list[Plan]], held: Collection[str | None]) -> set[str]:
        """Erase people, as far as the transport can, and make the ledger forget what it knows of them.

        Args:
            forgotten: They, and what tells of it.
            held: Who held a role when the batch began: journy.io may have them though the ledger forgot them before.

        Returns:
            Those of whom it is not so that journy.io refused to erase them before: that is not tried again, and the
            line that says so stays.
        """
        users = self._ledger.entities("user", forgotten)
        news = set()
        for email, plans in forgotten.items():
            user = users.get(email)
            is_gone = self._options.deletes == "hard" and not self._ledger.holds_any_slot(email)
            if user and user.forgotten and user.rejected and user.gone == is_gone:
                for plan in plans:
                    plan.outcomes.append(Outcome.REJECTED)
                continue
            news.add(email)
            self._ledger.forget_person(email)
            if not self._options.can_delete and (
                user.may_exist if user else email in held
            ):  # else another batch forgot them
                plans[0].by_hand.append(email)
                plans[0].outcomes.append(Outcome.REJECTED)
            if user is None or not self._options.can_delete or not (user.may_exist or is_gone):
                self._ledger.drop_entity("user", email)
                continue
            user.forget()
            user.gone = is_gone
            self._ledger.save_entities("user", {email: user})
            for plan in plans:
                plan.tickets.append(Ticket("user", email, frozenset(user.properties)))
        return news

    def _join(self, slots: Iterable[Slot]) -> dict[Pair, str]:
        pairs = pairs_of(slots)
        states = self._ledger.memberships(pairs)
        new = {pair: begun(states.get(pair)) for pair in pairs if states.get(pair) in {None, "remove", "kept"}}
        self._ledger.save_memberships(new)
        return states | new

    def _leave(self, before: Iterable[Slot], after: Iterable[Slot], forgotten: Collection[str]) -> set[Pair]:
        """End what no role holds any more; memberships that were never told to journy.io just go.

        To `sync` an account also means those who left it while memberships did not end.
        """
        pairs = pairs_of(before)
        if self._options.memberships == "sync":
            pairs |= self._ledger.members(slot.account for slot in after if slot.account).keys()
        return end_memberships(self._ledger, pairs, self._options, forgotten)


def end_memberships(
    ledger: LedgerTransaction, pairs: set[Pair], options: Options, forgotten: Collection[str] = ()
) -> set[Pair]:
    """End those memberships that no role holds any more; those that were never told to journy.io just go.

    One that may have been told, without an answer, ends like any other; where none ends, it begins for sure.

    Args:
        ledger: Where they are noted.
        pairs: Whose role may have been the last.
        options: Whether memberships end, and whether the transport can end them.
        forgotten: People whose memberships end in any case.

    Returns:
        Those that have to end in journy.io.
    """
    ending = set()
    for pair, state in ledger.memberships(pairs - ledger.holders(pairs)).items():
        is_forgotten = pair[1] in forgotten
        if state in {"add", "rejected", "away"} or (is_forgotten and not options.can_delete):
            ledger.drop_membership(*pair)
        elif state != "kept" and (options.memberships == "sync" or is_forgotten):
            ending.add(pair)
    ledger.save_memberships(dict.fromkeys(ending, "remove"))
    return ending


def begun(state: str | None) -> str:
    """The state of a membership that is to begin; one whose end was not acknowledged may still be there."""
    return "adding" if state else "add"


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


def pairs_of(slots: Iterable[Slot]) -> set[Pair]:
    """The memberships that some roles stand for."""
    return {pair for slot in slots if (pair := _pair(slot))}
