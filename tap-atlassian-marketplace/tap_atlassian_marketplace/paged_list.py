"""The list of a report, read page by page into a file: the way that is left when no export can be had."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.errors import TroubleError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_atlassian_marketplace.client import MarketplaceClient, Parameters

_READINGS = 2

_logger = logging.getLogger("tap-atlassian-marketplace")


def read_list(
    client: MarketplaceClient, report: str, filters: Parameters, path: Path, go_on: Callable[[], None]
) -> str | None:
    """Write all rows of a report's list to a new file, as a JSON array that only this user can read.

    Rows come and go while the pages are read, and the others shift: some may come twice, others not at all. That is
    seen by the total, which each page gives. The list is then read once more.

    Args:
        client: The API.
        report: Path of the report.
        filters: Query parameters that choose the rows.
        path: The file.
        go_on: Raises when the run ends; called before each page.

    Returns:
        None, or why rows may be missing, when the total did not fit the second time either.

    Raises:
        MarketplaceError: A page could not be had.
    """
    for _ in range(_READINGS):
        read, totals = _read_once(client, report, filters, path, go_on)
        if totals <= {read}:
            return None
        announced = " or ".join(str(total) for total in sorted(totals))
        doubt = f"The list of {report} changed while it was read: it had {announced} rows, {read} came."
        _logger.warning("%s", doubt)
    return f"{doubt} This happened {_READINGS} times; rows may be missing, so the next run reads the same days again."


def _read_once(
    client: MarketplaceClient, report: str, filters: Parameters, path: Path, go_on: Callable[[], None]
) -> tuple[int, set[int]]:
    place: Parameters | None = []
    seen: list[Parameters] = []
    read, totals = 0, set()
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"[")
        while place is not None:
            if place in seen:
                raise TroubleError(f"The pages of the list of {report} go round in circles.")
            seen.append(place)
            go_on()
            page = client.list_page(report, filters, place)
            for row in page.rows:
                file.write(b",\n" if read else b"\n")
                file.write(row)
                read += 1
            if page.total is not None:
                totals.add(page.total)
            place = page.following
        file.write(b"\n]")
    return read, totals
