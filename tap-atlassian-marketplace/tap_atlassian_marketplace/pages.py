"""Rows that come page by page, in the ways in which the API names the next page.

Whatever a page says comes next, only the place that it names counts: it is asked for where the page before came from,
so that no link leads the credentials elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tap_atlassian_marketplace.errors import TroubleError
from tap_atlassian_marketplace.row_kinds import ROW_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_atlassian_marketplace.client import MarketplaceClient, Parameters

LARGEST_PAGE = 50

Body = dict[str, msgspec.Raw]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class ListPage:
    """One page of the list of a report.

    Attributes:
        rows: Its rows, as they were sent.
        total: How many rows the list has, if it says so.
        following: The place of the next page, to be asked for; None on the last one.
    """

    rows: list[msgspec.Raw]
    total: int | None
    following: Parameters | None


def list_page(
    client: MarketplaceClient, report: str, filters: Parameters, place: Parameters, *, limit: int = LARGEST_PAGE
) -> ListPage:
    """Read a page of a report's list, which is told by offset.

    Args:
        client: The API.
        report: Path of the report.
        filters: Query parameters that choose the rows; a name may be repeated.
        place: What the page before gave as `following`; empty for the first page.
        limit: Rows of a page, at most 50.
    """
    fixed = [*filters, ("limit", str(limit))]
    body = client.read_report(report, [*fixed, *place], Body)
    rows, total = _rows(body, ROW_KINDS[report].name, "totalCount")
    return ListPage(rows, total, _following(_part(body, "_links"), fixed))


def pages_by_link(read: Callable[[Parameters], Body], name: str, total: str | None = None) -> Iterator[ListPage]:
    """Read all pages of a list whose pages name the next one by a link with a cursor.

    A page that is empty and gives no total is asked for once more, whether or not another one follows.

    Args:
        read: Reads a page, given its parameters.
        name: What a page calls its rows.
        total: What it calls the number of all rows, if it has a word for that.
    """
    return _by_cursor(read, name, total, _linked_cursor)


def pages_by_cursor(read: Callable[[Parameters], Body], name: str, total: str | None = None) -> Iterator[ListPage]:
    """Read all pages of a list whose pages hold the cursor of the next one; arguments as for links."""
    return _by_cursor(read, name, total, lambda body: _part(body, "cursor"))


def _by_cursor(
    read: Callable[[Parameters], Body], name: str, total: str | None, next_cursor: Callable[[Body], Any]
) -> Iterator[ListPage]:
    place: Parameters = []
    seen: set[str] = set()
    while True:
        body = once_more_if(
            lambda body: _rows(body, name, total) == ([], None),
            partial(read, [("limit", str(LARGEST_PAGE)), *place]),
        )
        cursor = next_cursor(body)
        following = [("cursor", str(cursor))] if cursor else None
        if following and str(cursor) in seen:
            raise TroubleError(f"The pages of {name} go round in circles.")
        yield ListPage(*_rows(body, name, total), following)
        if following is None:
            return
        place = following
        seen.add(str(cursor))


def once_more_if(says_nothing: Callable[[Answer], bool], read: Callable[[], Answer]) -> Answer:
    """Read an answer, and once more if it holds no rows and nothing that says so: a fault may look like that."""
    answer = read()
    return read() if says_nothing(answer) else answer


def _rows(body: Body, name: str, total: str | None) -> tuple[list[msgspec.Raw], int | None]:
    try:
        rows = body.get(name, msgspec.Raw(b"null"))
        # The API's description knows a single row without a list, too.
        found = [rows] if bytes(rows).startswith(b"{") else msgspec.json.decode(rows, type=list[msgspec.Raw])
        count = msgspec.json.decode(body.get(total or "", b"null"), type=int | None)
    except msgspec.DecodeError:
        raise TroubleError(f"The Marketplace answered with a page of {name} that cannot be read.") from None
    return found, count


def _part(body: Body, name: str) -> Any:
    try:
        return msgspec.json.decode(body.get(name, b"null"))
    except msgspec.DecodeError:
        raise TroubleError(f"The Marketplace answered with a page whose `{name}` cannot be read.") from None


def _linked_cursor(body: Body) -> str | None:
    links = _part(body, "links")
    following = links.get("next") if isinstance(links, dict) else None
    if not following:
        return None
    if cursor := dict(_query(following)).get("cursor"):
        return cursor
    raise TroubleError("The Marketplace answered with a link to the next page that names no place (`cursor`).")


def _following(links: Any, fixed: Parameters) -> Parameters | None:
    # The link may be absolute, begin with `/rest/3` or lack it, or name another host.
    link = links.get("next") if isinstance(links, dict) else None
    if isinstance(link, list):  # as the description of metric events has it
        link = link[0] if link else None
    address = link.get("href") if isinstance(link, dict) else link
    if not address:
        return None
    ours = {name for name, _ in fixed}
    return [pair for pair in _query(address) if pair[0] not in ours]


def _query(address: Any) -> Parameters:
    try:
        return parse_qsl(urlsplit(str(address)).query)
    except ValueError:
        raise TroubleError("The Marketplace answered with a link to the next page that is no address.") from None
