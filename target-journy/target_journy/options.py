"""How the loader treats what it reads: the settings that are not about a server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Choices that hold for a whole run.

    Attributes:
        mapping: Fingerprint of the mapping; what was refused is tried again under another one.
        unset_nulls: A null deletes the property (`null_policy: unset`).
        memberships: `add`, `sync` (also end them) or `none`.
        events_since: Date before which events are not sent; "" for all; None for all but those passed over before.
        streams: The streams that are mapped: what another one said before is nothing to compare with.
        deletes: What becomes of an account or user that no record asks for any more: `none`, `soft` (marked as such) or
            `hard` (deleted).
        can_delete: Whether the transport can delete anything.
    """

    mapping: str = ""
    unset_nulls: bool = False
    memberships: str = "add"
    events_since: str | None = None
    streams: tuple[str, ...] = ()
    deletes: str = "none"
    can_delete: bool = True
