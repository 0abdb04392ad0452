"""A mapping that has changed: streams that have to be read as a whole once, told by each run until they were."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_journy.ledger import Ledger
    from target_journy.report import Report

_TOLD_FOR = dt.timedelta(days=30)


def advice(streams: Iterable[str]) -> str:
    """What to do about streams whose mapping has changed."""
    return (
        f"the mapping of {', '.join(streams)} has changed. Records that do not come again stay as they were sent: run "
        "a full refresh once (in Meltano: meltano run --full-refresh ...)"
    )


class ChangedMapping:
    """Finds out which streams have to be read as a whole.

    A tap tells that by the message ACTIVATE_VERSION after the last record of a stream. Of a tap that gives its records
    no version, or tells it before them, nobody can know; then the change is told by one run only. What a tap never
    tells, since it is set up to read a part, is told for a month.

    Args:
        ledger: Knows under which mapping each stream came before.
        report: Told of the streams.
    """

    def __init__(self, ledger: Ledger, report: Report) -> None:
        self._ledger = ledger
        self._report = report
        self._whole: set[str] = set()
        self._uncertain: set[str] = set()

    def came(self, stream: str, digest: str) -> None:
        """Note under which mapping a stream comes.

        Args:
            stream: The stream.
            digest: Fingerprint of its mapping; "" where it has none, so that its records are lost to a later one.

        Raises:
            LedgerError: The ledger failed.
        """
        now = dt.datetime.now(dt.timezone.utc)
        with self._ledger.transaction() as ledger:
            changed = ledger.remember_mapping(stream, digest, _text(now))
            if changed and changed < _text(now - _TOLD_FOR):
                ledger.forget_changes([stream])
                return
        if changed and digest:
            self._report.changed_mapping[stream] = changed

    def record(self, stream: str, version: int | None) -> None:
        """Note that a record of a stream came, in this version of it."""
        if stream not in self._report.changed_mapping:
            return
        if version is None or stream in self._whole:
            self._uncertain.add(stream)
        self._whole.discard(stream)

    def activate(self, stream: str) -> None:
        """Note that a tap says that all records of a stream have come."""
        self._whole.add(stream)

    def finish(self) -> None:
        """Note at the end of an input what was read as a whole.

        Raises:
            LedgerError: The ledger failed.
        """
        told = self._report.changed_mapping
        if over := told.keys() & (self._whole | self._uncertain):
            with self._ledger.transaction() as ledger:
                ledger.forget_changes(over)
        for stream in told.keys() & self._whole:
            del told[stream]


def _text(time: dt.datetime) -> str:
    return time.isoformat(timespec="seconds")
