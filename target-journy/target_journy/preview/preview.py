"""The page of one run, from its first call to the file."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from marketplace_singer import Quarantine
from target_journy.operations import Outcome
from target_journy.preview.known import Known, ask
from target_journy.preview.narrator import Narrator, call_by_name, told_by
from target_journy.preview.page import write_page
from target_journy.preview.requests import requests_at
from target_journy.preview.story import Refusal, Story
from target_journy.preview.text import LONGEST_VALUE, shortened
from target_journy.report import ORDER
from target_journy.transports.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from target_journy.calls import Call
    from target_journy.doors import Door
    from target_journy.ledger import Ledger
    from target_journy.report import Report

_KINDS = {"accounts": "properties of accounts", "users": "properties of users", "events": "events"}

MOST_RECORDS = 200
"""Records of a real run that is told in full; a larger one has no page."""


class Preview:
    """Follows a run and tells it on a page.

    Args:
        door: Where the run delivers to.
        ledger: Knows what was delivered before.
        is_rehearsal: Nothing is really sent; of such a run the beginning is told, however large it is.
    """

    def __init__(self, door: Door, ledger: Ledger, *, is_rehearsal: bool) -> None:
        self._is_rehearsal = is_rehearsal
        self._over_segment = isinstance(door, Segment)
        self._ledger = ledger
        self._story: Story | None = Story()
        self._narrator = Narrator(self._story, ledger, requests_at(door), is_rehearsal=is_rehearsal)
        self._records = 0
        self._known = ask(door) if is_rehearsal else Known()
        self._started = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")

    @property
    def problem(self) -> str:
        """Why nothing could be delivered, if a rehearsal found out."""
        return self._known.problem

    def count_record(self) -> None:
        """Take note of a record, and give up when there are too many of them."""
        self._records += 1
        if self._records > MOST_RECORDS and not self._is_rehearsal:
            self._story = None

    def follow(self, calls: Iterable[Call]) -> Iterable[Call]:
        """The same calls, told of when their answers are there."""
        return told_by(self._narrator, calls) if self._story else calls

    def refuse(self, stream: str, key: str, reason: str, request_id: str | None) -> None:
        """Tell of a record that is rejected."""
        if self._story:
            shown = [shortened(text, LONGEST_VALUE) for text in (stream, key, reason)]
            self._story.refuse(Refusal(shown[0], shown[1], shown[2], request_id))

    def write(self, path: Path, report: Report) -> bool:
        """Write the page; False for a run that is too large for one.

        Raises:
            LedgerError: The ledger failed.
            OSError: The page cannot be written.
        """
        if self._story is None:
            return False
        with self._ledger.transaction() as ledger:
            lone = self._story.arrange(ledger.accounts_of(self._story.people))
            call_by_name(ledger, self._story)
        write_page(path, {**self._views(self._story, report), "lone": lone})
        return True

    def _views(self, story: Story, report: Report) -> dict[str, Any]:
        """What the template asks for."""
        known = self._known
        return {
            "is_rehearsal": self._is_rehearsal,
            "over_segment": self._over_segment,
            "started": self._started,
            "version": version("target-journy"),
            "ended_early": report.ended_early,
            "report": report.as_dict(),
            "outcomes": ["read", *(outcome.name.lower() for outcome in ORDER)],
            "tiles": _tiles(report),
            "known": known,
            "news": [
                (title, names)
                for kind, title in _KINDS.items()
                if (names := known.new(kind, story.names[kind])) is not None
            ],
            "computed": [name for kind in ("accounts", "users") for name in known.computed(kind, story.names[kind])],
            "story": story,
            "more": [f"{count:,} {kind}" for kind, count in story.more.items() if kind != "refusals"],
        }


def _tiles(report: Report) -> list[tuple[str, int]]:
    counts: Counter[Outcome] = sum(report.streams.values(), Counter())
    return [
        *((f"new {kind}", report.created[kind]) for kind in ("accounts", "users", "memberships", "events")),
        ("requests", sum(report.calls.values())),
        ("rejected records", counts[Outcome.REJECTED]),
        *([("left for later", report.left_for_later)] if report.max_accounts else []),
    ]


class ToldQuarantine(Quarantine):
    """A quarantine that the page tells of.

    Args:
        path: As for any other.
        preview: Makes the page; None for a run that has none.
        is_masked: As for any other. The page shows people's data all the same.
    """

    def __init__(self, path: Path | None, preview: Preview | None, *, is_masked: bool) -> None:
        super().__init__(path, is_masked=is_masked)
        self._preview = preview

    def add(
        self,
        stream: str,
        key: str,
        record: Mapping[str, Any],
        reason: str,
        request_id: str | None = None,
        sent: Any = None,
        *,
        by_hand: bool = False,
    ) -> None:
        """Keep a record that was refused, and tell of it."""
        super().add(stream, key, record, reason, request_id, sent, by_hand=by_hand)
        if self._preview:
            self._preview.refuse(stream, key, reason, request_id)
