"""What a run did, in counts that add up: for people, and as JSON for machines."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from marketplace_singer import open_private
from target_journy.changed_mapping import advice
from target_journy.operations import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from target_journy.ledger import Share

ORDER = (
    Outcome.DELIVERED,
    Outcome.UNCHANGED,
    Outcome.SKIPPED,
    Outcome.REJECTED,
    Outcome.WAITING,
    Outcome.FAILED,
)

ADOPTED = "adopted"
NOTHING_ADOPTED = "nothing adopted"

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Report:
    """Counts of one run.

    Attributes:
        destination: Where the run delivered to.
        streams: Outcomes of the records of each stream.
        calls: Calls made, by kind; over the Segment protocol the messages, of which many go in one batch.
        created: What journy.io did not have before, by kind.
        deleted: What no record asks for any more and was deleted or marked as such, by kind.
        forgotten: People who were erased at the source and are now erased in journy.io.
        withheld: What was not deleted because it was too much, by stream and kind; then nothing was.
        resumed: Operations of earlier runs that were delivered in this one.
        waiting: Operations that the ledger holds back at the end, for a later run to make.
        unwanted_deletions: Deletions that earlier runs left, and that `deletes` does not ask for by now.
        possibly_repeated: Events that may have been told twice.
        rejected_again: Records that were refused before and were not sent again.
        max_accounts: The limit of a careful run; None for any other.
        left_for_later: Records, counted as skipped, that are about accounts beyond it.
        rehearsal: `dry run` for one; "" for any other.
        adoption: What `--adopt` came to: `adopted` or `nothing adopted`; "" for any other run.
        page: File that tells the run to people, if there is one.
        problem: Why nothing could be delivered, if a dry run found out.
        kept_in: File that holds the records that were refused in this run, if there were any.
        changed_mapping: Streams that have to be read as a whole once, by since when their mapping is another one.
        out_of_time: The run ended because of `max_minutes`.
        ended_early: The run failed or was told to stop.
    """

    def __init__(
        self, destination: str, *, rehearsal: str = "", adoption: str = "", max_accounts: int | None = None
    ) -> None:
        self.destination = destination
        self.rehearsal = rehearsal
        self.adoption = adoption
        self.kept_in: Path | None = None
        self.page: Path | None = None
        self.problem = ""
        self.out_of_time = False
        self.ended_early = False
        self.streams: dict[str, Counter[Outcome]] = {}
        self.calls: Counter[str] = Counter()
        self.created: Counter[str] = Counter()
        self.deleted: Counter[str] = Counter()
        self.forgotten = 0
        self.withheld: list[Share] = []
        self.resumed = 0
        self.waiting = 0
        self.unwanted_deletions = 0
        self.possibly_repeated = 0
        self.rejected_again = 0
        self.changed_mapping: dict[str, str] = {}
        self.max_accounts = max_accounts
        self.left_for_later = 0

    def leave(self, stream: str) -> None:
        """Count a record that a careful run leaves for later."""
        self.count(stream, Outcome.SKIPPED)
        self.left_for_later += 1

    def count(self, stream: str, outcome: Outcome) -> None:
        """Count a record."""
        self.streams.setdefault(stream, Counter())[outcome] += 1

    def move(self, stream: str, before: Outcome, after: Outcome) -> None:
        """Count a record again whose outcome became known later."""
        counts = self.streams.setdefault(stream, Counter())  # it may be of a batch that is not counted yet
        counts[before] -= 1
        counts[after] += 1

    def take_back(self) -> None:
        """Count as failed what was taken as delivered, or put on record to wait, and not kept."""
        for counts in self.streams.values():
            for outcome in (Outcome.DELIVERED, Outcome.WAITING):
                counts[Outcome.FAILED] += counts.pop(outcome, 0)
        self.created.clear()
        self.adoption = NOTHING_ADOPTED

    def total(self, *outcomes: Outcome) -> int:
        """How many records had one of some outcomes."""
        return sum(counts[outcome] for counts in self.streams.values() for outcome in outcomes)

    def rejected_percent(self) -> float:
        """Share of newly rejected records among those that had something to send, in percent."""
        rejected = self.total(Outcome.REJECTED) - self.rejected_again
        sent = self.total(Outcome.DELIVERED, Outcome.FAILED, Outcome.WAITING) + rejected
        return 100 * rejected / sent if sent else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "destination": self.destination,
            "rehearsal": self.rehearsal or None,
            "adoption": self.adoption or None,
            "streams": {
                stream: {"read": counts.total(), **{outcome.name.lower(): counts[outcome] for outcome in ORDER}}
                for stream, counts in self.streams.items()
            },
            "calls": dict(self.calls),
            "created": {kind: self.created[kind] for kind in ("accounts", "users", "memberships", "events")},
            "deleted": {kind: self.deleted[kind] for kind in ("accounts", "users", "memberships")},
            "forgotten": self.forgotten,
            "withheld": [{**share._asdict(), "percent": round(share.percent, 1)} for share in self.withheld],
            "resumed": self.resumed,
            "waiting": self.waiting,
            "unwanted_deletions": self.unwanted_deletions,
            "possibly_repeated": self.possibly_repeated,
            "rejected_again": self.rejected_again,
            "changed_mapping": dict(self.changed_mapping),
            "out_of_time": self.out_of_time,
            **({"max_accounts": self.max_accounts, "left_for_later": self.left_for_later} if self.max_accounts else {}),
        }

    def write(self, path: Path, *, preview: list[dict[str, Any]] | None = None) -> None:
        """Write the report as JSON, for its owner only.

        Args:
            path: The file; an older one is replaced.
            preview: The calls that a dry run would have made.
        """
        content = self.as_dict() if preview is None else {**self.as_dict(), "preview": preview}
        text = msgspec.json.format(_encode(content))
        with os.fdopen(open_private(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), "wb") as file:
            file.write(text + b"\n")

    def lines(self) -> list[str]:
        """The report as a table for people."""
        heads = ["stream", "read", *(outcome.name.lower() for outcome in ORDER)]
        rows = [
            [stream, str(counts.total()), *(str(counts[outcome]) for outcome in ORDER)]
            for stream, counts in self.streams.items()
        ]
        width = max((len(row[0]) for row in [heads, *rows]), default=0)
        table = ["  ".join([row[0].ljust(width), *(cell.rjust(9) for cell in row[1:])]) for row in [heads, *rows]]
        new = ", ".join(f"{self.created[kind]} {kind}" for kind in ("accounts", "users", "memberships", "events"))
        calls = sum(self.calls.values())
        summary = {
            "": f"new in {self.destination}: {new}; {calls} write calls",
            "dry run": f"dry run, nothing was sent or kept; new in {self.destination} would be {new}; {calls} calls",
            ADOPTED: f"taken as delivered to {self.destination}, nothing was sent: {new}",
            NOTHING_ADOPTED: f"nothing was taken as delivered to {self.destination}: the ledger is as it was",
        }
        return [
            *table,
            summary[self.adoption or self.rehearsal],
            *self._what_went(),
            *self._what_waits(),
            *self._what_to_look_at(),
        ]

    def _what_went(self) -> Iterator[str]:
        ended = [f"{number} {kind}" for kind, number in sorted(self.deleted.items()) if number]
        if ended:
            yield f"ended, because no record asks for them any more: {', '.join(ended)}"
        if self.withheld:
            yield "nothing was deleted, because more has gone than max_deleted_percent allows"
        if self.forgotten:
            yield f"{self.forgotten} people who were erased at the source are forgotten"

    def _what_waits(self) -> Iterator[str]:
        if self.max_accounts:
            yield (
                f"{self.left_for_later} of the skipped records were left for later, as max_accounts is "
                f"{self.max_accounts}; no bookmark moves"
            )
        if self.resumed:
            yield f"{self.resumed} operations that earlier runs left waiting were delivered"
        if self.waiting:
            is_cut_short = self.out_of_time or self.ended_early
            why = "until the next run" if is_cut_short else "for an account or user that is not there yet"
            if self.withheld or self.max_accounts:
                why = "until a later run"
            yield f"{self.waiting} operations wait in the ledger {why}"
        if self.unwanted_deletions:
            yield (
                f"{self.unwanted_deletions} deletions that earlier runs left are not made, as the setting 'deletes' "
                "does not ask for them any more"
            )
        if self.out_of_time:
            yield "the time that max_minutes gives was up: the next run goes on with what waits"

    def _what_to_look_at(self) -> Iterator[str]:
        if self.problem:
            yield f"nothing could be delivered as things are: {self.problem}"
        if self.changed_mapping:
            yield advice(self.changed_mapping)
        if self.page:
            yield f"the page {self.page} shows it all; it holds personal data"
        if self.kept_in:
            yield f"refused records and the reasons are in {self.kept_in}"
        if self.rejected_again:
            yield f"{self.rejected_again} records were refused before and not sent again, as they did not change"
        if self.possibly_repeated:
            yield f"{self.possibly_repeated} events may have been told twice, because an answer was lost"
