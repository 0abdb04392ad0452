"""From records to licences: check, send what is new, keep each answer before anything else is said of it."""

from __future__ import annotations

import logging
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marketplace_singer import SettingsError
from target_atlassian_marketplace.report import Outcome
from target_atlassian_marketplace.results import fingerprint
from target_atlassian_marketplace.service import CallError, RefusedError
from target_atlassian_marketplace.validation import RECENT_START, check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future
    from threading import Event

    from marketplace_singer import Quarantine
    from target_atlassian_marketplace.intake import Entry
    from target_atlassian_marketplace.preview import Preview
    from target_atlassian_marketplace.report import Report
    from target_atlassian_marketplace.results import Results
    from target_atlassian_marketplace.service import Answer, LicenseService
    from target_atlassian_marketplace.validation import Rules

STREAM = "license_imports"

_MAYBE_MADE = (
    "an earlier call with these very data was cut off, so the licence may have been made all the same: keep them and "
    "the id as they are. Once nothing stands against it, such as a start in the last 30 days, a run asks again, and is "
    "given the key if there is one"
)

_LONGEST_LIST = 20
"""So many records are named in the log; the file of rejected records names all."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ready:
    """A record that is to be sent."""

    entry: Entry
    request: dict[str, Any]
    fingerprint: str


class Importer:
    """Imports licences.

    Args:
        results: What was imported before; takes what is imported now.
        quarantine: Takes what is rejected.
        report: Takes the counts.
        rules: What depends on the settings.
        stop: Set when the run is to end early.
        most: Licences to ask for at most; None for all.
    """

    def __init__(
        self,
        results: Results,
        quarantine: Quarantine,
        report: Report,
        rules: Rules,
        *,
        stop: Event,
        most: int | None,
    ) -> None:
        self._results = results
        self._quarantine = quarantine
        self._report = report
        self._rules = rules
        self._stop = stop
        self._most = most
        self._named = 0

    def rehearse(self, entries: Iterable[Entry], preview: Preview) -> None:
        """Check everything, and show what would be sent."""
        for ready in self._ready(entries, preview):
            preview.send(ready.entry, ready.request)
            self._report.count(STREAM, Outcome.DELIVERED)

    def run(self, entries: Iterable[Entry], service: LicenseService, *, parallel: int) -> None:
        """Send what is to be sent.

        The first call goes alone, so that a wrong token is told once. When a call gets no usable answer, or the run
        is to stop, no more are started, and those under way are waited for.

        Raises:
            ServiceError: No other call can succeed.
            SettingsError: A file cannot be written.
        """
        waiting = self._ready(entries)
        under_way: dict[Future[Answer], Ready] = {}
        is_proven = False
        failure: BaseException | None = None  # told once the calls under way are done
        with ThreadPoolExecutor(parallel, thread_name_prefix="import") as threads:
            while True:
                while failure is None and not self._stop.is_set() and len(under_way) < (parallel if is_proven else 1):
                    try:
                        ready = next(waiting, None)
                    except SettingsError as full:
                        failure = full
                        break
                    if ready is None:
                        break
                    under_way[threads.submit(self._issue, ready, service)] = ready
                if not under_way:
                    break
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    error = self._settle(under_way.pop(future), future)
                    is_proven = is_proven or error is None
                    failure = failure or error
        if failure:
            raise failure

    def _ready(self, entries: Iterable[Entry], preview: Preview | None = None) -> Iterator[Ready]:
        """The records that are to be sent; the others are settled on the way."""
        for entry in entries:
            checked = check(entry.values, self._rules)
            request = fingerprint(checked.request)
            # A faulty field is none of the request: without it a record that changed would look as it was.
            is_whole = not entry.problems and checked.request.keys() == entry.values.keys()
            if is_whole and self._is_as_known(entry, request):
                continue
            problems = [*entry.problems, *checked.problems]
            if problems and self._results.attempted(entry.id, request):
                # What only came with time does no harm: if there is a licence, the service gives its key.
                problems = [] if problems == [RECENT_START] else [*problems, _MAYBE_MADE]
            if problems:
                self._reject(entry, problems)
                if preview:
                    preview.reject(entry, problems)
                continue
            if self._is_known(entry):
                continue
            self._name(entry, checked.warnings)
            if self._most is not None and self._report.calls >= self._most:
                continue
            self._report.calls += 1
            yield Ready(entry, checked.request, request)

    def _is_as_known(self, entry: Entry, request: str) -> bool:
        """Count a record that was imported as it is; by now the rules may be others, and its start too recent."""
        if self._results.is_as_imported(entry.id, request):
            self._report.count(STREAM, Outcome.UNCHANGED)
        elif self._results.is_as_unverified(entry.id, request):
            self._report.count(STREAM, Outcome.ALREADY_IMPORTED)
        else:
            return False
        return True

    def _is_known(self, entry: Entry) -> bool:
        """Count another record whose id the files of the results have."""
        if self._results.imported(entry.id):
            self._report.changed += 1
            self._name(entry, ["it differs from what was imported under its id, and is not sent again"])
            self._report.count(STREAM, Outcome.UNCHANGED)
        elif self._results.unverified(entry.id):
            self._report.count(STREAM, Outcome.ALREADY_IMPORTED)
        else:
            return False
        return True

    def _issue(self, ready: Ready, service: LicenseService) -> Answer:
        """Send a record and keep the answer; runs in a thread of its own."""
        id_ = ready.entry.id
        is_repeat = self._results.attempted(id_, ready.fingerprint)
        if not is_repeat:
            self._results.attempt(id_, ready.fingerprint)
        try:
            answer = service.issue(ready.request)
        except CallError as error:
            if not (is_repeat or error.maybe_made):
                self._results.withdraw(id_, ready.fingerprint)
            raise
        is_own = answer.is_new or is_repeat or answer.uncertain
        if not is_own:
            self._results.withdraw(id_, ready.fingerprint)
        self._results.keep(answer.license, ready.fingerprint, status=answer.status, verified=is_own)
        return answer

    def _settle(self, ready: Ready, future: Future[Answer]) -> BaseException | None:
        """Count what came of a call.

        Returns:
            Why no other call should be made, if so.
        """
        error = future.exception()
        if isinstance(error, RefusedError):
            remarks = [_MAYBE_MADE] if self._results.attempted(ready.entry.id, ready.fingerprint) else []
            try:
                self._quarantine.add(STREAM, ready.entry.id, ready.entry.record, "; ".join([str(error), *remarks]))
            except SettingsError as full:
                self._report.count(STREAM, Outcome.FAILED)
                return full
            self._report.count(STREAM, Outcome.REJECTED)
            self._name(ready.entry, [f"the License Service refused it (HTTP {error.status})", *remarks])
            return None
        if error:
            self._report.count(STREAM, Outcome.FAILED)
        elif self._results.imported(ready.entry.id):
            self._report.count(STREAM, Outcome.DELIVERED)
            self._report.recovered += not future.result().is_new
        else:
            self._report.count(STREAM, Outcome.ALREADY_IMPORTED)
        return error

    def _reject(self, entry: Entry, problems: list[str]) -> None:
        self._quarantine.add(STREAM, entry.id, entry.record, "; ".join(problems))
        self._report.count(STREAM, Outcome.REJECTED)
        self._name(entry, problems)

    def _name(self, entry: Entry, remarks: list[str]) -> None:
        if not remarks:
            return
        self._named += 1
        if self._named <= _LONGEST_LIST:
            logger.warning("Record %d, id %r: %s", entry.number, entry.id, "; ".join(remarks))
        elif self._named == _LONGEST_LIST + 1:
            logger.warning("More records like these are not named here")
