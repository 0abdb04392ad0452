"""Examine the licences of a part of a join, in this process or in others beside it."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tap_atlassian_marketplace.customers.dossier import Dossier
from tap_atlassian_marketplace.customers.examine import Examiner
from tap_atlassian_marketplace.customers.money_tally import MoneyTally
from tap_atlassian_marketplace.joining import read_part
from tap_atlassian_marketplace.row_file import private_file
from tap_atlassian_marketplace.row_kinds import FEEDBACK, QUOTES, TRANSACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from tap_atlassian_marketplace.customers.dossier import Findings, Settings
    from tap_atlassian_marketplace.customers.survey import Survey
    from tap_atlassian_marketplace.selection import Selection

ACCOUNTS, EVENTS, SEGMENTS, ANOMALIES = "accounts", "account_events", "mrr_segments", "anomalies"
PERSON_PARTS = "person_parts"

# Below, other processes would cost more than they save.
_WORTH_MORE_PROCESSES = 8 << 20  # bytes of all parts
_MOST_PROCESSES = 4  # each takes some 80 MB

encode = msgspec.json.Encoder(decimal_format="number").encode
_work: PartExaminer  # of a process beside
_logger = logging.getLogger("tap-atlassian-marketplace")


class PartExaminer:
    """Examines the licences of parts, and writes what it finds beside each part.

    Args:
        settings: What the vendor decides.
        survey: What all licences and transactions were seen to say.
        selection: Which customers are emitted. They are computed from everything all the same, since one licence
            tells what another means.
        knows_quotes: Whether quotes were read, so that a licence without one has none.
    """

    def __init__(self, settings: Settings, survey: Survey, selection: Selection, *, knows_quotes: bool) -> None:
        self._examiner = Examiner(settings, survey)
        self._today = settings.today.isoformat()
        self._selection = selection
        self._knows_quotes = knows_quotes

    def examine(self, part: Path) -> MoneyTally:
        """Write the findings about a part's licences; tell where the money of their transactions went."""
        tally = MoneyTally()
        with ExitStack() as opened:
            kinds = (ACCOUNTS, EVENTS, SEGMENTS, ANOMALIES, PERSON_PARTS)
            files = {kind: opened.enter_context(private_file(found(part, kind))) for kind in kinds}
            for findings in self._findings(part):
                tally.add(findings.money)
                if findings.account:
                    _write(files[ACCOUNTS], [{**findings.account, "as_of": self._today}])
                _write(files[EVENTS], findings.account_events)
                _write(files[SEGMENTS], findings.mrr_segments)
                _write(files[ANOMALIES], findings.anomalies)
                _write(files[PERSON_PARTS], findings.people)
        return tally

    def _findings(self, part: Path) -> Iterator[Findings]:
        for joined in read_part(part):
            sales, feedback = joined.others[TRANSACTIONS], joined.others[FEEDBACK]
            quotes = joined.others[QUOTES] if self._knows_quotes else None
            license_, twins = joined.license, joined.licenses if len(joined.licenses) > 1 else ()
            if self._selection.admits_customer(license_, sales):
                yield self._examiner.examine(Dossier(license_, sales, feedback, quotes, twins))


def examine_all(
    parts: Sequence[Path], settings: Settings, survey: Survey, selection: Selection, *, knows_quotes: bool
) -> Iterator[MoneyTally]:
    """Examine all parts, on all processors where they are large; see `PartExaminer`."""
    begin = partial(PartExaminer, settings, survey, selection, knows_quotes=knows_quotes)
    processes, done = min(os.cpu_count() or 1, _MOST_PROCESSES), 0
    if processes > 1 and sum(part.stat().st_size for part in parts) >= _WORTH_MORE_PROCESSES:
        # Not forked: this process has threads.
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, fresh, _begin, (begin,)) as others:
            try:
                for tally in others.map(_examine, parts):
                    yield tally
                    done += 1
            except BrokenProcessPool:
                _logger.warning(
                    "A process that examined licences was killed, perhaps for want of memory; going on alone."
                )
            except BaseException:
                others.shutdown(wait=False, cancel_futures=True)
                raise
    yield from map(begin().examine, parts[done:])


def found(part: Path, kind: str) -> Path:
    """Give the file with what was found of a kind about a part's licences."""
    return part.with_name(f"{part.stem}-{kind}.jsonl")


def _begin(begin: Callable[[], PartExaminer]) -> None:
    global _work  # noqa: PLW0603 - what a process beside works with, for all its parts
    _work = begin()
    # What rows leave behind holds no cycles; to look for some as often as usual takes a fifteenth of the time.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that started it is killed: waiting for work, it would not notice."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _examine(part: Path) -> MoneyTally:
    return _work.examine(part)


def _write(file: BinaryIO, rows: Iterable[Any]) -> None:
    file.writelines(encode(row) + b"\n" for row in rows)
