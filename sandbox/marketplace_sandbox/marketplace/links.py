"""Addresses in answers. They lack `/rest/3`, as live ones do: following them as they stand leads nowhere."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from marketplace_sandbox import credentials
from marketplace_sandbox.marketplace.answers import BadParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = f"/reporting/developer-space/{credentials.DEVELOPER_ID}"
"""Of the vendor's reports."""

OLD_ROOT = f"/rest/2/vendors/{credentials.VENDOR_ID}/reporting"
"""The same in the retired version, which some answers still name."""


def href(path: str, query: Sequence[tuple[str, str]]) -> str:
    """An address with parameters."""
    return with_query(path, urlencode(query))


def with_query(path: str, query: str) -> str:
    """An address with parameters that are encoded already."""
    return f"{path}?{query}" if query else path


def cursor(position: int) -> str:
    """What names a place in a list, to be sent back as it is."""
    return base64.urlsafe_b64encode(f"position:{position}".encode()).decode()


def cursor_position(text: str | None) -> int:
    """The place that a cursor names.

    Raises:
        BadParameterError: It names none.
    """
    if text is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(text).decode().removeprefix("position:"))
    except (binascii.Error, ValueError):
        raise BadParameterError("cursor", "Must be a cursor of this list") from None
