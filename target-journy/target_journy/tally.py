"""Count each record once, by the worst outcome of its operations, and keep those that were refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_journy.operations import Outcome, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from marketplace_singer.quarantine import Quarantine
    from target_journy.calls import Result, Results
    from target_journy.dispatch import Stop
    from target_journy.orphans import Adopted
    from target_journy.report import Report
    from target_journy.tickets import Plan


class Tally:
    """The outcomes of one run.

    Args:
        report: Takes the counts.
        quarantine: Takes the refused records.
        stop: Tells whether what was not reached was kept on purpose.
    """

    def __init__(self, report: Report, quarantine: Quarantine, stop: Stop) -> None:
        self._report = report
        self._quarantine = quarantine
        self._stop = stop
        self._counted_elsewhere: set[tuple[str, str]] = set()

    def refused(self, source: Source, record: Mapping[str, Any], reason: str) -> None:
        """Count a record that could not be mapped."""
        self._quarantine.add(source.stream, source.key, record, reason)
        self._report.count(source.stream, Outcome.REJECTED)

    def repeated(self, stream: str, outcome: Outcome) -> None:
        """Count a record that came as it came before."""
        if outcome is Outcome.REJECTED:
            self._report.rejected_again += 1
        self._report.count(stream, outcome)

    def planned(self, plan: Plan, record: Mapping[str, Any], results: Results) -> Outcome:
        """Count a record whose operations were planned, and as far as possible sent.

        Returns:
            Its outcome.
        """
        outcomes = list(plan.outcomes)
        reasons: list[tuple[str, str | None]] = [(reason, None) for reason in plan.rejections]
        for ticket in plan.tickets:
            result = results.get((ticket.kind, ticket.key))
            if result is None:
                kept = self._stop.time_is_up or self._stop.signalled.is_set()
                outcomes.append(Outcome.WAITING if kept else Outcome.FAILED)
                continue
            mine = {name: why for name, why in result.rejected.items() if name in ticket.names or not name}
            outcomes.append(Outcome.REJECTED if mine else result.outcome)
            reasons += [(_reason(name, why), result.request_id) for name, why in mine.items()]
        outcome = max(outcomes, default=Outcome.FAILED)
        # A record is counted once: as waiting for its first orphan, unless something worse became of it.
        self._counted_elsewhere.update(plan.orphans[1 if outcome is Outcome.WAITING else 0 :])
        if reasons:
            request_id = next((request_id for _, request_id in reasons if request_id), None)
            why = "; ".join(dict.fromkeys(reason for reason, _ in reasons))
            self._quarantine.add(plan.source.stream, plan.source.key, record, why, request_id)
        if outcome is Outcome.REJECTED and not reasons:
            self._report.rejected_again += 1
        self._report.count(plan.source.stream, outcome)
        return outcome

    def late(self, results: Results, adopted: Mapping[tuple[str, Any], Iterable[Adopted]]) -> None:
        """Count what waited until the end of the input, and keep what was refused only then.

        Args:
            results: What came of it.
            adopted: The orphans among it that are none any more, by kind and key of their tickets.
        """
        for (kind, key), result in results.items():
            orphans = [orphan for orphan in adopted.get((kind, key), ()) if orphan.stream]
            for orphan in orphans:
                if orphan.stream and (orphan.kind, orphan.key) not in self._counted_elsewhere:
                    self._report.move(orphan.stream, Outcome.WAITING, result.outcome)
            if not orphans and result.outcome is Outcome.DELIVERED:
                self._report.resumed += 1
            stream = next((orphan.stream for orphan in orphans if orphan.stream), "")
            self._keep_late(Source(stream, str(key)), {kind: key}, result)

    def _keep_late(self, source: Source, what: Mapping[str, Any], result: Result) -> None:
        if result.rejected:
            reason = "; ".join(_reason(name, why) for name, why in result.rejected.items())
            self._quarantine.add(source.stream, source.key, what, reason, result.request_id)


def _reason(name: str, why: str) -> str:
    return f"{name}: {why}" if name else why
