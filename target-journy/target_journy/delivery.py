"""Take records batch by batch to journy.io, and find the outcome of each."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from target_journy.adoption import Earlier
from target_journy.dispatch import Dispatcher, Rehearsal
from target_journy.fingerprints import REPEATED, Fingerprints
from target_journy.identities import RecordError
from target_journy.incoming import Mapped, confirm, deleted_in, settle_deleted
from target_journy.ledger import SeenRecord
from target_journy.leftovers import leftovers
from target_journy.operations import Outcome
from target_journy.orphans import resolve_orphans
from target_journy.planning import Planner
from target_journy.refusals import Refusals
from target_journy.sending import Sender
from target_journy.tally import Tally
from target_journy.tickets import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from marketplace_singer.quarantine import Quarantine
    from target_journy.calls import Result, Results
    from target_journy.departures import Departures
    from target_journy.dispatch import Stop
    from target_journy.first_accounts import FirstAccounts
    from target_journy.incoming import Incoming
    from target_journy.ledger import Ledger
    from target_journy.options import Options
    from target_journy.orphans import Released
    from target_journy.report import Report
    from target_journy.sending import Together
    from target_journy.transports import Transport

_BY_HAND = (
    "The Segment protocol cannot delete a person who was erased at the source: do it by hand in journy.io or in the "
    "tools behind Segment, then take this line away"
)


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
        departures: Notes what has gone.
        first: The accounts beyond which nothing that waits is sent, in a run that deletes none; None for no such limit.
        is_adopting: What comes is taken as delivered already.
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
        departures: Departures,
        first: FirstAccounts | None = None,
        is_adopting: bool = False,
    ) -> None:
        self._departures = departures
        self._ledger = ledger
        self._options = options
        self._report = report
        self._quarantine = quarantine
        self._stop = stop
        self._first = first
        self._earlier = Earlier(ledger) if is_adopting else None
        self._fingerprints = Fingerprints(options)
        self._tally = Tally(report, stop)
        self._is_rehearsal = not parallel
        self._dispatcher = Dispatcher(transport, parallel=parallel, stop=stop) if parallel else Rehearsal(transport)
        self._sender = Sender(
            ledger,
            self._dispatcher,
            options,
            report,
            knows_repeats=transport.knows_repeats,
            together=together,
            spares_all=first is not None,
            is_adopting=is_adopting,
        )
        self._run = uuid.uuid4().hex
        self._batch: list[Incoming] = []

    def add(self, incoming: Incoming) -> None:
        """Take a record; it is delivered with the next flush.

        Raises:
            LedgerError: The ledger failed.
        """
        if not incoming.is_deleted:
            incoming.stream_version = self._departures.came(incoming.source.stream, incoming.stream_version)
        self._batch.append(incoming)

    def activate(self, stream: str, version: int) -> None:
        """Note that all records of a stream in this version have been taken.

        Raises:
            As `flush`, for what was taken is delivered first.
        """
        if self._departures.are_wanted:
            self.flush()
            self._departures.activate(stream, version)

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
            self._report.unwanted_deletions = ledger.unwanted_deletions(self._options.deletes)
            self._report.waiting = ledger.waiting() - self._report.unwanted_deletions

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
        mapped, forgotten = self._plan(batch)
        refusals = Refusals(self._quarantine)
        for item in mapped:
            refusals.expect(item.plan, item.incoming.record)
            if self._earlier:
                self._earlier.came(item.plan.tickets)
        results: Results = {}
        settled: dict[str, SeenRecord] = {}
        try:
            self._sender.send([ticket for item in mapped for ticket in item.plan.tickets], results, refusals.keep)
        finally:
            for item in mapped:
                source = item.plan.source.id
                outcome = item.incoming.outcome = self._tally.planned(item.plan, results)
                settled.pop(source, None)
                is_overruled = any(user.user in forgotten for user in item.operations.users)
                if outcome in REPEATED and not is_overruled:
                    settled[source] = _seen(item.incoming, REPEATED[outcome])
        with self._ledger.transaction() as ledger:
            ledger.save_seen(settled.values())

    def _deliver_late(self) -> None:
        adopted: dict[tuple[str, Any], list[Released]] = {}
        for orphan in chain(self._departures.carry_out(), resolve_orphans(self._ledger, self._run)):
            if self._earlier:
                self._earlier.note(orphan)
            adopted.setdefault((orphan.ticket.kind, orphan.ticket.key), []).append(orphan)
        refusals = Refusals(self._quarantine)

        def keep(kind: str, key: Any, result: Result) -> None:
            streams = (orphan.stream for orphan in adopted.get((kind, key), ()) if orphan.stream)
            refusals.keep(kind, key, result, stream=next(streams, ""))

        for tickets in leftovers(self._ledger, self._stop):
            results: Results = {}
            if self._earlier:
                tickets = self._earlier.without(tickets)  # noqa: PLW2901 - the others wait on
            if self._first:
                with self._ledger.transaction() as ledger:
                    tickets = self._first.among(ledger, tickets)  # noqa: PLW2901 - the others wait on
            try:
                self._sender.send(tickets, results, keep)
            finally:
                self._tally.late(results, adopted)

    def _plan(self, batch: list[Incoming]) -> tuple[list[Mapped], set[str]]:
        """Put what is new on record, and find out what cannot be mapped, and who has to be forgotten."""
        deleted = deleted_in(batch)
        news, repeats = self._compare([incoming for incoming in batch if not incoming.is_deleted])
        mapped, refused = _map(news)
        with self._ledger.transaction() as ledger:
            # Until its outcome is known a record counts as never seen: a run that is cut short leaves no false memory.
            ledger.drop_seen(incoming.source.id for incoming in news)
            planner = Planner(ledger, self._options, self._run)
            planner.plan([(item.plan, item.operations) for item in mapped])
            if self._departures.are_wanted:  # what cannot be mapped is there all the same
                confirm(ledger, [one for one, _ in (*repeats, *refused)])
            known = self._departures.note(ledger, [one.source for one in deleted])
            ledger.save_seen({one.source.id: _seen(one, Outcome.REJECTED) for one, _ in refused}.values())
            # They are kept before that is committed: a run that is cut short between keeps them once more.
            self._quarantine.forget(planner.forgotten, anew=[one for item in mapped for one in item.plan.by_hand])
            self._keep(mapped, refused)
        for incoming, _ in refused:
            incoming.outcome = Outcome.REJECTED
        for incoming, outcome in repeats:
            incoming.outcome = outcome
            self._report.rejected_again += outcome is Outcome.REJECTED
        settle_deleted(batch, deleted, known)
        return mapped, planner.forgotten

    def _keep(self, mapped: Iterable[Mapped], refused: Iterable[tuple[Incoming, str]]) -> None:
        """Quarantine what cannot be mapped, whole or in part, and who cannot be forgotten."""
        for incoming, reason in refused:
            self._quarantine.add(incoming.source.stream, incoming.source.key, incoming.record, reason)
        for item in mapped:
            source, record = item.incoming.source, item.incoming.record
            if item.plan.rejections:
                self._quarantine.add(source.stream, source.key, record, "; ".join(item.plan.rejections))
            for email in item.plan.by_hand:
                self._quarantine.add(source.stream, source.key, {"user": email}, _BY_HAND, by_hand=True)

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


def _map(news: Iterable[Incoming]) -> tuple[list[Mapped], list[tuple[Incoming, str]]]:
    """What records ask for, and which cannot be read and why."""
    mapped: list[Mapped] = []
    refused: list[tuple[Incoming, str]] = []
    for incoming in news:
        try:
            version, operations = incoming.mapping.operations(incoming.record)
        except RecordError as error:  # noqa: PERF203 - one bad record must not stop the others
            refused.append((incoming, str(error)))
        else:
            plan = Plan(replace(incoming.source, version=version), stream_version=incoming.stream_version)
            mapped.append(Mapped(incoming, operations.without_forgotten(), plan))
    return mapped, refused


def _seen(incoming: Incoming, outcome: Outcome) -> SeenRecord:
    return SeenRecord(incoming.source.id, incoming.digest, outcome.name)
