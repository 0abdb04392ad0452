"""Which calls a fault or a hold is aimed at, and how many of them it meets."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from marketplace_sandbox.calls import GROUPS, KINDS, SIDES

if TYPE_CHECKING:
    from marketplace_sandbox.calls import Call


@dataclass(kw_only=True)
class Scope:
    """Calls that have everything in common that is not None.

    Attributes:
        side: One of `marketplace_sandbox.calls.SIDES`.
        kind: A kind or group of `marketplace_sandbox.calls`.
        path: A part of the path, with `*` and `?` as in file names.
        query: A part of the query as sent, in the same way.
        times: How many of the calls are met; None for all.
        after: How many of them pass first.
        seen: How many there were so far.
        hits: How many of these were met.

    Raises:
        ValueError: A part has a value that no call can have.
    """

    side: str | None = None
    kind: str | None = None
    path: str | None = None
    query: str | None = None
    times: int | None = None
    after: int = 0
    seen: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.side not in (None, *SIDES):
            raise ValueError(f"side: {self.side!r} is none of {', '.join(SIDES)}")
        if self.kind not in (None, *KINDS, *GROUPS):
            raise ValueError(f"kind: {self.kind!r} is none of {', '.join((*KINDS, *GROUPS))}")
        for name in ("path", "query"):
            text = getattr(self, name)
            if text is not None and not isinstance(text, str):
                raise ValueError(f"{name}: must be text")
        for name in ("times", "after"):
            number = getattr(self, name)
            if not (isinstance(number, int) and number >= 0) and (name, number) != ("times", None):
                raise ValueError(f"{name}: must be a number of calls")

    @property
    def spent(self) -> bool:
        """Whether it has met all the calls that it was to meet."""
        return self.times is not None and self.hits >= self.times

    def covers(self, call: Call) -> bool:
        """Whether a call is one of those aimed at."""
        return (
            self.side in (None, call.side)
            and (self.kind in (None, call.kind) or call.kind in GROUPS.get(self.kind or "", ()))
            and (self.path is None or fnmatchcase(call.path, f"*{self.path}*"))
            and (self.query is None or fnmatchcase(call.query, f"*{self.query}*"))
        )

    def is_due(self, call: Call) -> bool:
        """Count a call if it is aimed at; whether it is to be met."""
        if self.spent or not self.covers(call):
            return False
        self.seen += 1
        return self.seen > self.after
