"""Runs in the ledger: when they were, how they ended, and what they counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import update

from target_journy.ledger import schema as tables
from target_journy.ledger.queries import Queries, as_row

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT = 90

RUNNING = "running"
BROKEN_OFF = "broken off"


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the loader.

    Attributes:
        started: When it began, UTC, ISO 8601.
        ended: When it ended; None while it runs, or when it was killed.
        result: How it ended: `done`, `too many rejected`, `too many deleted` (so nothing was), `stopped`, `failed` or
            `broken off`; or `running`.
        report: Its report as JSON; it holds counts, and no data of anybody.
    """

    started: str
    ended: str | None
    result: str
    report: str | None

    @property
    def counts(self) -> Mapping[str, Any]:
        """Its report, decoded; empty for a run that has none."""
        return msgspec.json.decode(self.report) if self.report else {}


class Runs(Queries):
    """The newest runs."""

    def begin_run(self, started: str) -> None:
        """Note that a run has begun. As no two runs share a ledger, any other that never ended was killed."""
        table = tables.runs
        others = (table.c.destination == self.destination) & (table.c.result == RUNNING)
        self.connection.execute(update(table).where(others).values(result=BROKEN_OFF))
        self.upsert(table, [as_row(Run(started, None, RUNNING, None))])
        older = self.select(table, table.c.started).order_by(table.c.started.desc()).offset(KEPT)
        for row in self.connection.execute(older).all():
            self.connection.execute(self.delete(table).where(table.c.started == row.started))

    def end_run(self, run: Run) -> None:
        """Note how a run ended."""
        self.upsert(tables.runs, [as_row(run)])

    def newest_runs(self) -> list[Run]:
        """The runs that are kept, the newest first."""
        table = tables.runs
        query = self.select(table, table.c.started, table.c.ended, table.c.result, table.c.report)
        return [Run(*row) for row in self.connection.execute(query.order_by(table.c.started.desc()))]
