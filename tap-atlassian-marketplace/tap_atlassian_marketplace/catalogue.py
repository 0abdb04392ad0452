"""The vendor's apps, the versions of their software, and their reviews."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from tap_atlassian_marketplace.client import NotReadyError
from tap_atlassian_marketplace.errors import MarketplaceError, TroubleError
from tap_atlassian_marketplace.pages import Body, once_more_if, pages_by_cursor, pages_by_link
from tap_atlassian_marketplace.row_file import spool_pages
from tap_atlassian_marketplace.row_kinds import APPS, REVIEWS, VERSIONS
from tap_atlassian_marketplace.spooled_rows import Findings

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from tap_atlassian_marketplace.client import MarketplaceClient
    from tap_atlassian_marketplace.pages import ListPage
    from tap_atlassian_marketplace.spooled_rows import SpooledRows

_KEYS_TO_NAME = 20
_READINGS = 2

_logger = logging.getLogger("tap-atlassian-marketplace")
_encode = msgspec.json.Encoder().encode


def product_ids(client: MarketplaceClient, app_keys: Sequence[str]) -> list[str]:
    """Look up the product ids of apps.

    Raises:
        MarketplaceError: The vendor has no such app.
    """
    products = products_by_key(client)
    if unknown := [key for key in app_keys if key not in products]:
        known = ", ".join(sorted(products)[:_KEYS_TO_NAME])
        more = ", …" if len(products) > _KEYS_TO_NAME else ""
        raise MarketplaceError(
            f"`app_keys` names apps that the vendor does not have: {', '.join(unknown)}. "
            f"The vendor's app keys are: {known or 'none'}{more}."
        )
    return [products[key] for key in app_keys]


def products_by_key(client: MarketplaceClient) -> dict[str, str]:
    """Give the product id of each of the vendor's apps by its app key."""
    items = (msgspec.json.decode(row) for page in _app_pages(client) for row in page.rows)
    return {
        str(item["appKey"]): str(item["productId"])
        for item in items
        if isinstance(item, dict) and item.get("appKey") and item.get("productId")
    }


@dataclass(frozen=True)
class AppsRequest:
    """The vendor's apps, private ones too."""

    report: str = APPS

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:  # noqa: ARG002
        """Write the rows to a new file."""
        return spool_pages(self.report, path, (page.rows for page in _app_pages(client)), stop)


@dataclass(frozen=True)
class VersionsRequest:
    """The versions of all software of some apps.

    Attributes:
        app_keys: The apps; all if empty.
    """

    app_keys: tuple[str, ...] = ()
    report: str = VERSIONS

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:  # noqa: ARG002
        """Write the rows, each with its app and software, to a new file."""
        findings = Findings()
        return spool_pages(self.report, path, self._rows(client, findings), stop, findings)

    def _rows(self, client: MarketplaceClient, findings: Findings) -> Iterator[Iterable[bytes]]:
        for key, product in _chosen(client, self.app_keys):
            read_software = partial(client.read_catalogue, f"/app-software/app-key/{_segment(key)}", [], Any)
            for software in _known(read_software, f"software of {key}", findings):
                names = {"appSoftwareId": software.get("appSoftwareId"), "hosting": software.get("hosting")}
                read = partial(_read, client, f"/app-software/{_segment(str(names['appSoftwareId']))}/versions")
                rows = _whole(partial(pages_by_link, read, "versions", "totalCount"), f"versions of {key}", findings)
                yield _with({"appKey": key, "productId": product, **names}, rows)


@dataclass(frozen=True)
class ReviewsRequest:
    """The reviews of some apps.

    Attributes:
        app_keys: The apps; all if empty.
    """

    app_keys: tuple[str, ...] = ()
    report: str = REVIEWS

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:  # noqa: ARG002
        """Write the rows, each with its app, to a new file."""
        findings = Findings()
        return spool_pages(self.report, path, self._rows(client, findings), stop, findings)

    def _rows(self, client: MarketplaceClient, findings: Findings) -> Iterator[Iterable[bytes]]:
        for key, product in _chosen(client, self.app_keys):
            read = partial(_read, client, f"/products/{_segment(product)}/reviews")
            rows = _whole(partial(pages_by_cursor, read, "reviews", "count"), f"reviews of {key}", findings)
            yield _with({"appKey": key, "productId": product}, rows)


def _app_pages(client: MarketplaceClient) -> Iterator[ListPage]:
    path = f"/product-listing/developer-space/{_segment(client.developer_id)}"
    unknown = client.unknown_developer
    return pages_by_link(
        lambda place: client.read_catalogue(path, [*place, ("includePrivate", "true")], Body, unknown=unknown), "items"
    )


def _chosen(client: MarketplaceClient, app_keys: Sequence[str]) -> list[tuple[str, str]]:
    products = products_by_key(client)
    return [(key, product) for key, product in products.items() if not app_keys or key in app_keys]


def _read(client: MarketplaceClient, path: str, place: Any) -> Body:
    body: Body = client.read_catalogue(path, place, Body)
    return body


def _known(read: Callable[[], Any], what: str, findings: Findings) -> list[Any]:
    """Read a list of an app; note it if the Marketplace does not know the app, as it is with one never made public."""
    with suppress(NotReadyError):
        found = once_more_if(lambda answer: answer == [], read)
        if isinstance(found, list):
            return found
    findings.skipped.append(f"the Marketplace knows no {what}")
    _logger.info("The Marketplace knows no %s.", what)
    return []


def _whole(read: Callable[[], Iterator[ListPage]], what: str, findings: Findings) -> list[msgspec.Raw]:
    """Read one app's rows, once more if they are fewer than the pages say; note a doubt if they stay so."""
    for _ in range(_READINGS):
        pages = _known(lambda: list(read()), what, findings)
        rows = [row for page in pages for row in page.rows]
        total = max((page.total or 0 for page in pages), default=0)
        if len(rows) >= total:
            return rows
    findings.doubts.append(
        f"The Marketplace speaks of {total} {what}, but {len(rows)} came, each of {_READINGS} times."
    )
    return rows


def _with(fields: dict[str, Any], rows: Iterable[msgspec.Raw]) -> list[bytes]:
    try:
        return [_encode({**msgspec.json.decode(row, type=dict[str, msgspec.Raw]), **fields}) for row in rows]
    except msgspec.DecodeError:
        raise TroubleError("The Marketplace answered with a row that is no JSON object.") from None


def _segment(value: str) -> str:
    return quote(value, safe="")
