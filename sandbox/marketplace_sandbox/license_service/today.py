"""The day by which the License Service judges when a licence may start."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import date

_SYDNEY = ZoneInfo("Australia/Sydney")


def sydney_today() -> date:
    """The date in Sydney now, by the clock of this machine."""
    return datetime.now(_SYDNEY).date()
