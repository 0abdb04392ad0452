"""Send what the ledger says is missing: accounts and users, then what connects them, then events."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from target_journy.calls import Desk, EntityCall, EventCall, MembersCall, Result
from target_journy.deletion_call import DeletionCall
from target_journy.event_body import unpack_event
from target_journy.ledger import NO_ACCOUNT
from target_journy.operations import Outcome
from target_journy.transports import MEMBERS_PER_CALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from target_journy.calls import Call, Results
    from target_journy.dispatch import Dispatcher, Rehearsal
    from target_journy.folding import Entity
    from target_journy.ledger import Ledger, LedgerTransaction
    from target_journy.options import Options
    from target_journy.report import Report
    from target_journy.tickets import Ticket

Together: TypeAlias = "Callable[[Iterable[Call]], Iterable[Call]]"
"""Makes fewer calls of many."""


class Sender:
    """Sends what tickets stand for.

    Args:
        ledger: Says what is missing, and is told what arrived.
        dispatcher: Makes the calls.
        options: Under which mapping refusals are noted.
        report: Told of calls, and of what journy.io did not have before.
        knows_repeats: Whether the destination drops events that are told again.
        together: Makes fewer calls of many, where the transport carries several as one.
        spares_all: Leave every deletion of an account or user to a later run.
        is_adopting: What is to be ended, deleted or forgotten waits: that it came is no sign that journy.io did it.
    """

    def __init__(
        self,
        ledger: Ledger,
        dispatcher: Dispatcher | Rehearsal,
        options: Options,
        report: Report,
        *,
        knows_repeats: bool,
        together: Together,
        spares_all: bool = False,
        is_adopting: bool = False,
    ) -> None:
        self._ledger = ledger
        self._spares_all = spares_all
        self._knows_repeats = knows_repeats
        self._together = together
        self._is_adopting = is_adopting
        self._dispatcher = dispatcher
        self._options = options
        self._report = report

    def send(self, tickets: Iterable[Ticket], results: Results, refused: Callable[[str, Any, Result], None]) -> None:
        """Send in the order that journy.io needs.

        Args:
            tickets: What has to reach journy.io; what lacks nothing by now is delivered.
            results: Takes what came of each; a ticket without a result was not reached.
            refused: Told of a refusal by kind, key and result, before the ledger notes it.

        Raises:
            DeliveryError: Nothing more can be delivered.
            LedgerError: The ledger failed.
            SettingsError: A refusal could not be kept.
            StoppedError: The run was told to stop.
        """
        desk = Desk(self._ledger, self._options, self._report, results, refused, self._knows_repeats)
        keys: dict[str, dict[Any, None]] = {"account": {}, "user": {}, "membership": {}, "event": {}}
        for ticket in tickets:
            keys[ticket.kind][ticket.key] = None
        for calls in (
            [call for kind in ("account", "user") for call in self._entities(desk, kind, keys[kind])],
            self._memberships(desk, keys["membership"]),
            self._events(desk, keys["event"]),
        ):
            self._dispatcher.run(self._together(calls))

    def _entities(self, desk: Desk, kind: str, keys: Iterable[str]) -> Iterator[Call]:
        with self._ledger.transaction() as ledger:
            entities = ledger.entities(kind, keys)
            if not self._is_adopting:
                self._drop_forgotten(ledger, kind, entities)
        for key in keys:
            entity = entities.get(key)
            if entity is None or not entity.must_be_sent:
                desk.results[kind, key] = Result(Outcome.DELIVERED)
            elif self._spares(entity):
                desk.results[kind, key] = Result(Outcome.WAITING)
            else:
                yield (DeletionCall if entity.gone else EntityCall)(desk, kind, key, entity)

    def _spares(self, entity: Entity) -> bool:
        if self._is_adopting and entity.forgotten:
            return True
        is_unwanted = not entity.is_to_be_deleted(self._options.deletes)  # by now; a run before was cut short
        return entity.gone and (self._spares_all or self._is_adopting or is_unwanted)

    def _drop_forgotten(self, ledger: LedgerTransaction, kind: str, entities: Mapping[str, Entity]) -> None:
        """Forget people of whom journy.io has nothing that could be unset."""
        for key, entity in entities.items():
            if entity.is_erased and not ledger.holds_any_slot(key):
                ledger.drop_entity(kind, key)
                self._report.forgotten += 1

    def _memberships(self, desk: Desk, pairs: Iterable[tuple[str, str]]) -> Iterator[Call]:
        """Those of one account go together; those whose two ends are not known wait."""
        with self._ledger.transaction() as ledger:
            states = ledger.memberships(pairs)
            accounts = ledger.known("account", (account for account, _ in pairs))
            users = ledger.known("user", (email for _, email in pairs))
        groups: dict[tuple[str, bool], dict[str, str]] = {}
        for pair in pairs:
            account, email = pair
            state = states.get(pair)
            if state == "remove" and self._is_adopting:
                desk.results["membership", pair] = Result(Outcome.WAITING)
            elif state == "remove" or (state in {"add", "adding"} and account in accounts and email in users):
                groups.setdefault((account, state == "remove"), {})[email] = state
            else:
                done = state in {None, "added"}
                desk.results["membership", pair] = Result(Outcome.DELIVERED if done else Outcome.WAITING)
        for (account, _), members in groups.items():
            for start in range(0, len(members), MEMBERS_PER_CALL):
                yield MembersCall(desk, account, dict(islice(members.items(), start, start + MEMBERS_PER_CALL)))

    def _events(self, desk: Desk, ids: Iterable[str]) -> Iterator[Call]:
        """The earliest first; those whose account is not known wait."""
        with self._ledger.transaction() as ledger:
            known = ledger.events(ids)
            events = [(event, unpack_event(event.body)) for event in known.values() if event.body]
            accounts = ledger.known("account", (event.account for event, _ in events if event.account))
        for event_id in ids:
            if event_id not in known:  # it was of a user alone who has been forgotten since
                desk.results["event", event_id] = Result(Outcome.SKIPPED)
        for event, body in sorted(events, key=lambda item: (item[1].triggered_at, item[0].event_id)):
            if event.account == NO_ACCOUNT or event.account in accounts:
                yield EventCall(desk, event, body)
            else:
                desk.results["event", event.event_id] = Result(Outcome.WAITING)
