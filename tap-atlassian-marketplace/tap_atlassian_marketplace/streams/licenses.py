"""Licences, and the contacts made of them."""

from __future__ import annotations

from itertools import filterfalse
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.contacts import contact_rows, unusable_emails
from tap_atlassian_marketplace.customers.identity import identity
from tap_atlassian_marketplace.row_kinds import LICENSES
from tap_atlassian_marketplace.streams.base import MarketplaceStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_atlassian_marketplace.customers.identity import HasFields
    from tap_atlassian_marketplace.merging import Row
    from tap_atlassian_marketplace.reports import Reports


class Licenses(MarketplaceStream):
    """Licences of the vendor's apps as the Marketplace sends them, with ids that stay."""

    name = "licenses"
    primary_keys = ("id",)
    report = LICENSES
    added_fields = ("id", "account_id", "aliases")

    def rows(self, reports: Reports, read: Callable[[bytes], Any]) -> Iterable[Any]:
        """Give the licences that the filters let through."""
        return reports.licenses(read)

    def report_oddities(self, reports: Reports) -> None:
        """Name the licences of a trial that were not found, too."""
        super().report_oddities(reports)
        reports.find_numbers(LICENSES)

    def added(self, row: HasFields) -> Row:
        """Give the ids of the licence."""
        key, account_id, aliases = identity(row)
        return {"id": key, "account_id": account_id, "aliases": aliases}


class Contacts(MarketplaceStream):
    """The technical, billing and partner contact of each licence, cleaned."""

    name = "contacts"
    primary_keys = ("license_id", "role")
    report = LICENSES

    _unusable_emails = 0

    def rows(self, reports: Reports, read: Callable[[bytes], Any]) -> Iterable[Any]:
        """Give the licences that the filters let through, but not those that the vendor wants ignored."""
        return filterfalse(reports.selection.ignores, reports.licenses(read))

    def records(self, row: Row) -> Iterable[Row]:
        """Make the three contacts of a licence."""
        self._unusable_emails += unusable_emails(row)
        return contact_rows(row)

    def report_oddities(self, reports: Reports) -> None:
        """Say how many contacts have no usable e-mail, too."""
        super().report_oddities(reports)
        if self._unusable_emails:
            self.logger.warning("email was no address in %d contacts; emitted as null.", self._unusable_emails)
