"""What a record still waits for before its outcome is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from target_journy.operations import Outcome, Source


@dataclass(frozen=True, slots=True)
class Ticket:
    """Something that has to reach journy.io before a record is done.

    Attributes:
        kind: account, user, membership or event.
        key: Account id, e-mail, pair of both, or event id.
        names: The properties that the record has a stake in.
    """

    kind: str
    key: str | tuple[str, str]
    names: frozenset[str] = frozenset()


@dataclass(slots=True)
class Plan:
    """What became of one record so far.

    Attributes:
        stream_version: The version of its stream, as the tap counts.
        outcomes: Outcomes of the operations that are done.
        tickets: What the others wait for.
        rejections: Reasons of those rejections that are news.
        orphans: Kind and key of what waits because its account is not known.
        found: Kind and key of what waited so, and does no more because of this record.
        by_hand: People who have to be forgotten where the transport cannot do it.
    """

    source: Source
    outcomes: list[Outcome] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    rejections: list[str] = field(default_factory=list)
    orphans: list[tuple[str, str]] = field(default_factory=list)
    found: list[tuple[str, str]] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)
    stream_version: int | None = None
