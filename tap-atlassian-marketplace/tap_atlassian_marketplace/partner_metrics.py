"""Monthly recurring revenue (MRR) as Atlassian itself reckons it, from the partner metrics.

The answer comes in pages of periods: `offset` and `limit` count months, 14 at most, not rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timezone
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

    from tap_atlassian_marketplace.client import MarketplaceClient, Parameters
    from tap_atlassian_marketplace.spooled_rows import SpooledRows

MONTHS = 24
_LARGEST_PAGE = 14

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

    def question(self) -> dict[str, Any]:
        """Say what to ask for, in the words of the API."""
        months = self.today.year * 12 + self.today.month - MONTHS
        first = date(months // 12, months % 12 + 1, 1)
        return {
            "granularity": "MONTH",
            "attributes": [{"name": "APP_KEY"}, {"name": "SUBSCRIPTION"}],
            "metrics": {"metricSets": [{"name": "RECURRING_REVENUE"}]},
            "dateRange": {"startDate": first.isoformat(), "endDate": self.today.isoformat()},
        }

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:  # noqa: ARG002
        """Write the rows, each with its key, to a new file."""
        return spool_pages(self.report, path, self._pages(client), stop)

    def _pages(self, client: MarketplaceClient) -> Iterator[Iterable[bytes]]:
        products: dict[str, str] = {}
        for offset in range(0, MONTHS, _LARGEST_PAGE):
            limit = min(_LARGEST_PAGE, MONTHS - offset)
            place = [("limit", str(limit)), ("offset", str(offset))]
            rows = once_more_if(lambda rows: not rows, partial(self._page, client, place))
            if not products and any("productId" not in row for row in rows):
                products = products_by_key(client)
            yield [_encode(_with_key(row, products)) for row in rows]

    def _page(self, client: MarketplaceClient, place: Parameters) -> list[dict[str, msgspec.Raw]]:
        body = client.read_metrics(self.question(), place, dict[str, msgspec.Raw])
        try:
            return msgspec.json.decode(body.get("records", b"null"), type=list[dict[str, msgspec.Raw]])
        except msgspec.DecodeError:
            raise TroubleError("The Marketplace answered with recurring revenue that cannot be read.") from None


def _with_key(row: dict[str, msgspec.Raw], products: dict[str, str]) -> dict[str, Any]:
    """Give a row with all three parts of its key; some come without a product id, some without a subscription."""
    product = _text(row, "productId") or products.get(_text(row, "appKey"))
    return {"month": _text(row, "date")[:7], **row, "productId": product, "subscription": _text(row, "subscription")}


def _text(row: dict[str, msgspec.Raw], name: str) -> str:
    value = msgspec.json.decode(row.get(name, b"null"))
    return "" if value is None else str(value)
