"""The reports of a run: one set of exports serves all streams, each of which takes what is new to it."""

from __future__ import annotations

import logging
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.catalogue import product_ids
from tap_atlassian_marketplace.customers.identity import aliases
from tap_atlassian_marketplace.errors import MarketplaceError, NotPermittedError
from tap_atlassian_marketplace.exports import ExportRequest
from tap_atlassian_marketplace.free_bounds import FreeBound
from tap_atlassian_marketplace.json_array import whole_row
from tap_atlassian_marketplace.merging import MergedRows
from tap_atlassian_marketplace.row_kinds import FEEDBACK, LICENSES, QUOTES, ROW_KINDS, TRANSACTIONS
from tap_atlassian_marketplace.selection import LicenseIds, Selection
from tap_atlassian_marketplace.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from tap_atlassian_marketplace.bookmarks import Window
    from tap_atlassian_marketplace.client import MarketplaceClient, Parameters
    from tap_atlassian_marketplace.settings import Settings
    from tap_atlassian_marketplace.spooled_rows import RowsRequest, SpooledRows

# Data insights exist from this day on; asked for earlier ones, the API leaves rows out.
_INSIGHTS_SINCE = "2018-07-01"
_BEFORE_INSIGHTS = "2018-06-30"
_FIRST_DAY = "2010-01-01"

# The last day of what has none: of licences by their beginning, of transactions by their sale.
_NO_END = FreeBound("endDate")

# Newest first: of equal rows in both windows the one with insights counts.
_LICENSE_WINDOWS: tuple[tuple[Parameters, FreeBound], ...] = (
    ([("startDate", _INSIGHTS_SINCE), ("withDataInsights", "true")], _NO_END),
    ([("startDate", _FIRST_DAY), ("endDate", _BEFORE_INSIGHTS)], FreeBound("startDate", before=_FIRST_DAY)),
)

_OF_LICENSES = ("licenses", "contacts")
ALSO_OF_CUSTOMERS = (FEEDBACK, QUOTES)
"""Reports that tell more of customers than licences and sales do, where the account may read them."""

_logger = logging.getLogger("tap-atlassian-marketplace")


