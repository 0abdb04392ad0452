"""The loader without Singer: streams and records come in, a report and an exit code come out."""

from __future__ import annotations

import datetime as dt
import logging
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from marketplace_singer import HowFar, SettingsError
from target_journy.adoption import Adoption
from target_journy.batches import Batches
from target_journy.changed_mapping import ChangedMapping
from target_journy.delivery import Delivery
from target_journy.departures import Departures
from target_journy.dispatch import Stop
from target_journy.doors import DELIVERY_TRIES, destination_of, open_door, parallel_calls, refuse_unsayable
from target_journy.first_accounts import FirstAccounts
from target_journy.groups import groups_of, within_groups
from target_journy.identities import RecordError
from target_journy.incoming import Incoming
from target_journy.ledger import Ledger, LedgerError, Run
from target_journy.mapping import DefaultMapping, compile_streams
from target_journy.mapping_check import check_fields
from target_journy.mapping_file import MappingError, fingerprint, fingerprint_of_stream
from target_journy.mapping_reading import load_mapping
from target_journy.operations import Outcome, Source
from target_journy.options import Options
from target_journy.preview.page import remove_page
from target_journy.preview.preview import Preview, ToldQuarantine
from target_journy.report import ADOPTED, Report
from target_journy.settings import (
    DEFAULT_LEDGER,
    DEFAULT_REJECTED,
    EMPTY_LEDGER,
    first_event_date,
    may_be_empty,
    property_groups,
    report_files,
)
from target_journy.transports.rehearsal import SilentTransport
from target_journy.transports.segment import Segment
from target_journy.verdict import DONE, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_journy.doors import Door
    from target_journy.mapping import StreamMapping
    from target_journy.sending import Together

EXIT_OK = 0
EXIT_REJECTED = 3

_WORTH_TELLING = 1.0  # seconds; calls that are evenly spaced wait for less

logger = logging.getLogger(__name__)


