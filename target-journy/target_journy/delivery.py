"""Take records batch by batch to journy.io, and find the outcome of each."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, TypeAlias

from target_journy.operations import Outcome, Source
from target_journy.orphans import resolve_orphans
from target_journy.planning import Planner
from target_journy.sending import Sender
from target_journy.tickets import Plan, Ticket

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_journy.ledger import Ledger
    from target_journy.operations import Operations
    from target_journy.options import Options
    from target_journy.orphans import Adopted
    from target_journy.quarantine import Quarantine
    from target_journy.report import Report
    from target_journy.sending import Result
    from target_journy.transports import Transport

Results: TypeAlias = "dict[tuple[str, str | tuple[str, str]], Result]"


class Delivery:
    """One run's way to journy.io: what a batch asks for is written down first, then sent, then acknowledged.

    Args:
        ledger: What was delivered and what waits.
        transport: Carries the calls.
        options: How records are treated.
        report: Counts outcomes.
        quarantine: Keeps refused records.
    """

    def __init__(
        self,
        ledger: Ledger,
        transport: Transport,
        options: Options,
        report: Report,
        quarantine: Quarantine,
    ) -> None:
        self._ledger = ledger
        self._options = options
        self._report = report
        self._quarantine = quarantine
        self._sender = Sender(ledger, transport, options, report)
        self._run = uuid.uuid4().hex
        self._batch: list[tuple[Plan, Operations, Mapping[str, Any]]] = []
        self._counted_elsewhere: set[tuple[str, str]] = set()

    def add(self, source: Source, operations: Operations, record: Mapping[str, Any]) -> None:
        """Take a record; it is delivered with the next flush."""
        self._batch.append((Plan(source), operations, record))

    def reject(self, source: Source, record: Mapping[str, Any], reason: str) -> None:
        """Take a record that could not be mapped."""
        with self._ledger.transaction() as ledger:
            is_news = ledger.reject_record(source.id, reason)
        if is_news:
            self._quarantine.add(source, record, reason)
        else:
            self._report.rejected_again += 1
        self._report.count(source.stream, Outcome.REJECTED)

    def is_settled(self) -> bool:
        """Whether every record that was taken has an outcome."""
        return not self._batch

    def flush(self) -> None:
        """Deliver what has come in so far.

        Raises:
            DeliveryError: Nothing more can be delivered; the records that had no outcome yet are counted as failed.
            LedgerError: The ledger failed.
        """
        batch, self._batch = self._batch, []
        try:
            with self._ledger.transaction() as ledger:
                Planner(ledger, self._options, self._run).plan([(plan, operations) for plan, operations, _ in batch])
        except BaseException:
            for plan, _, _ in batch:
                self._report.count(plan.source.stream, Outcome.FAILED)
            raise
        results: Results = {}
        try:
            self._send([ticket for plan, _, _ in batch for ticket in plan.tickets], results)
        finally:
            for plan, _, record in batch:
                self._tally(plan, record, results)

    def finish(self) -> None:
        """At the end of the input: deliver what waited for something that has come since, in this run or before.

        Raises:
            DeliveryError: Nothing more can be delivered.
            LedgerError: The ledger failed.
        """
        self.flush()
        with self._ledger.transaction() as ledger:
            adopted = resolve_orphans(ledger, self._run)
            left = [Ticket(kind, key) for kind in ("account", "user") for key in ledger.pending_entities(kind)]
            left += [Ticket("membership", pair) for pair in ledger.pending_memberships()]
            left += [Ticket("event", event.event_id) for event in ledger.undelivered_events() if event.account]
        results: Results = {}
        try:
            self._send(left, results)
        finally:
            self._tally_late(adopted, results)
            with self._ledger.transaction() as ledger:
                self._report.waiting = ledger.waiting()

    def _send(self, tickets: Iterable[Ticket], results: Results) -> None:
        """Send in the order that journy.io needs: both ends before what connects them, and events last."""
        keys: dict[str, list[Any]] = {"account": [], "user": [], "membership": [], "event": []}
        for ticket in tickets:
            keys[ticket.kind].append(ticket.key)
        for kind in ("account", "user"):
            for key, result in self._sender.send_entities(kind, keys[kind]):
                results[kind, key] = result
        for pair, result in self._sender.send_memberships(keys["membership"]):
            results["membership", pair] = result
        for event, result in self._sender.send_events(keys["event"]):
            results["event", event] = result

    def _tally_late(self, adopted: Iterable[Adopted], results: Results) -> None:
        """Count again what waited until the end of the input, and keep what was refused only then."""
        streams: dict[tuple[str, Any], str] = {}
        for orphan in adopted:
            ticket = orphan.ticket.kind, orphan.ticket.key
            if orphan.stream and (result := results.get(ticket)):
                streams[ticket] = orphan.stream
                if (orphan.kind, orphan.key) not in self._counted_elsewhere:
                    self._report.move(orphan.stream, Outcome.WAITING, result.outcome)
        for (kind, key), result in results.items():
            stream = streams.get((kind, key))
            if stream is None and result.outcome is Outcome.DELIVERED:
                self._report.resumed += 1
            for name, why in result.rejected.items():
                reason = f"{name}: {why}" if name else why
                self._quarantine.add(Source(stream or "", str(key)), {kind: key}, reason, result.request_id)

    def _tally(self, plan: Plan, record: Mapping[str, Any], results: Results) -> None:
        """Count a record by the worst outcome of its operations, and keep it if it was refused just now."""
        outcomes = list(plan.outcomes)
        reasons: list[tuple[str, str | None]] = [(reason, None) for reason in plan.rejections]
        for ticket in plan.tickets:
            result = results.get((ticket.kind, ticket.key))
            if result is None:
                outcomes.append(Outcome.FAILED)
                continue
            mine = {name: why for name, why in result.rejected.items() if name in ticket.names or not name}
            outcomes.append(Outcome.REJECTED if mine else result.outcome)
            reasons += [(f"{name}: {why}" if name else why, result.request_id) for name, why in mine.items()]
        outcome = max(outcomes, default=Outcome.FAILED)
        # A record is counted once: as waiting for its first orphan, unless something worse became of it.
        self._counted_elsewhere.update(plan.orphans[1 if outcome is Outcome.WAITING else 0 :])
        if reasons:
            request_id = next((request_id for _, request_id in reasons if request_id), None)
            self._quarantine.add(plan.source, record, "; ".join(dict.fromkeys(why for why, _ in reasons)), request_id)
        if outcome is Outcome.REJECTED and not reasons:
            self._report.rejected_again += 1
        self._report.count(plan.source.stream, outcome)
