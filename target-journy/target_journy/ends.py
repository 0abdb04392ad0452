"""What becomes of an account or user when no record asks for it any more, and when one asks for it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_journy.folding import ITSELF, pack

if TYPE_CHECKING:
    from marketplace_singer.naming import Naming
    from target_journy.folding import Entity
    from target_journy.values import Value

IS_DELETED = "is_deleted"
DELETED_AT = "deleted_at"

_NOBODY = ("", "")
"""Stands among the rows of properties that come from no record; every record speaks after it."""


def mark_deleted(entity: Entity, at: str) -> None:
    """Say in its properties that the source does not have it any more.

    Args:
        entity: The account or user.
        at: Since when, ISO 8601 in UTC.
    """
    entity.deleted = True
    _say(entity, {IS_DELETED: True, DELETED_AT: at})


def call_back(entity: Entity, *, can_delete: bool) -> bool:
    """Let a record ask for it again.

    Args:
        entity: The account or user.
        can_delete: Whether properties can be deleted.

    Returns:
        Whether anything changed, so that it has to be kept.
    """
    if entity.gone:
        # A run before may have deleted it without noting that: all has to be said anew, and what is not said unset.
        entity.rows, entity.told, entity.before = [_NOBODY], {}, {}
        entity.properties = dict.fromkeys(entity.properties, (None, 0))
        entity.pending, entity.rejected = set(entity.properties), {}
        entity.gone = entity.known = entity.forgotten = entity.deleted = False
        entity.in_doubt = True
        return True
    is_back = entity.deleted or entity.forgotten
    if entity.deleted:
        _say(entity, {IS_DELETED: False, DELETED_AT: None} if can_delete else {IS_DELETED: False})
    entity.deleted = entity.forgotten = False
    return is_back


def erase_traces(entity: Entity, naming: Naming) -> bool:
    """Forget what an account or another user has of a person beside its newest values.

    Args:
        entity: The account or user, or the watched values of an event.
        naming: Finds the person.

    Returns:
        Whether anything was forgotten. A row that was called by their name still speaks, and any other after it.
    """
    before = pack(entity)
    entity.rows = [(f"{row.partition(':')[0]}:" if naming.is_in(row) else row, at) for row, at in entity.rows]
    entity.told = {name: told for name, told in entity.told.items() if not naming.is_in(told.value)}
    entity.before = {name: value for name, value in entity.before.items() if not naming.is_in(value)}
    for refused in entity.rejected.values():
        refused.reason = "" if naming.is_in(refused.reason) else refused.reason
        refused.row = f"{refused.row.partition(':')[0]}:" if naming.is_in(refused.row) else refused.row
    return pack(entity) != before


def _say(entity: Entity, properties: dict[str, Value]) -> None:
    if whole := entity.rejected.pop(ITSELF, None):  # what was refused must not keep this from being said
        entity.rejected.update(dict.fromkeys(entity.pending, whole))
        entity.pending.clear()
    if _NOBODY not in entity.rows:
        entity.rows.append(_NOBODY)
    row = entity.rows.index(_NOBODY)
    for name, value in properties.items():
        entity.say(name, value, row)
