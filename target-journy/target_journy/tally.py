"""Find the outcome of each record, the worst of its operations', and count it once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from target_journy.operations import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_journy.calls import Results
    from target_journy.dispatch import Stop
    from target_journy.orphans import Released
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
        # By stream, how many records wait for what; of that no more than the hash, as there may be many.
        self._waiting: dict[str, Counter[int]] = {}

    def planned(self, plan: Plan, results: Results) -> Outcome:
        """The outcome of a record whose operations were planned, and as far as possible sent."""
        outcomes = list(plan.outcomes)
        waits_for: list[tuple[str, Any]] = list(plan.orphans)
        is_news = bool(plan.rejections or plan.by_hand)
        for ticket in plan.tickets:
            result = results.get((ticket.kind, ticket.key))
            if result is None:
                kept = self._stop.time_is_up or self._stop.signalled.is_set()
                outcomes.append(Outcome.WAITING if kept else Outcome.FAILED)
                continue
            self._settle((ticket.kind, ticket.key), result.outcome)
            if result.outcome is Outcome.WAITING:
                waits_for.append((ticket.kind, ticket.key))
            if any(name in ticket.names or not name for name in result.rejected):
                outcomes.append(Outcome.REJECTED)
                is_news = True
            else:
                outcomes.append(result.outcome)
        outcome = max(outcomes, default=Outcome.FAILED)
        for orphan in plan.found:
            self._settle(orphan, outcome)
        # A record is counted once: as waiting for the first thing, unless something worse became of it.
        if outcome is Outcome.WAITING and waits_for:
            self._waiting.setdefault(plan.source.stream, Counter())[hash(waits_for[0])] += 1
        if outcome is Outcome.REJECTED and not is_news:
            self._report.rejected_again += 1
        return outcome

    def late(self, results: Results, adopted: Mapping[tuple[str, Any], Iterable[Released]]) -> None:
        """Count what waited until the end of the input; a deletion may have no record.

        Args:
            results: What came of it.
            adopted: The orphans among it that are none any more, by kind and key of their tickets.
        """
        for (kind, key), result in results.items():
            found = list(adopted.get((kind, key), ()))
            is_old = not self._settle((kind, key), result.outcome)
            for one in found:
                is_old = is_old and one.stream is None and one.kind != "deletion"
                if one.kind != "deletion":
                    self._settle((one.kind, one.key), result.outcome)
                elif one.stream:
                    self._report.move(one.stream, Outcome.WAITING, result.outcome)
            if is_old and result.outcome is Outcome.DELIVERED:
                self._report.resumed += 1

    def _settle(self, thing: tuple[str, Any], outcome: Outcome) -> bool:
        """Count all records of this run that waited for something as what became of it; whether there were any."""
        if outcome is Outcome.WAITING:
            return False
        settled = False
        for stream, waiting in self._waiting.items():
            for _ in range(waiting.pop(hash(thing), 0)):
                self._report.move(stream, Outcome.WAITING, outcome)
                settled = True
        return settled