class Reports:
    """The rows that the streams of a run are made of.

    Args:
        settings: The settings of the run.
        client: The API.
    """

    def __init__(self, settings: Settings, client: MarketplaceClient) -> None:
        self.selection = Selection(settings)
        self._settings = settings
        self._client = client
        self._is_open = False
        self._requests: dict[str, list[RowsRequest]] = {LICENSES: [], TRANSACTIONS: []}
        self._rows: dict[str, MergedRows] = {}

    @cached_property
    def scope(self) -> dict[str, Any]:
        """What decides which rows there are, apart from their age; bookmarks are valid for it."""
        settings = self._settings
        return {
            "developer_id": self._client.developer_id,
            "start_date": settings.start_date,
            "app_keys": settings.app_keys,
            "license_statuses": self.selection.statuses,
            "license_types": self.selection.types,
            "hostings": self.selection.hostings,
            "include_atlassian_licenses": settings.include_atlassian_licenses,
            "include_free_apps": settings.include_free_apps,
            "include_manual_invoices": settings.include_manual_invoices,
            "compliance_boundaries": settings.compliance_boundaries,
            **({"ignored": ignored} if (ignored := settings.overrides.ignored) else {}),
        }

    @property
    def is_open(self) -> bool:
        """Whether the exports of the run were started."""
        return self._is_open

    def open(
        self, windows: Mapping[str, Window], others: Iterable[RowsRequest] = (), *, everything: bool = False
    ) -> None:
        """Start all exports that the run needs.

        Args:
            windows: For each selected stream of source rows the days whose rows it emits.
            others: What the streams ask for that share their reports with no other.
            everything: Ask for all licences and transactions whatever these streams need: customers are computed from
                all of them.
        """
        self._is_open = True
        if everything:
            self._requests = {
                LICENSES: list(self._license_requests(None, restricted=False)),
                TRANSACTIONS: list(self._transaction_requests(None)),
            }
        else:
            self._request_what_is_new(windows)
        self._requests |= {request.report: [request] for request in others}
        self._spool.start(request for requests in self._requests.values() for request in requests)

    def _request_what_is_new(self, windows: Mapping[str, Window]) -> None:
        licenses = {name: window for name, window in windows.items() if name in _OF_LICENSES}
        # Which transactions belong to the chosen licences is known only from all of them.
        all_licenses = "transactions" in windows and (self.selection.restricts_licenses or self.selection.is_trial)
        if licenses or all_licenses:
            since = None if all_licenses else _lowest(licenses)
            self._requests[LICENSES] = list(self._license_requests(since))
        if "transactions" in windows:
            self._requests[TRANSACTIONS] = list(self._transaction_requests(windows["transactions"].since))

    @property
    def directory(self) -> Path:
        """Where a run may keep further files until its end; private."""
        return self._spool.directory

    @cached_property
    def everything(self) -> Mapping[str, MergedRows]:
        """All rows that tell of customers, each once, by report, whatever the filters let through.

        Feedback and quotes are missing, which a warning says, where the account may not read them.

        Raises:
            NotPermittedError: It may not read licences or sales.
        """
        rows = {report: self._required(report) for report in (LICENSES, TRANSACTIONS)}
        more = {report: self._permitted(report) for report in ALSO_OF_CUSTOMERS}
        return rows | {report: found for report, found in more.items() if found is not None}

    def _required(self, report: str) -> MergedRows:
        try:
            return self._merged(report)
        except NotPermittedError as error:
            raise NotPermittedError(f"{report}, of which customers are computed: {error}") from None

    def _permitted(self, report: str) -> MergedRows | None:
        try:
            return self._merged(report)
        except NotPermittedError as error:
            _logger.warning("Customers are computed without %s. %s", report.partition("/")[0], error)
            return None
        except MarketplaceError as error:
            raise type(error)(f"{report.partition('/')[0]}, of which customers are computed too: {error}") from error

    def licenses(self, read: Callable[[bytes], Any] = whole_row) -> Iterator[Any]:
        """Give the licences that the filters let through, each once, of any age.

        Args:
            read: Makes a row of its JSON.
        """
        return filter(self.selection.admits_license, map(read, self._merged(LICENSES).encoded()))

    def find_numbers(self, *reports: str) -> None:
        """Say of which `entitlement_numbers` no row of some reports speaks.

        Raises:
            MarketplaceError: Of none of them does any.
        """
        unknown = dict.fromkeys(self._settings.entitlement_numbers)
        asked = len(unknown)
        for row in chain.from_iterable(map(self._merged, reports)) if unknown else ():
            for alias in aliases(row):
                unknown.pop(alias, None)
        if unknown:
            found = f"`entitlement_numbers`: no licence was found for {', '.join(unknown)}."
            if len(unknown) == asked:
                raise MarketplaceError(found)
            _logger.warning("%s", found)

    def transactions(self, read: Callable[[bytes], Any] = whole_row) -> Iterator[Any]:
        """Give the transactions that the filters let through, each once, of any age.

        Args:
            read: Makes a row of its JSON.
        """
        for row in map(read, self._merged(TRANSACTIONS).encoded()):
            if self.selection.admits_transaction(row, self._license_ids):
                yield row

    def others(self, report: str, read: Callable[[bytes], Any] = whole_row) -> Iterator[Any]:
        """Give the rows of any other report that are of the chosen apps and licences, each once.

        Args:
            report: The report, as its request names it.
            read: Makes a row of its JSON.
        """
        products = frozenset(self.product_ids)
        for row in map(read, self._merged(report).encoded()):
            if self.selection.admits_other(row, products):
                yield row

    def left_out(self, report: str) -> int:
        """Count the rows of a report that were left out since they have no key."""
        return self._merged(report).without_key

    def gap(self, report: str, *, believes_empty: bool = False) -> str | None:
        """Say why a row that is not in a report may exist all the same, though nothing failed; None if it cannot.

        Args:
            report: The report.
            believes_empty: It may have no row at all; else that is a gap, as what empties a whole table is a fault. So
                is a first request without a row: beside one, those of older days and of free apps are few.
        """
        if names := self.selection.narrowed_by:
            return f"{', '.join(f'`{name}`' for name in names)} may leave rows out"
        if count := self.left_out(report):
            return f"{count} rows of {report} without an id were left out"
        if count := self._merged(report).strangers:
            return f"{count} rows of {report} that have the id of another one were left out"
        spooled = self._spooled(report)
        if found := next((rows.gap for rows in spooled if rows.gap), None):
            return found
        if believes_empty or spooled[0].keys:
            return None
        return f"{report} gave no row {'where most are expected' if any(rows.keys for rows in spooled) else 'at all'}"

    def vouch_for(self, report: str) -> None:
        """See that no row of a report may be missing; to be called when its rows were taken.

        Raises:
            MarketplaceError: Some may be.
        """
        needed = [report]
        if report == TRANSACTIONS and self._license_ids is not None:
            needed.append(LICENSES)
        for spooled in (spooled for name in needed for spooled in self._spooled(name)):
            if spooled.doubt:
                raise MarketplaceError(spooled.doubt)

    @cached_property
    def _spool(self) -> Spool:
        return Spool(self._client, self._settings)

    def _merged(self, report: str) -> MergedRows:
        if report not in self._rows:
            rows = self._rows[report] = MergedRows(self._spooled(report), ROW_KINDS[report])
            if rows.strangers:
                _logger.warning("%d rows of %s were left out: others have their ids.", rows.strangers, report)
        return self._rows[report]

    def _spooled(self, report: str) -> list[SpooledRows]:
        return [self._spool.rows(request) for request in self._requests[report]]

    @cached_property
    def _license_ids(self) -> LicenseIds | None:
        if self.selection.restricts_licenses or self.selection.is_trial:
            # A licence may be chosen by what it is, or a sale by its number though its licence is unknown.
            numbers = () if self.selection.restricts_licenses else self._settings.entitlement_numbers
            return LicenseIds(self.licenses(), numbers)
        return None

    def _license_requests(self, since: str | None, *, restricted: bool = True) -> Iterator[ExportRequest]:
        settings = self._settings
        shared: Parameters = [
            ("dateType", "start"),
            ("includeAtlassianLicenses", _flag(settings.include_atlassian_licenses)),
            *(self._restrictions() if restricted else ()),
            *self._common(since),
        ]
        # One call gives the licences of paid apps or those of free apps, never both. First comes what nobody lacks.
        for free in (False, True) if settings.include_free_apps else (False,):
            for window, bound in _LICENSE_WINDOWS:
                parameters = [*window, ("showLifeTimeFreeLicenses", _flag(free)), *shared]
                yield from self._by_number(LICENSES, parameters, bound)

    def _restrictions(self) -> Iterator[tuple[str, str]]:
        selection = self.selection
        yield from (("status", status) for status in selection.statuses)
        yield from (("licenseType", kind) for kind in selection.types)
        yield from (("hosting", hosting) for hosting in selection.hostings)

    def _transaction_requests(self, since: str | None) -> Iterator[ExportRequest]:
        manual = ("includeManualInvoice", _flag(self._settings.include_manual_invoices))
        return self._by_number(TRANSACTIONS, [manual, *self._common(since)], _NO_END)

    def _common(self, since: str | None) -> Parameters:
        return [
            *(("productId", product) for product in self.product_ids),
            *(("cloudComplianceBoundaries", name) for name in self._settings.compliance_boundaries),
            *([("lastUpdated", since)] if since else []),
        ]

    def _by_number(self, report: str, parameters: Parameters, free: FreeBound) -> Iterator[ExportRequest]:
        if not self._settings.entitlement_numbers:
            yield ExportRequest(report, tuple(parameters), free=free)
        for number in self._settings.entitlement_numbers:
            yield ExportRequest(report, (*parameters, ("text", number)), free=free)

    @cached_property
    def product_ids(self) -> list[str]:
        """The product ids of the chosen apps; none if all are."""
        keys = self._settings.app_keys
        return product_ids(self._client, keys) if keys else []


def _lowest(windows: Mapping[str, Window]) -> str | None:
    since = [window.since for window in windows.values()]
    return None if None in since else min(filter(None, since))


def _flag(value: bool) -> str:  # noqa: FBT001 - this is what it converts
    return "true" if value else "false"
