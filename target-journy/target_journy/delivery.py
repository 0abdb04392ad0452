"""Take records batch by batch to journy.io, and find the outcome of each."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from target_journy.dispatch import Dispatcher, Rehearsal
from target_journy.fingerprints import REPEATED, Fingerprints
from target_journy.identities import RecordError
from target_journy.ledger import SeenRecord
from target_journy.operations import Outcome, Source
from target_journy.orphans import resolve_orphans
from target_journy.planning import Planner
from target_journy.refusals import Refusals
from target_journy.sending import Sender
from target_journy.tally import Tally
from target_journy.tickets import Plan, Ticket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from marketplace_singer.quarantine import Quarantine
    from target_journy.calls import Result, Results
    from target_journy.dispatch import Stop
    from target_journy.ledger import Ledger, LedgerTransaction
    from target_journy.mapping import DefaultMapping, StreamMapping
    from target_journy.operations import Operations
    from target_journy.options import Options
    from target_journy.orphans import Adopted
    from target_journy.report import Report
    from target_journy.sending import Together
    from target_journy.transports import Transport

_PAGE = 1000

T = TypeVar("T")


@dataclass(slots=True)
class Incoming:
    """A record that came in, with what maps it.

    Attributes:
        digest: Its fingerprint.
        outcome: What became of it so far.
    """

    source: Source
    record: Mapping[str, Any]
    mapping: StreamMapping | DefaultMapping
    digest: str = ""
    outcome: Outcome = Outcome.FAILED


@dataclass(frozen=True, slots=True)
class Mapped:
    """A record that asks for something, and what it still waits for."""

    incoming: Incoming
    operations: Operations
    plan: Plan


class Delivery:
    """One run's way to journy.io: what a batch asks for is written down first, then sent, then acknowledged.

    Args:
        ledger: What was delivered and what waits.
        transport: Carries the calls.
        options: How records are treated.
        report: Counts outcomes.
        quarantine: Keeps refused records.
        parallel: How many calls are made at once; 0 if the transport sends nothing.
        stop: Ends the run early.
        together: Makes fewer calls of many, where the transport carries several as one.
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
        together: Together = list,
    ) -> None:
        self._ledger = ledger
        self._options = options
        self._report = report
        self._quarantine = quarantine
        self._stop = stop
        self._fingerprints = Fingerprints(options)
        self._tally = Tally(report, stop)
        self._is_rehearsal = not parallel
        self._dispatcher = Dispatcher(transport, parallel=parallel, stop=stop) if parallel else Rehearsal(transport)
        self._sender = Sender(
            ledger, self._dispatcher, options, report, knows_repeats=transport.knows_repeats, together=together
        )
        self._run = uuid.uuid4().hex
        self._batch: list[Incoming] = []

    def add(self, stream: str, key: str, record: Mapping[str, Any], mapping: StreamMapping | DefaultMapping) -> None:
        """Take a record; it is delivered with the next flush."""
        self._batch.append(Incoming(Source(stream, key), record, mapping))

    def is_settled(self) -> bool:
        """Whether every record that was taken has an outcome."""
        return not self._batch

    def flush(self) -> None:
        """Deliver what has come in so far.

        Raises:
            DeliveryError: Nothing more can be delivered; the records that had no outcome yet are counted as failed.
            LedgerError: The ledger failed.
            SettingsError: A refused record could not be kept.
            StoppedError: The run was told to stop.
        """
        with self._stop.held():
            batch = self._batch
            try:
                with self._as_a_whole(batch):
                    self._deliver(batch)
            finally:
                self._count()

    def finish(self) -> None:
        """At the end of the input: deliver what waited for something that has come since, in this run or before.

        Raises:
            DeliveryError: Nothing more can be delivered.
            LedgerError: The ledger failed.
            SettingsError: A refused record could not be kept.
            StoppedError: The run was told to stop.
        """
        with self._stop.held():
            self.flush()
            try:
                with self._as_a_whole(()):
                    self._deliver_late()
            finally:
                self.count_waiting()

    def count_waiting(self) -> None:
        """Report how much the ledger holds back.

        Raises:
            LedgerError: The ledger failed.
        """
        with self._ledger.transaction() as ledger:
            self._report.waiting = ledger.waiting()

    def close(self) -> None:
        """Let the threads end, and count what was taken, but came too late to be delivered."""
        self._dispatcher.close()
        self._count()

    def _count(self) -> None:
        batch, self._batch = self._batch, []
        for incoming in batch:
            self._report.count(incoming.source.stream, incoming.outcome)

    @contextmanager
    def _as_a_whole(self, batch: Iterable[Incoming]) -> Iterator[None]:
        """Where nothing is sent, one transaction does for all; what really arrived has to be noted call by call."""
        if not self._is_rehearsal:
            yield
            return
        try:
            with self._ledger.together():
                yield
        except BaseException:
            for incoming in batch:
                incoming.outcome = Outcome.FAILED
            raise

    def _deliver(self, batch: list[Incoming]) -> None:
        mapped = self._plan(batch)
        refusals = Refusals(self._quarantine)
        for item in mapped:
            refusals.expect(item.plan, item.incoming.record)
        results: Results = {}
        settled: dict[str, SeenRecord] = {}
        try:
            self._sender.send([ticket for item in mapped for ticket in item.plan.tickets], results, refusals.keep)
        finally:
            for item in mapped:
                source = item.plan.source.id
                outcome = item.incoming.outcome = self._tally.planned(item.plan, results)
                settled.pop(source, None)
                if outcome in REPEATED:
                    settled[source] = _seen(item.incoming, REPEATED[outcome])
        with self._ledger.transaction() as ledger:
            ledger.save_seen(settled.values())

    def _deliver_late(self) -> None:
        adopted: dict[tuple[str, Any], list[Adopted]] = {}
        for orphan in resolve_orphans(self._ledger, self._run):
            adopted.setdefault((orphan.ticket.kind, orphan.ticket.key), []).append(orphan)
        refusals = Refusals(self._quarantine)

        def keep(kind: str, key: Any, result: Result) -> None:
            streams = (orphan.stream for orphan in adopted.get((kind, key), ()) if orphan.stream)
            refusals.keep(kind, key, result, stream=next(streams, ""))

        for tickets in self._left():
            results: Results = {}
            try:
                self._sender.send(tickets, results, keep)
            finally:
                self._tally.late(results, adopted)

    def _plan(self, batch: list[Incoming]) -> list[Mapped]:
        """Put what is new on record, and find out what cannot be mapped."""
        news, repeats = self._compare(batch)
        mapped: list[Mapped] = []
        refused: list[tuple[Incoming, str]] = []
        for incoming in news:
            try:
                version, operations = incoming.mapping.operations(incoming.record)
            except RecordError as error:  # noqa: PERF203 - one bad record must not stop the others
                refused.append((incoming, str(error)))
            else:
                mapped.append(Mapped(incoming, operations, Plan(replace(incoming.source, version=version))))
        with self._ledger.transaction() as ledger:
            # Until its outcome is known a record counts as never seen: a run that is cut short leaves no false memory.
            ledger.drop_seen(incoming.source.id for incoming in news)
            Planner(ledger, self._options, self._run).plan([(item.plan, item.operations) for item in mapped])
            ledger.save_seen({one.source.id: _seen(one, Outcome.REJECTED) for one, _ in refused}.values())
            # They are kept before that is committed: a run that is cut short between keeps them once more.
            for incoming, reason in refused:
                self._quarantine.add(incoming.source.stream, incoming.source.key, incoming.record, reason)
            for item in mapped:
                if item.plan.rejections:
                    source, record = item.incoming.source, item.incoming.record
                    self._quarantine.add(source.stream, source.key, record, "; ".join(item.plan.rejections))
        for incoming, _ in refused:
            incoming.outcome = Outcome.REJECTED
        for incoming, outcome in repeats:
            incoming.outcome = outcome
            self._report.rejected_again += outcome is Outcome.REJECTED
        return mapped

    def _compare(self, batch: list[Incoming]) -> tuple[list[Incoming], list[tuple[Incoming, Outcome]]]:
        """Split a batch into records that have to be looked at, and those that came before exactly as they are."""
        for incoming in batch:
            incoming.digest = self._fingerprints.of(incoming.record)
        with self._ledger.transaction() as ledger:
            seen = ledger.seen(incoming.source.id for incoming in batch)
        changed = {
            incoming.source.id
            for incoming in batch
            if (before := seen.get(incoming.source.id)) is None or before.digest != incoming.digest
        }
        news = [incoming for incoming in batch if incoming.source.id in changed]
        repeats = [
            (incoming, Outcome[seen[incoming.source.id].outcome])
            for incoming in batch
            if incoming.source.id not in changed
        ]
        return news, repeats

    def _left(self) -> Iterator[list[Ticket]]:
        """What the ledger still holds back and what may go now, page by page, in the order that journy.io needs."""
        for kind in ("account", "user"):
            for keys in self._pages(partial(_pending_entities, kind), ""):
                yield [Ticket(kind, key) for key in keys]
        for pairs in self._pages(_pending_memberships, ("", "")):
            yield [Ticket("membership", pair) for pair in pairs]
        for ids in self._pages(_undelivered_events, ""):
            yield [Ticket("event", event_id) for event_id in ids]

    def _pages(self, read: Callable[[LedgerTransaction, T], list[T]], after: T) -> Iterator[list[T]]:
        while not self._stop.time_is_up:
            with self._ledger.transaction() as ledger:
                page = read(ledger, after)
            if not page:
                return
            yield page
            after = page[-1]


def _seen(incoming: Incoming, outcome: Outcome) -> SeenRecord:
    return SeenRecord(incoming.source.id, incoming.digest, outcome.name)


def _pending_entities(kind: str, ledger: LedgerTransaction, after: str) -> list[str]:
    return ledger.pending_entities(kind, after=after, limit=_PAGE)


def _pending_memberships(ledger: LedgerTransaction, after: tuple[str, str]) -> list[tuple[str, str]]:
    return ledger.pending_memberships(after=after, limit=_PAGE)


def _undelivered_events(ledger: LedgerTransaction, after: str) -> list[str]:
    return [event.event_id for event in ledger.undelivered_events(orphans=False, after=after, limit=_PAGE)]