class Loader:
    """Loads streams into journy.io.

    Args:
        config: The settings.
        adopt: Take the input as delivered already, and send nothing.
        retry_rejected: Send again what was refused before.
        stop: Ends the run early; None for one of its own.

    Raises:
        SettingsError: A setting cannot be used.
        MappingError: The mapping cannot be used.
        LedgerError: The ledger cannot be used, or is empty where it must not be.
    """

    def __init__(
        self, config: Mapping[str, Any], *, adopt: bool = False, retry_rejected: bool = False, stop: Stop | None = None
    ) -> None:
        if adopt and config.get("dry_run"):
            raise SettingsError(
                "setting 'dry_run': a dry run keeps nothing, and --adopt is there to keep what it takes as delivered: "
                "take one of the two away"
            )
        self._config = config
        mapping, self._own_streams, self._places = load_mapping(config.get("preset"), config.get("mapping"))
        self._mapping = within_groups(mapping, property_groups(config, groups_of(mapping)))
        self._mappings: dict[str, StreamMapping | DefaultMapping] = dict(compile_streams(self._mapping, self._places))
        refuse_unsayable(config, self._mapping, self._own_streams)
        mapping_digest = fingerprint(self._mapping)
        since = first_event_date(config)
        minutes = config.get("max_minutes")
        self._read = 0
        self.stop = stop or Stop()
        if minutes is not None and not adopt and not config.get("dry_run"):  # where nothing is sent nothing is left
            self.stop.after(60.0 * float(minutes))
        self._door = live = open_door(config, stop=self.stop, tries=2 if config.get("dry_run") else DELIVERY_TRIES)
        self._silent = SilentTransport(can_delete=live.can_delete) if adopt or config.get("dry_run") else None
        destination = destination_of(config, live)
        limit = config.get("max_accounts")
        self._first = FirstAccounts(limit) if limit else None
        self.report = Report(
            destination,
            rehearsal="dry run" if config.get("dry_run") else "",
            adoption=ADOPTED if adopt else "",
            max_accounts=limit,
        )
        with ExitStack() as opened:  # closes them if the ledger is refused
            opened.callback(live.close)
            self._ledger = Ledger(config.get("ledger_url") or DEFAULT_LEDGER, destination)
            opened.callback(self._ledger.close)
            self._refuse_empty_ledger(config, adopt=adopt)
            if config.get("dry_run"):
                opened.enter_context(self._ledger.rehearsal())
            self._adoption = None
            if adopt:
                self._adoption = Adoption(self._ledger, frozenset(self._mapping.streams))
                opened.callback(self._adoption.close)
            self._started = _now()
            with self._ledger.transaction() as ledger:
                ledger.begin_run(self._started)
                if retry_rejected:
                    ledger.retry_rejected()
                # What is left of a careful run is read again, unlike what earlier runs left.
                self._standing = ledger.standing() if limit and not ledger.waiting() else None
            self._resources = opened.pop_all()
        self._changed = ChangedMapping(self._ledger, self.report)
        rejected_path = None if config.get("dry_run") else Path(config.get("rejected_path") or DEFAULT_REJECTED)
        self._page = None if adopt else Preview(live, self._ledger, is_rehearsal=bool(config.get("dry_run")))
        is_masked = bool(config.get("mask_rejected"))
        self._quarantine = ToldQuarantine(rejected_path, self._page, is_masked=is_masked)
        self._result = "failed"
        options = Options(
            mapping=mapping_digest,
            unset_nulls=config.get("null_policy") == "unset",
            memberships=config.get("memberships") or "add",
            events_since=since,
            streams=tuple(sorted(self._mapping.streams)),
            deletes=config.get("deletes") or "none",
            can_delete=live.can_delete,
        )
        most = config.get("max_deleted_percent")
        self._delivery = Delivery(
            self._ledger,
            self._silent or live,
            options,
            self.report,
            self._quarantine,
            parallel=0 if self._silent else parallel_calls(config),
            stop=self.stop,
            together=self._together(live),
            departures=Departures(
                self._ledger,
                options,
                self.report,
                most=10 if most is None else most,
                is_adopting=adopt or self._first is not None,
            ),
            first=self._first,
            is_adopting=adopt,
        )

    def open_stream(self, stream: str, schema: Mapping[str, Any], key_properties: Sequence[str]) -> None:
        """Get ready for the records of a stream.

        Raises:
            MappingError: The user's mapping names a field that the stream does not have, or no mapping names the
                stream and `unknown_streams` is `fail`.
            LedgerError: The ledger failed.
        """
        if stream in self._own_streams:
            spec, variables = self._mapping.streams[stream], self._mapping.variables
            check_fields(stream, spec, schema, variables, self._places[stream])
        if stream not in self._mapping.streams:
            self._open_unknown(stream, key_properties)
        if not self._first:  # else it comes again, whatever becomes of it now
            digest = fingerprint_of_stream(self._mapping, stream)
            with self.stop.held():
                self._changed.came(stream, digest or ("default" if stream in self._mappings else ""))

    def _open_unknown(self, stream: str, key_properties: Sequence[str]) -> None:
        policy = self._config.get("unknown_streams") or "skip"
        if policy == "fail":
            raise MappingError(
                f"setting 'unknown_streams' is fail, and no mapping names the stream {stream!r}: add it to the setting "
                "'mapping', or choose skip"
            )
        if policy == "default":
            self._mappings[stream] = DefaultMapping(stream, list(key_properties))
        else:
            logger.warning("No mapping names the stream %r: its records are skipped", stream)

    def load(
        self, stream: str, record: Mapping[str, Any], *, version: int | None = None, is_deleted: bool = False
    ) -> None:
        """Take a record; it is delivered with the next flush.

        Args:
            stream: Name of its stream.
            record: The record.
            version: Version of the stream, as the tap counts.
            is_deleted: The record was deleted at its source.

        Raises:
            RecordError: The record lacks its key.
        """
        self._read += 1
        if self._adoption:
            self._adoption.came(stream)
        self._changed.record(stream, version)
        mapping = self._mappings.get(stream)
        if mapping is None or (is_deleted and (self._config.get("deletes") or "none") == "none"):
            self.report.count(stream, Outcome.SKIPPED)
            return
        try:
            key = mapping.key(record)
        except RecordError as error:
            raise RecordError(f"stream {stream!r}: {error}; this is no record of a sound tap") from None
        if self._first and (is_deleted or not _is_admitted(self._first, mapping, record)):
            self.report.leave(stream)
            return
        if self._page:
            self._page.count_record()
        self._delivery.add(
            Incoming(Source(stream, key), record, mapping, stream_version=version, is_deleted=is_deleted)
        )

    def activate(self, stream: str, version: int) -> None:
        """Take it that all records of a stream have come in this version; what did not come has gone.

        Raises:
            DeliveryError: journy.io cannot be reached or refuses the key.
            LedgerError: The ledger failed.
        """
        if stream in self._mappings and not self._first:  # records that were left may be there
            with self.stop.held():
                self._delivery.activate(stream, version)
                self._changed.activate(stream)

    def flush(self) -> None:
        """Deliver what has come in so far.

        Raises:
            DeliveryError: journy.io cannot be reached or refuses the key.
            LedgerError: The ledger failed.
        """
        self._delivery.flush()

    def how_far(self) -> HowFar:
        """How far it is, for somebody who waits; from any thread."""
        text = f"{self._read:,} records read"
        if not self._silent:
            text += f", {sum(list(self.report.calls.values())):,} calls made"
            if (pause := self._door.pause()) >= _WORTH_TELLING:
                text += f", the rate limit holds the next one back for {pause:.0f} s"
        return HowFar(text)

    def is_settled(self) -> bool:
        """Whether every record that came has an outcome."""
        return self._delivery.is_settled()

    def finish(self) -> int:
        """Deliver the rest, at the end of the input.

        Returns:
            The exit code: 0, or 3 when more was refused than `max_rejected_percent` allows, or nothing was deleted as
            it would have been more than `max_deleted_percent` allows.

        Raises:
            DeliveryError: journy.io cannot be reached or refuses the key.
            InputError: The run was to adopt the input, and there was nothing to adopt.
            LedgerError: The ledger failed.
        """
        self._delivery.finish()
        self._changed.finish()
        most = self._config.get("max_rejected_percent")
        result = verdict(self.report, 5 if most is None else most, self._quarantine.path)
        if self._adoption and result == DONE:
            self.stop.disregard()  # to keep it and to say so is one thing
            self._adoption.keep(self.report)
        self._result = result
        return EXIT_OK if result == DONE else EXIT_REJECTED

    def close(self) -> None:
        """Write the report, also of a run that failed, and release what was opened.

        Raises:
            SettingsError: The report cannot be written.
        """
        self._delivery.close()
        if self._adoption:
            self._adoption.close()
        self.report.ended_early = self._result == "failed"
        is_undone = bool(self._adoption) and self._result != DONE
        if is_undone:
            self.report.take_back()
        if self.report.ended_early or is_undone:
            with suppress(LedgerError):  # it may be what ended the run
                self._delivery.count_waiting()
        if self._standing:
            with suppress(LedgerError):
                with self._ledger.transaction() as ledger:
                    ledger.drop_undelivered(self._standing)
                self._delivery.count_waiting()
        self.report.out_of_time = self.stop.time_is_up and bool(self.report.waiting)
        self.report.problem = self._page.problem if self._page else ""
        self.report.kept_in = self._quarantine.path if self._quarantine.count else None
        with self._resources:
            self._note_the_end()
            try:
                self._write_files()
            finally:
                for line in self.report.lines():
                    logger.info("%s", line)

    def _write_files(self) -> None:
        files = report_files(self._config)
        if files is None:
            return
        summary, page = files
        try:
            with suppress(LedgerError):  # it may be what ended the run
                self.report.page = page if self._page and self._page.write(page, self.report) else None
            if self.report.page is None:
                remove_page(page)
            preview = self._silent.preview if self._silent and self._config.get("dry_run") else None
            self.report.write(summary, preview=preview)
        except OSError as error:
            path = self._config["report_path"]
            raise SettingsError(f"setting 'report_path': cannot write {path!r} ({error.strerror})") from None

    def _together(self, door: Door) -> Together:
        """How calls become fewer, over the Segment protocol, and are told of on the page."""
        if self._page is None:
            return list
        follow = self._page.follow
        if not isinstance(door, Segment):
            return follow
        batches = Batches(self._ledger, door)
        together = batches.sayable if self._silent else batches.of
        return lambda calls: together(follow(calls))

    def _note_the_end(self) -> None:
        result = "stopped" if self._result == "failed" and self.stop.signalled.is_set() else self._result
        report = msgspec.json.encode(self.report.as_dict()).decode()
        with suppress(LedgerError), self._ledger.transaction() as ledger:  # it may be what ended the run
            ledger.end_run(Run(self._started, _now(), result, report))

    def _refuse_empty_ledger(self, config: Mapping[str, Any], *, adopt: bool) -> None:
        if adopt or config.get("dry_run") or may_be_empty(config):
            return
        with self._ledger.transaction() as ledger:
            if ledger.is_empty():
                raise LedgerError(EMPTY_LEDGER.format(destination=self.report.destination))


def _is_admitted(first: FirstAccounts, mapping: StreamMapping | DefaultMapping, record: Mapping[str, Any]) -> bool:
    try:
        _, operations = mapping.operations(record)
    except RecordError:  # it is rejected, and touches nothing
        return True
    return first.admit(operations)


def _now() -> str:
    return dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds")
