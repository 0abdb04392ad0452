"""Take records batch by batch to journy.io, and find the outcome of each."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from target_journy.dispatch import Dispatcher
from target_journy.operations import Outcome, Source
from target_journy.orphans import resolve_orphans
from target_journy.planning import Planner
from target_journy.sending import Sender
from target_journy.tickets import Plan, Ticket

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_journy.calls import Results
    from target_journy.dispatch import Stop
    from target_journy.ledger import Ledger
    from target_journy.operations import Operations
    from target_journy.options import Options
    from target_journy.orphans import Adopted
    from target_journy.quarantine import Quarantine
    from target_journy.report import Report
    from target_journy.transports import Transport


class Delivery:
    """One run's way to journy.io: what a batch asks for is written down first, then sent, then acknowledged.

    Args:
        ledger: What was delivered and what waits.
        transport: Carries the calls.
        options: How records are treated.
        report: Counts outcomes.
        quarantine: Keeps refused records.
        parallel: How many calls are made at once.
        stop: Ends the run early.
    """

    def __init__(
        self,
        ledger: Ledger,
        transport: Transport,
        options: Options,
        report: Report,
        quarantine: Quarantine,
        *,
        parallel: int,
        stop: Stop,
    ) -> None:
        self._ledger = ledger
        self._options = options
        self._report = report
        self._quarantine = quarantine
        self._stop = stop
        self._dispatcher = Dispatcher(transport, parallel=parallel, stop=stop)
        self._sender = Sender(ledger, self._dispatcher, options, report)
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
            StoppedError: The run was told to stop.
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
            self._sender.send([ticket for plan, _, _ in batch for ticket in plan.tickets], results)
        finally:
            for plan, _, record in batch:
                self._tally(plan, record, results)

    def finish(self) -> None:
        """At the end of the input: deliver what waited for something that has come since, in this run or before.

        Raises:
            DeliveryError: Nothing more can be delivered.
            LedgerError: The ledger failed.
            StoppedError: The run was told to stop.
        """
        self.flush()
        with self._ledger.transaction() as ledger:
            adopted = resolve_orphans(ledger, self._run)
            left = [Ticket(kind, key) for kind in ("account", "user") for key in ledger.pending_entities(kind)]
            left += [Ticket("membership", pair) for pair in ledger.pending_memberships()]
            left += [Ticket("event", event.event_id) for event in ledger.undelivered_events() if event.account]
        results: Results = {}
        try:
            self._sender.send(left, results)
        finally:
            self._tally_late(adopted, results)
            with self._ledger.transaction() as ledger:
                self._report.waiting = ledger.waiting()

    def close(self) -> None:
        """Let the threads end."""
        self._dispatcher.close()

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
                ended = self._stop.time_is_up or self._stop.signalled.is_set()
                outcomes.append(Outcome.WAITING if ended else Outcome.FAILED)
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
