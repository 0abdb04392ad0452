"""The records of one batch, before and after they are mapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_journy.operations import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from target_journy.ledger import LedgerTransaction
    from target_journy.mapping import DefaultMapping, StreamMapping
    from target_journy.operations import Operations, Source
    from target_journy.tickets import Plan


@dataclass(slots=True)
class Incoming:
    """A record that came in, with what maps it.

    Attributes:
        digest: Its fingerprint.
        outcome: What became of it so far.
        stream_version: The version of its stream, as the tap counts.
        is_deleted: It tells that the record is no more.
    """

    source: Source
    record: Mapping[str, Any]
    mapping: StreamMapping | DefaultMapping
    digest: str = ""
    outcome: Outcome = Outcome.FAILED
    stream_version: int | None = None
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Mapped:
    """A record that asks for something, and what it still waits for."""

    incoming: Incoming
    operations: Operations
    plan: Plan


def deleted_in(batch: Iterable[Incoming]) -> list[Incoming]:
    """The records that are deleted when a batch has passed; of several messages about one record the last counts."""
    last = {incoming.source.id: incoming for incoming in batch}
    return [incoming for incoming in last.values() if incoming.is_deleted]


def settle_deleted(batch: Iterable[Incoming], deleted: Iterable[Incoming], known: Collection[str]) -> None:
    """Give those messages their outcome that tell of deletions.

    Args:
        batch: All messages.
        deleted: Those that count.
        known: The ids of their records for which something was delivered; it is dealt with when the input has ended.
    """
    for incoming in batch:
        if incoming.is_deleted:
            incoming.outcome = Outcome.SKIPPED
    for incoming in deleted:
        if incoming.source.id in known:
            incoming.outcome = Outcome.WAITING


def confirm(ledger: LedgerTransaction, batch: Iterable[Incoming]) -> None:
    """Note that records came again and ask for what they asked for before, or cannot be read, but are there."""
    sources: dict[int | None, list[str]] = {}
    for incoming in batch:
        sources.setdefault(incoming.stream_version, []).append(incoming.source.id)
    for version, ids in sources.items():
        ledger.confirm_claims(ids, version)
