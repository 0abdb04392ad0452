"""The journal of every call to the stand-ins."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marketplace_sandbox.calls import Call

    Entry = dict[str, Any]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Journal:
    """Calls in the order in which they were answered.

    A call is `side`, `kind`, `method`, `path`, `query`; `status` as the client was sent it, None if it was sent none;
    `stored`, whether something was changed or started by it; `fault`, the name of what hit it, or None; and `body`
    where it had one: JSON, or the text where it is none. Credentials are not kept: no headers, and no `writeKey`.

    Args:
        keep: Whether calls are kept, or only counted.
    """

    def __init__(self, *, keep: bool = True) -> None:
        self.calls: list[Entry] = []
        self._keep = keep
        self._counters: Counter[str] = Counter()
        self._accepted: Counter[str] = Counter()

    def enter(self, call: Call, body: bytes, *, status: int | None, stored: bool, fault: str | None) -> Entry:
        """Add a call.

        Returns:
            Its entry, to be corrected where an answer does not leave after all.
        """
        entry: Entry = {**vars(call), "status": status, "stored": stored, "fault": fault}
        self._counters[f"{call.method} {_UUID.sub('{id}', call.path)}"] += 1
        if stored and call.side == "journy":
            self._accepted[f"{call.method} {call.path.removeprefix('/journy')}"] += 1
        if self._keep:
            if body:
                entry["body"] = _readable(body)
            self.calls.append(entry)
        return entry

    def clear(self) -> None:
        """Forget all calls."""
        self.calls.clear()
        self._counters.clear()
        self._accepted.clear()

    def counters(self) -> dict[str, int]:
        """Number of calls by method and path, with `{id}` for UUIDs."""
        return dict(self._counters)

    def accepted(self) -> dict[str, int]:
        """Number of journy.io's writes that took effect, by method and path below its base URL."""
        return dict(self._accepted)


def _readable(body: bytes) -> Any:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    if isinstance(content, dict) and "writeKey" in content:
        return {**content, "writeKey": "***"}
    return content
