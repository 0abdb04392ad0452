"""The vendor's apps, the versions of their software, and their reviews."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tap_atlassian_marketplace.client import NotReadyError, segment
from tap_atlassian_marketplace.customers.identity import key_part
from tap_atlassian_marketplace.errors import MarketplaceError, TroubleError
from tap_atlassian_marketplace.pages import Body, once_more_if, pages_by_cursor, pages_by_link
from tap_atlassian_marketplace.row_file import spool_pages
from tap_atlassian_marketplace.row_kinds import APPS, REVIEWS, VERSIONS
from tap_atlassian_marketplace.spooled_rows import Findings

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from tap_atlassian_marketplace.client import MarketplaceClient, Parameters
    from tap_atlassian_marketplace.pages import ListPage
    from tap_atlassian_marketplace.spooled_rows import SpooledRows

_KEYS_TO_NAME = 20
_READINGS = 2

_logger = logging.getLogger("tap-atlassian-marketplace")
_NOTHING = msgspec.Raw(b"{}")
_encode = msgspec.json.Encoder().encode

Row = dict[str, msgspec.Raw]


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


def products_by_key(
    client: MarketplaceClient, findings: Findings | None = None, *, twice: bool = False
) -> dict[str, str]:
    """Give the product id of each of the vendor's apps by its app key.

    Args:
        client: The API.
        findings: Where it is noted that apps may be missing.
        twice: Whether several pages of apps are read twice, see `_Rows`.
    """
    findings = findings or Findings()
    rows = _Rows("apps", "productId", findings, twice).read(partial(_pages_of_objects, client))
    pairs = [(key_part(_value(row, "appKey")), key_part(_value(row, "productId"))) for row in rows]
    products = {key: product for key, product in pairs if key and product}
    if passed_over := sum(not (key and product) for key, product in pairs):
        findings.gaps.append(f"{passed_over} apps without an `appKey` or a `productId` were passed over")
        _logger.warning("%d apps without an `appKey` or a `productId` were passed over.", passed_over)
    return products


@dataclass(frozen=True)
class AppsRequest:
    """The vendor's apps, private ones too.

    Attributes:
        tells_gone: Whether rows that are not among these shall count as gone, here and in the other requests.
    """

    tells_gone: bool = False
    report: str = APPS

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:  # noqa: ARG002
        """Write the rows to a new file."""
        findings = Findings()
        rows = _Rows("apps", "productId", findings, twice=self.tells_gone).read(partial(_app_pages, client))
        return spool_pages(self.report, path, [_with({}, rows)], stop, findings)


@dataclass(frozen=True)
class VersionsRequest:
    """The versions of all software of some apps.

    Attributes:
        app_keys: The apps; all if empty.
    """

    app_keys: tuple[str, ...] = ()
    tells_gone: bool = False
    report: str = VERSIONS

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:  # noqa: ARG002
        """Write the rows, each with its app and software, to a new file."""
        findings = Findings()
        return spool_pages(self.report, path, self._rows(client, findings), stop, findings)

    def _rows(self, client: MarketplaceClient, findings: Findings) -> Iterator[Iterable[bytes]]:
        for key, product in _chosen(client, self.app_keys, findings, twice=self.tells_gone):
            read_software = partial(client.read_catalogue, f"/app-software/app-key/{segment(key)}", [], Any)
            for software in _known(read_software, f"software of {key}", findings):
                if not isinstance(software, dict) or not software.get("appSoftwareId"):
                    raise TroubleError(f"The Marketplace answered with software of {key} that has no `appSoftwareId`.")
                names = {"appSoftwareId": software["appSoftwareId"], "hosting": software.get("hosting")}
                what = f"versions of {key}"
                read = partial(_read, client, f"/app-software/{segment(str(names['appSoftwareId']))}/versions", what)
                pages = partial(pages_by_link, read, "versions", "totalCount")
                rows = _Rows(what, "buildNumber", findings, twice=self.tells_gone).read(pages)
                yield _with({"appKey": key, "productId": product, **names}, rows)


@dataclass(frozen=True)
class ReviewsRequest:
    """The reviews of some apps.

    Attributes:
        app_keys: The apps; all if empty.
    """

    app_keys: tuple[str, ...] = ()
    tells_gone: bool = False
    report: str = REVIEWS

    def fetch(self, client: MarketplaceClient, path: Path, *, timeout: float, stop: threading.Event) -> SpooledRows:  # noqa: ARG002
        """Write the rows, each with its app, to a new file."""
        findings = Findings()
        return spool_pages(self.report, path, self._rows(client, findings), stop, findings)

    def _rows(self, client: MarketplaceClient, findings: Findings) -> Iterator[Iterable[bytes]]:
        for key, product in _chosen(client, self.app_keys, findings, twice=self.tells_gone):
            what = f"reviews of {key}"
            read = partial(_read, client, f"/products/{segment(product)}/reviews", what)
            pages = partial(pages_by_cursor, read, "reviews", "count")
            rows = _Rows(what, "id", findings, twice=self.tells_gone).read(pages)
            yield _with({"appKey": key, "productId": product}, rows)


def _app_pages(client: MarketplaceClient) -> Iterator[ListPage]:
    path = f"/product-listing/developer-space/{segment(client.developer_id)}"
    unknown = client.unknown_developer
    return pages_by_link(
        lambda place: client.read_catalogue(path, [*place, ("includePrivate", "true")], Body, unknown=unknown), "items"
    )


def _pages_of_objects(client: MarketplaceClient) -> Iterator[ListPage]:
    """Give the pages of apps; what is no object counts as one without anything."""
    for page in _app_pages(client):
        yield replace(page, rows=[row if bytes(row).startswith(b"{") else _NOTHING for row in page.rows])


def _chosen(
    client: MarketplaceClient, app_keys: Sequence[str], findings: Findings, *, twice: bool
) -> list[tuple[str, str]]:
    products = products_by_key(client, findings, twice=twice)
    return [(key, product) for key, product in products.items() if not app_keys or key in app_keys]


def _read(client: MarketplaceClient, path: str, what: str, place: Parameters) -> Body:
    # Only of the first page it means that the Marketplace does not know the app; of a later one, that rows are missing.
    is_later = any(name == "cursor" for name, _ in place)
    unknown = f"a page of the {what} that the page before names is not there; run again later" if is_later else None
    body: Body = client.read_catalogue(path, place, Body, unknown=unknown)
    return body


def _known(read: Callable[[], Any], what: str, findings: Findings) -> list[Any]:
    """Read a list of an app; note it if the Marketplace does not know the app, as it is with one never made public."""
    with suppress(NotReadyError):
        found = once_more_if(lambda answer: answer == [], read)
        if isinstance(found, list):
            return found
    findings.gaps.append(f"the Marketplace knows no {what}")
    _logger.info("The Marketplace knows no %s.", what)
    return []


@dataclass(frozen=True)
class _Rows:
    """Reads rows that come in pages, as often as it takes to believe them.

    Attributes:
        what: What the rows are.
        key: The field that tells them apart.
        findings: Where a doubt about them is noted.
        twice: Whether several pages are read twice even if nothing is wrong: where one row went while another came, no
            total tells that a third one slipped through.
    """

    what: str
    key: str
    findings: Findings
    twice: bool

    def read(self, pages: Callable[[], Iterator[ListPage]]) -> list[Row]:
        """Give the rows, read once more if they are not as many as the pages say.

        A doubt is noted if they stay fewer, and a gap if they were all there but others the second time.
        """
        before: list[bytes] | None = None
        whole: list[Row] | None = None
        for _ in range(_READINGS):
            found = _known(lambda: list(pages()), self.what, self.findings)
            encoded = sorted(bytes(row) for page in found for row in page.rows)
            rows = [_fields(row) for page in found for row in page.rows]
            total = max((page.total or 0 for page in found), default=0)
            different = len({bytes(row.get(self.key, b"")) for row in rows})
            is_whole, is_same = different >= total, encoded == before
            if (is_whole and not (self.twice and len(found) > 1)) or (is_same and len(rows) >= total):
                return rows
            whole = rows if is_whole else whole
            before = encoded
        if whole is None:
            self.findings.doubts.append(
                f"The Marketplace speaks of {total} {self.what}, but {different} came, each of {_READINGS} times."
            )
            return rows
        self.findings.gaps.append(f"the {self.what} were not the same each of {_READINGS} times")
        return whole


def _fields(row: msgspec.Raw) -> Row:
    try:
        return msgspec.json.decode(row, type=Row)
    except msgspec.DecodeError:
        raise TroubleError("The Marketplace answered with a row that is no JSON object.") from None


def _value(row: Row, name: str) -> Any:
    return msgspec.json.decode(row.get(name, b"null"))


def _with(fields: dict[str, Any], rows: Iterable[Row]) -> list[bytes]:
    return [_encode({**row, **fields}) for row in rows]
