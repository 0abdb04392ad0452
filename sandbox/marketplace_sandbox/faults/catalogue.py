"""The faults by name."""

from __future__ import annotations

from dataclasses import dataclass

_STARTS = frozenset({"start"})
_DOWNLOADS = frozenset({"download"})
_CONTENTS = frozenset({"download", "export"})
_ROWS = frozenset({"list", "export", "download", "apps", "versions", "reviews", "metrics"})
_WITH_LINKS = frozenset({"start", "status", "list", "apps", "versions", "index"})


@dataclass(frozen=True)
class Trouble:
    """What a fault is.

    Attributes:
        about: One line for people.
        kinds: Kinds of call that it can hit, None for all.
        seconds: Default of its length or of the wait that it asks for.
    """

    about: str
    kinds: frozenset[str] | None = None
    seconds: float = 0


FAULTS = {
    "429-seconds": Trouble("429 with Retry-After in whole seconds", seconds=1),
    "429-date": Trouble("429 with Retry-After as an HTTP date", seconds=1),
    "429-plain": Trouble("429 without Retry-After"),
    "500": Trouble("500 in the API's own words"),
    "502": Trouble("502 with a gateway's HTML page"),
    "502-after": Trouble("the same, but the call took effect"),
    "503": Trouble("503 with a gateway's HTML page"),
    "401": Trouble("401, whatever the credentials"),
    "403": Trouble("403, whatever the credentials"),
    "410": Trouble("410, as of a retired API version"),
    "non-json": Trouble("200 with an HTML page; the call has no effect"),
    "redirect": Trouble("302 to another host; the call has no effect"),
    "foreign-links": Trouble("links in the answer point to another host", _WITH_LINKS),
    "slow": Trouble("the answer comes after some seconds; the call takes effect at once", seconds=2),
    "slow-body": Trouble("the body trickles for some seconds", seconds=2),
    "cut-body": Trouble("the connection closes in the middle of a body with Content-Length"),
    "cut-body-chunked": Trouble("the connection closes in the middle of a chunked body"),
    "half-answer": Trouble("the connection closes in the middle of the headers"),
    "drop-before": Trouble("the connection closes without an answer; the call has no effect"),
    "drop-after": Trouble("the connection closes without an answer; the call took effect"),
    "empty": Trouble("200 or 201 with no rows, or with no body where no rows are"),
    "duplicate-rows": Trouble("every row comes twice (JSON only)", _ROWS),
    "export-failed": Trouble("the export that this call starts ends as FAILED", _STARTS),
    "export-never-ready": Trouble("the export that this call starts stays IN_PROGRESS", _STARTS),
    "export-reused": Trouble("the first export of the same query is given again, however it ended", _STARTS),
    "export-truncated": Trouble("the body ends early, and the answer is otherwise whole", _CONTENTS),
    "export-gone": Trouble("the export is forgotten: 404 from then on", _DOWNLOADS),
}
"""Every fault. Where nothing else is said, a call that is answered by an error has no effect."""
