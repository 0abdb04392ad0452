"""Monthly recurring revenue (MRR) as Atlassian itself reckons it, from the partner metrics.

An answer holds some months, 7 unless more are asked for. Each question therefore names its own, and the next one goes
on after the last month that came: an answer of fewer than were asked for loses none.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tap_atlassian_marketplace.catalogue import products_by_key
from tap_atlassian_marketplace.errors import TroubleError
from tap_atlassian_marketplace.pages import once_more_if
from tap_atlassian_marketplace.row_file import spool_pages
from tap_atlassian_marketplace.row_kinds import REVENUE

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tap_atlassian_marketplace.client import MarketplaceClient
    from tap_atlassian_marketplace.spooled_rows import SpooledRows

MONTHS = 24
_PAGE = 6  # months, fewer than any answer was seen to be cut to

_logger = logging.getLogger("tap-atlassian-marketplace")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class RevenueRequest:
    """The recurring revenue of the last 24 months, this one included, of each app and subscription.

    Attributes:
        today: The day that lies in the last month.
    """

    today: date
    report: str = REVENUE

    @classmethod
    def until_today(cls) -> RevenueRequest:
        """Ask for the months up to this one, by the calendar of UTC."""
        return cls(datetime.now(timezone.utc).date())

    def question(self, first: int | None = None, last: int | None = None) -> dict[str, Any]:
        """Say what to ask for, in the words of the API.

        Args:
            first: The first month, numbered from the year 0; by default the first of all.
            last: The last one; by default this one.
        """
        begin = _day(self._last - MONTHS + 1 if first is None else first)
        end = self.today if last is None else min(self.today, _day(last + 1) - timedelta(days=1))
        return {
            "granularity": "MONTH",
            "attributes": [{"name": "APP_KEY"}, {"name": "SUBSCRIPTION"}],
            "metrics": {"metricSets": [{"name": "RECURRING_REVENUE"}]},
            "dateRange": {"startDate": begin.isoformat(), "endDate": end.isoformat()},
        }

    @property
    def _last(self) -> int:
        return _number(self.today)

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:  # noqa: ARG002
        """Write the rows, each with its key, to a new file."""
        return spool_pages(self.report, path, self._pages(client), stop)

    def _pages(self, client: MarketplaceClient) -> Iterator[Iterable[bytes]]:
        products: dict[str, str] = {}
        came: set[int] = set()
        last = self._last
        month = last - MONTHS + 1
        while month <= last:
            end = min(month + _PAGE - 1, last)
            rows = once_more_if(lambda rows: not rows, partial(self._page, client, month, end))
            if not products and any("productId" not in row for row in rows):
                products = products_by_key(client)
            yield [_encode(_with_key(row, products)) for row in rows]
            found = {number for number in map(_month, rows) if number is not None and month <= number <= end}
            came |= found
            month = max(found, default=end) + 1
        # Before the first month there may have been no sale, and this one may not be reckoned yet; else it is odd.
        expected = range(min(came, default=last), last)
        if absent := [f"{_day(number):%Y-%m}" for number in expected if number not in came]:
            _logger.warning("The Marketplace gave no recurring revenue of %s.", ", ".join(absent))

    def _page(self, client: MarketplaceClient, first: int, last: int) -> list[dict[str, msgspec.Raw]]:
        limit = ("limit", str(last - first + 1))
        body = client.read_metrics(self.question(first, last), [limit], dict[str, msgspec.Raw])
        try:
            return msgspec.json.decode(body.get("records", b"null"), type=list[dict[str, msgspec.Raw]])
        except msgspec.DecodeError:
            raise TroubleError("The Marketplace answered with recurring revenue that cannot be read.") from None


def _with_key(row: dict[str, msgspec.Raw], products: dict[str, str]) -> dict[str, Any]:
    """Give a row with all three parts of its key; some come without a product id, some without a subscription."""
    product = _text(row, "productId") or products.get(_text(row, "appKey"))
    return {"month": _text(row, "date")[:7], **row, "productId": product, "subscription": _text(row, "subscription")}


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def _month(row: dict[str, msgspec.Raw]) -> int | None:
    """Give the number of a row's month, None if it names none."""
    try:
        return _number(date.fromisoformat(f"{_text(row, 'date')[:7]}-01"))
    except ValueError:
        return None


def _text(row: dict[str, msgspec.Raw], name: str) -> str:
    value = msgspec.json.decode(row.get(name, b"null"))
    return "" if value is None else str(value)
