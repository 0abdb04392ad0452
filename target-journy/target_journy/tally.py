"""Find the outcome of each record, the worst of its operations', and count it once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_journy.operations import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_journy.calls import Results
    from target_journy.dispatch import Stop
    from target_journy.orphans import Adopted
    from target_journy.report import Report
    from target_journy.tickets import Plan


class Tally:
    """The outcomes of one run.

    Args:
        report: Takes the counts.
        stop: Tells whether what was not reached was kept on purpose.
    """

    def __init__(self, report: Report, stop: Stop) -> None:
        self._report = report
        self._stop = stop
        self._counted_elsewhere: set[tuple[str, str]] = set()

    def planned(self, plan: Plan, results: Results) -> Outcome:
        """The outcome of a record whose operations were planned, and as far as possible sent."""
        outcomes = list(plan.outcomes)
        is_news = bool(plan.rejections or plan.by_hand)
        for ticket in plan.tickets:
            result = results.get((ticket.kind, ticket.key))
            if result is None:
                kept = self._stop.time_is_up or self._stop.signalled.is_set()
                outcomes.append(Outcome.WAITING if kept else Outcome.FAILED)
            elif any(name in ticket.names or not name for name in result.rejected):
                outcomes.append(Outcome.REJECTED)
                is_news = True
            else:
                outcomes.append(result.outcome)
        outcome = max(outcomes, default=Outcome.FAILED)
        # A record is counted once: as waiting for its first orphan, unless something worse became of it.
        self._counted_elsewhere.update(plan.orphans[1 if outcome is Outcome.WAITING else 0 :])
        if outcome is Outcome.REJECTED and not is_news:
            self._report.rejected_again += 1
        return outcome

    def late(self, results: Results, adopted: Mapping[tuple[str, Any], Iterable[Adopted]]) -> None:
        """Count what waited until the end of the input; a deletion may have no record.

        Args:
            results: What came of it.
            adopted: The orphans among it that are none any more, by kind and key of their tickets.
        """
        for (kind, key), result in results.items():
            found = list(adopted.get((kind, key), ()))
            orphans = [orphan for orphan in found if orphan.stream]
            for orphan in orphans:
                if orphan.stream and (orphan.kind, orphan.key) not in self._counted_elsewhere:
                    self._report.move(orphan.stream, Outcome.WAITING, result.outcome)
            is_old = not orphans and all(orphan.kind != "deletion" for orphan in found)
            if is_old and result.outcome is Outcome.DELIVERED:
                self._report.resumed += 1
