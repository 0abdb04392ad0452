"""Keep what is refused, with the records that it came from, before the ledger takes note of it.

A run that is killed in between has it refused, and keeps it, once more: a line too many, where the other order would
lose one for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_journy.identities import join_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marketplace_singer.quarantine import Quarantine
    from target_journy.calls import Result
    from target_journy.operations import Source
    from target_journy.tickets import Plan


_NOT_ERASED = (
    "This person was erased at the source, and journy.io refused to erase them: have it tried again with "
    "--retry-rejected, or do it by hand in journy.io, then take this line away. The reason: {}"
)


class Refusals:
    """The refusals of one batch.

    Args:
        quarantine: Keeps them.
    """

    def __init__(self, quarantine: Quarantine) -> None:
        self._quarantine = quarantine
        self._records: dict[tuple[str, Any], list[tuple[frozenset[str], Source, Mapping[str, Any]]]] = {}

    def expect(self, plan: Plan, record: Mapping[str, Any]) -> None:
        """Remember what a record has a stake in.

        Args:
            plan: What it waits for.
            record: The record itself.
        """
        for ticket in plan.tickets:
            self._records.setdefault((ticket.kind, ticket.key), []).append((ticket.names, plan.source, record))

    def keep(self, kind: str, key: Any, result: Result, *, stream: str = "") -> None:
        """Keep every record that a refusal concerns; what no record of the batch has asked for, by its own name.

        Of a person who has to be erased it keeps who that is.

        Args:
            kind: account, user, membership or event.
            key: Account id, e-mail, pair of both, or event id.
            result: What was refused.
            stream: Where it once came from, if that is known.

        Raises:
            SettingsError: They cannot be kept.
        """
        asked = self._records.get((kind, key), [])
        if result.is_erasure:  # the record that told of it may not say whom it was about
            by, name = next(((source.stream, source.key) for _, source, _ in asked), (stream, key))
            reason = _NOT_ERASED.format(_reason(result.rejected))
            self._quarantine.add(by, name, {kind: key}, reason, result.request_id, result.sent, by_hand=True)
            return
        others = dict(result.rejected)
        for names, source, record in asked:
            if mine := {name: why for name, why in result.rejected.items() if name in names or not name}:
                self._quarantine.add(source.stream, source.key, record, _reason(mine), result.request_id, result.sent)
                others = {name: why for name, why in others.items() if name not in mine}
        if others:
            name = join_key(key) if isinstance(key, tuple) else key
            self._quarantine.add(stream, name, {kind: key}, _reason(others), result.request_id, result.sent)


def _reason(rejected: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {why}" if name else why for name, why in rejected.items())
