"""What became of the records, in counts that add up."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Outcome(Enum):
    """What became of a record."""

    DELIVERED = "delivered"
    """A licence was made, and its key is in the results."""
    UNCHANGED = "unchanged"
    """The results have its licence from an earlier run."""
    ALREADY_IMPORTED = "already imported"
    """The service has a licence of that id, and nobody here knows whose it is."""
    SKIPPED = "skipped"
    """It is of another stream."""
    REJECTED = "rejected"
    """It is faulty, or the service refused it."""
    WAITING = "waiting"
    """It was not sent; the next run does it."""
    FAILED = "failed"
    """The service gave no usable answer."""


class Report:
    """Counts of one run.

    Attributes:
        calls: Licences asked for.
        recovered: Licences delivered now whose first answer was lost.
        changed: Records of licences that were imported with other data before.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.recovered = 0
        self.changed = 0
        self._read: Counter[str] = Counter()
        self._outcomes: dict[str, Counter[Outcome]] = {}

    def read(self, stream: str) -> None:
        """Count a record that came."""
        self._read[stream] += 1

    def count(self, stream: str, outcome: Outcome) -> None:
        """Count what became of it."""
        self._outcomes.setdefault(stream, Counter())[outcome] += 1

    def counts(self, stream: str) -> dict[Outcome, int]:
        """The outcomes of a stream's records; those without one yet are waiting."""
        outcomes = self._outcomes.get(stream, Counter())
        known = {outcome: outcomes[outcome] for outcome in Outcome}
        known[Outcome.WAITING] += self._read[stream] - outcomes.total()
        return known

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        counts = [self.counts(stream) for stream in self._read]
        return not any(count[Outcome.WAITING] + count[Outcome.FAILED] for count in counts)

    def rejected_percent(self) -> float:
        """Share of the rejected among the records that had something to send, in percent."""
        total: Counter[Outcome] = sum(self._outcomes.values(), Counter())
        rejected = total[Outcome.REJECTED]
        sent = rejected + total[Outcome.DELIVERED] + total[Outcome.ALREADY_IMPORTED] + total[Outcome.FAILED]
        return 100 * rejected / sent if sent else 0.0

    def lines(self, *, results: Path, unverified: Path, rejected: Path | None, preview: Path | None) -> list[str]:
        """The report for people.

        Args:
            results: File of the keys.
            unverified: File of the keys that must not be handed out.
            rejected: File of the records that were rejected; None if there is none.
            preview: File of a dry run; None for a run that sends.
        """
        lines = []
        total: Counter[Outcome] = Counter()
        for stream, read in self._read.items():
            counts = self.counts(stream)
            total.update(counts)
            told = ", ".join(f"{number} {outcome.value}" for outcome, number in counts.items())
            lines.append(f"{stream}: {read} read = {told}")
        if preview:
            lines.append(f"dry run, nothing was sent: {self.calls} licences would be asked for, see {preview}")
            return lines
        lines.append(f"{self.calls} licences asked for; the keys are in {results}")
        if self.recovered:
            lines.append(
                f"{self.recovered} of them had been made before, and the answer was lost; their http_status is 409: "
                "look at those before you hand them out"
            )
        if self.changed:
            lines.append(
                f"{self.changed} records differ from what was imported under their id; a licence keeps what it had"
            )
        if total[Outcome.ALREADY_IMPORTED]:
            lines.append(
                f"{total[Outcome.ALREADY_IMPORTED]} ids had a licence that this import did not make, kept apart in "
                f"{unverified}: hand out none of those keys before you know whose they are"
            )
        if total[Outcome.REJECTED]:
            lines.append(f"rejected records and the reasons are in {rejected}")
        if total[Outcome.WAITING]:
            lines.append(f"{total[Outcome.WAITING]} records wait: run again with the same input")
        return lines
