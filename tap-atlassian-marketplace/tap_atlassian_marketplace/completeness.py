"""Whether an export has all the rows that its list says there are."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.errors import CredentialsError, MarketplaceError, TroubleError
from tap_atlassian_marketplace.hash_index import NO_HASH, count_distinct
from tap_atlassian_marketplace.pages import list_page, once_more_if

if TYPE_CHECKING:
    from array import array

    from tap_atlassian_marketplace.client import MarketplaceClient, Parameters

_logger = logging.getLogger("tap-atlassian-marketplace")


class Completeness:
    """Holds the exports of one request against its list.

    Args:
        client: The API.
        report: Path of the report.
        filters: Query parameters that choose the same rows in the list; None where there is no list.
    """

    def __init__(self, client: MarketplaceClient, report: str, filters: Parameters | None) -> None:
        self._client = client
        self._report = report
        self._filters = filters
        self._before: set[tuple[int, int]] = set()

    def gap(self, keys: array[int]) -> str | None:
        """See that an export has the rows that it must have.

        What is odd but may be so, nothing at all or a row that comes twice, is believed of a second export.

        Args:
            keys: The hash of the key of each of its rows.

        Returns:
            Why it is not known whether rows are missing; None when none is, or nothing could tell.

        Raises:
            TroubleError: Rows are missing, or another export must tell.
            CredentialsError: The list is refused.
        """
        if keys and keys.count(NO_HASH) == len(keys):
            raise TroubleError(f"None of the {len(keys)} rows of the {self._report} export has an id.")
        these = len(keys), sum(keys)
        is_again = these in self._before
        self._before.add(these)
        if self._filters is None:
            if not keys and not is_again:
                raise TroubleError(f"The {self._report} export is empty, and there is no list that says so.")
            return None
        listed = self._listed(len(keys), self._filters)
        if listed is None:
            if not keys and not is_again:
                raise TroubleError(f"The {self._report} export is empty, and its list could not be asked.")
            return f"how many rows {self._report} must have could not be asked"
        if listed > len(keys):
            raise TroubleError(f"The {self._report} export has {len(keys)} rows, although its list has {listed}.")
        if not is_again and listed > (different := count_distinct(keys)):
            raise TroubleError(f"The {self._report} export has {different} rows, others twice; its list has {listed}.")
        return None

    def _listed(self, came: int, filters: Parameters) -> int | None:
        """Ask how many rows there are; None if there is no telling.

        Where the list tells no total, it has as many as came if it goes on to the place of the last of them, and ends
        there.
        """
        try:
            first = once_more_if(
                lambda page: not page.rows and page.total is None,
                lambda: list_page(self._client, self._report, filters, [], limit=1),
            )
            if first.total is not None:
                return max(first.total, len(first.rows))
            if not came:
                return len(first.rows)
            place = [("offset", str(came - 1))]
            rest = list_page(self._client, self._report, filters, place, limit=2).rows
        except CredentialsError:
            raise
        except MarketplaceError as error:
            _logger.warning("How many rows the %s export must have could not be asked. %s", self._report, error)
            return None
        return came - 1 + len(rest) if rest else None
