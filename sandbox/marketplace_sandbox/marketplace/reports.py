"""The reports of the Marketplace stand-in: for each its rows, and the ways in which they can be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marketplace_sandbox.marketplace import further_selection, selection
from marketplace_sandbox.marketplace.links import OLD_ROOT, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.datastructures import QueryParams

    from marketplace_sandbox.world import World
    from marketplace_sandbox.world.rows import Row

    Select = Callable[[World, QueryParams], Iterable[Row]]


@dataclass(frozen=True)
class Report:
    """One report.

    Attributes:
        path: Its path below the vendor's reports.
        name: What a page of its list calls the rows.
        rows: The rows of its list; None if it has no list.
        exported: The rows of its exports, where those differ from the list's.
        at_once: Whether it has an export that answers at once.
        started: Whether it has one that is started, polled and downloaded.
        total: Whether a page tells how many rows the list has.
        shared: Whether status and content of its export are found at a path that names no report. Such an export is
            kept: whoever asks for the same again is given the same one, as it is.
        old_links: Whether the start of its export answers with addresses of the retired version.
    """

    path: str
    name: str
    rows: Select | None = None
    exported: Select | None = None
    at_once: bool = False
    started: bool = False
    total: bool = False
    shared: bool = False
    old_links: bool = False

    def export_rows(self, world: World, params: QueryParams) -> Iterable[Row]:
        """What an export of it holds.

        Raises:
            BadParameterError: A parameter has a value that the API refuses.
        """
        select = self.exported or self.rows
        return select(world, params) if select else []

    @property
    def export_path(self) -> str:
        """Where an export of it is found, below the vendor's reports."""
        return "async/export" if self.shared else f"{self.path}/async/export"

    @property
    def link_root(self) -> str:
        """What addresses in the answer to a start begin with."""
        return OLD_ROOT if self.old_links else ROOT


LICENSES = Report("licenses", "licenses", selection.licenses, at_once=True, started=True, total=True)
SALES = Report("sales/transactions", "transactions", selection.transactions, at_once=True, started=True, total=True)
METRICS = tuple(
    Report(f"sales/metrics/{metric}/details", "events", listed, exported, at_once=True)
    for metric, (listed, exported) in further_selection.SELECTIONS.items()
)
FEEDBACK = Report("feedback/details", "feedback", further_selection.feedback_rows, total=True)
ATTRIBUTION = Report(
    "marketing-attribution",
    "marketingAttribution",
    exported=further_selection.attribution_rows,
    started=True,
    shared=True,
)
QUOTES = Report(
    "quotes",
    "quotes",
    further_selection.quote_rows,
    further_selection.exported_quotes,
    started=True,
    old_links=True,
)
REPORTS = (LICENSES, SALES, *METRICS, FEEDBACK, ATTRIBUTION, QUOTES)
