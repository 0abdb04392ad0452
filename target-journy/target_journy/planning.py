"""Bring a batch of records into the ledger and find out what journy.io does not know yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_journy.changes import change_events
from target_journy.ends import call_back
from target_journy.event_body import EventBody, pack_event
from target_journy.folding import ITSELF, Entity
from target_journy.ledger import NO_ACCOUNT, Claim, Event
from target_journy.names import AccountNames
from target_journy.operations import Operations, Outcome, TrackEvent
from target_journy.slots import SlotPlanner
from target_journy.tickets import Ticket
from target_journy.values import VACANT_IF_POSSIBLE
from target_journy.watching import compare, renumber

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_journy.ledger import LedgerTransaction
    from target_journy.operations import UpsertAccount, UpsertUser
    from target_journy.options import Options
    from target_journy.tickets import Plan
    from target_journy.values import Unset, Value


class Planner:
    """Plans one batch within one transaction of the ledger: what has to be sent is on record before it is sent.

    Args:
        ledger: The transaction.
        options: How nulls, memberships and old events are treated.
        run: Identity of this run, kept with what waits.

    Attributes:
        forgotten: People who are forgotten by this batch, by e-mail.
    """

    def __init__(self, ledger: LedgerTransaction, options: Options, run: str) -> None:
        self.forgotten: set[str] = set()
        self._ledger = ledger
        self._options = options
        self._run = run

    def plan(self, asked: Sequence[tuple[Plan, Operations]]) -> None:
        """Fold operations into the ledger, accounts first, whatever the order of the input.

        Args:
            asked: What each record asks for, and its plan, which is filled in here.
        """
        names = AccountNames(self._ledger, (ref for _, operations in asked for ref in operations.references))
        accounts = [(plan, account) for plan, operations in asked for account in operations.accounts]
        slots = [(plan, slot) for plan, operations in asked for slot in operations.slots]
        ids = names.pin((account.account, plan.source) for plan, account in accounts)
        of_accounts = [(plan, key, account) for (plan, account), key in zip(accounts, ids, strict=True)]
        of_users = [(plan, user.user, user) for plan, operations in asked for user in operations.users]
        of_events = [(plan, event.event_id, event) for plan, operations in asked for event in operations.events]
        changes = self._note_changes({"account": of_accounts, "user": of_users, "event": of_events})
        self._plan_entities("account", of_accounts)
        self._plan_entities("user", of_users)
        self._keep_claims(asked, {id(account): key for _, key, account in of_accounts})
        self.forgotten = SlotPlanner(self._ledger, names, self._options, self._run).plan(slots)
        self._plan_events(names, [(plan, event) for plan, _, event in of_events] + changes)
        for person in self.forgotten:  # events of the same batch may name them, too
            self._ledger.strip_events(person)
        for plan, operations in asked:
            if operations == Operations():
                plan.outcomes.append(Outcome.SKIPPED)

    def _plan_entities(self, kind: str, asked: Sequence[tuple[Plan, str, UpsertAccount | UpsertUser]]) -> None:
        entities = self._ledger.entities(kind, (key for _, key, _ in asked))
        new = {key for _, key, _ in asked if key not in entities or not entities[key].known}
        self._ledger.return_with(kind, new, was_deleted=False)
        going = {key for key, entity in entities.items() if entity.gone}
        self._ledger.return_with(kind, going, was_deleted=True)
        changed = set()
        for plan, key, operation in asked:
            if key not in entities:
                entities[key] = Entity()
                changed.add(key)
            entity = entities[key]
            if call_back(entity, can_delete=self._options.can_delete):
                changed.add(key)
            folded = entity.fold(
                plan.source,
                self._possible(operation.properties),
                mapping=self._options.mapping,
                unset_nulls=self._options.unset_nulls,
                fill_once=operation.fill_once,
            )
            if self._note_problems(plan, entity, operation.problems) or folded:
                changed.add(key)
        for plan, key, _ in asked:
            _judge_entity(plan, kind, key, entities[key])
        self._ledger.save_entities(kind, {key: entities[key] for key in sorted(changed)})

    def _possible(self, properties: Mapping[str, Value | Unset]) -> Mapping[str, Value | Unset]:
        """Leave out what is to be deleted only where the transport can."""
        if self._options.can_delete:
            return properties
        return {name: value for name, value in properties.items() if value is not VACANT_IF_POSSIBLE}

    def _keep_claims(self, asked: Sequence[tuple[Plan, Operations]], accounts: Mapping[int, str]) -> None:
        """Note which record asks for what, so that it is known when nobody does any more."""
        claims: dict[str, list[Claim]] = {}  # of several records of one key the last stands
        for plan, operations in asked:
            source = plan.source
            things = {
                *(("account", accounts[id(account)]) for account in operations.accounts),
                *(("user", user.user) for user in operations.users),
                *(("slot", slot.slot) for slot in operations.slots if slot.email and not slot.forgotten),
            }
            claims[source.id] = [
                Claim(source.id, kind, key, source.stream, plan.stream_version) for kind, key in sorted(things)
            ]
        self._ledger.replace_claims(claims, [claim for mine in claims.values() for claim in mine])

    def _note_changes(
        self, asked: Mapping[str, Sequence[tuple[Plan, str, UpsertAccount | UpsertUser | TrackEvent]]]
    ) -> list[tuple[Plan, TrackEvent]]:
        """Compare watched values with those that the ledger has, before they are folded in.

        Args:
            asked: What each record asks for, by the kind of what it is about.

        Returns:
            What tells of the changes. It is on record with them, so that a run that is cut short loses none.
        """
        known = self._ledger.events(key for _, key, part in asked["event"] if part.watched)
        old_news = {event_id for event_id, event in known.items() if event.state in {"delivered", "passed"}}
        told = []
        for kind, items in asked.items():
            watched = [(plan, key, part) for plan, key, part in items if part.watched]
            entities = self._ledger.entities(kind, (key for _, key, _ in watched))
            changed = {}
            for plan, key, part in watched:
                entity = entities.get(key) or Entity(known=kind == "event")  # there is nothing of an event to send
                values = part.metadata if isinstance(part, TrackEvent) else part.properties
                if kind == "event" and key not in entities and not part.watched.keys() & values.keys():
                    continue  # most events have no value that changes, so nothing of them is kept
                entities[key] = entity
                changes, is_news = compare(entity, plan.source, values, part.watched, self._options.streams)
                if is_news:
                    changed[key] = entity
                if kind == "event" and key not in old_news:
                    continue  # it is going to be told as it is now
                events = change_events(kind, key, part, plan.source, changes)
                while self._ledger.events(event.event_id for event in events):  # of one that was deleted and is back
                    changes = renumber(entity, changes)
                    events = change_events(kind, key, part, plan.source, changes)
                told += [(plan, event) for event in events]
            self._ledger.save_entities(kind, changed)
        return told

    def _note_problems(self, plan: Plan, entity: Entity, problems: dict[str, str]) -> bool:
        """Reject the properties that cannot be read as their type; the others go on."""
        problems = {name: reason for name, reason in problems.items() if not entity.is_older(plan.source, name)}
        for name, reason in problems.items():
            if entity.note_problem(plan.source, name, reason, self._options.mapping):
                plan.rejections.append(f"{name}: {reason}")
        if problems:
            plan.outcomes.append(Outcome.REJECTED)
        return bool(plan.rejections)

    def _plan_events(self, names: AccountNames, asked: Sequence[tuple[Plan, TrackEvent]]) -> None:
        events = self._ledger.events(operation.event_id for _, operation in asked)
        changed = {}
        for plan, operation in asked:
            known = events.get(operation.event_id)
            since = self._options.events_since
            is_of_nobody = not operation.account.names and not operation.user
            if is_of_nobody or (since is None and known and known.state == "passed"):
                plan.outcomes.append(Outcome.SKIPPED)
                continue
            if operation.triggered_at[:10] < (since or "") and not (known and known.state == "delivered"):
                # Kept in mind, or it would be sent when the setting is gone.
                changed[operation.event_id] = Event(operation.event_id, "passed", None, None)
                plan.outcomes.append(Outcome.SKIPPED)
                continue
            if known and known.state == "delivered":
                plan.outcomes.append(Outcome.UNCHANGED)
                continue
            account, shared = names.resolve(operation.account) if operation.account.names else (NO_ACCOUNT, False)
            body = _body(operation, multi_instance=account is not None and shared)
            if known and known.state == "rejected" and (known.body, known.account) == (body, account):
                plan.outcomes.append(Outcome.REJECTED)
                continue
            orphan = account is None
            changed[operation.event_id] = Event(
                operation.event_id,
                "sending" if known and known.state == "sending" else "waiting",
                account,
                body,
                waiting_stream=plan.source.stream if orphan else None,
                waiting_run=self._run if orphan else None,
            )
            if orphan:
                plan.outcomes.append(Outcome.WAITING)
                plan.orphans.append(("event", operation.event_id))
            else:
                plan.tickets.append(Ticket("event", operation.event_id))
        self._ledger.save_events(changed.values())


def _judge_entity(plan: Plan, kind: str, key: str, entity: Entity) -> None:
    owned = entity.owned_by(plan.source)
    stake = owned & entity.pending
    if ITSELF in entity.rejected and (stake or not entity.known):
        plan.outcomes.append(Outcome.REJECTED)
    elif stake or not entity.known:
        plan.tickets.append(Ticket(kind, key, frozenset(stake)))
    elif owned & entity.rejected.keys():
        plan.outcomes.append(Outcome.REJECTED)
    else:
        plan.outcomes.append(Outcome.UNCHANGED)


def _body(operation: TrackEvent, *, multi_instance: bool) -> str:
    metadata: dict[str, Any] = dict(operation.metadata)
    if multi_instance:
        metadata["multi_instance"] = True
    names = list(operation.account.names)
    return pack_event(EventBody(operation.name, operation.triggered_at, metadata, names, operation.user))
