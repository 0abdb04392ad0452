"""`--copy-ledger-from`: take the ledger of earlier runs along to another place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import make_url

from marketplace_singer import SettingsError
from target_journy.doors import destination_in
from target_journy.ledger import copy_ledger
from target_journy.ledger.errors import without_secrets
from target_journy.settings import DEFAULT_LEDGER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from target_journy.dispatch import Stop

OPTION = "--copy-ledger-from"
ENVIRONMENT = "ENV"
"""Given instead of the URL, which then stands in no list of processes, but in a variable of the environment."""
VARIABLE = "COPY_LEDGER_FROM"


def move_ledger(config: Mapping[str, Any], source: str, stop: Stop) -> Iterator[str]:
    """Copy a whole ledger to where the settings want it, and tell what was copied.

    Args:
        config: The settings.
        source: SQLAlchemy URL of the ledger, or `ENV`.
        stop: Looked at while rows are copied.

    Raises:
        SettingsError: A setting cannot be used, or the environment does not hold the URL.
        StoppedError: It was told to stop, and nothing was copied.
        LedgerError: One of the ledgers cannot be used, or it would be copied to where there is one already.
    """
    if source == ENVIRONMENT:
        source = os.environ.get(VARIABLE, "").strip()
        if not source:
            raise SettingsError(f"{OPTION}: {VARIABLE} is not set; it takes the URL of the ledger to copy")
    url = config.get("ledger_url") or DEFAULT_LEDGER
    for copy in copy_ledger(source, url, destination=destination_in(config), told_by=OPTION, stop=stop):
        tables = ", ".join(f"{count} {name}" for name, count in copy.rows.items() if count)
        yield f"copied what is known of {copy.destination}: {tables}; {copy.waiting} operations wait for the next run"
    old, new = (without_secrets(make_url(place)) for place in (source, url))
    yield f"the ledger is at {new} now: let no run use the one at {old} any more"
