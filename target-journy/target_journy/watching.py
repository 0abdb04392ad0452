"""Which watched values changed, by comparing what a row says with what it said before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from target_journy.folding import Told, same
from target_journy.values import Unset
from target_journy.versions import rank

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from target_journy.folding import Entity
    from target_journy.operations import Source, Watch
    from target_journy.values import Value


class Change(NamedTuple):
    """A row gave a watched property another value than before.

    Attributes:
        old: The value before; None for none.
        number: How many changes of this account or event there were, with this one.
    """

    name: str
    event: str
    old: Value
    new: Value
    number: int


def compare(
    entity: Entity,
    source: Source,
    values: Mapping[str, Value | Unset],
    watched: Mapping[str, Watch],
    streams: Collection[str],
) -> tuple[list[Change], bool]:
    """Compare what a row says with what it said before; to be done before it is folded in.

    Only a row that differs from itself tells of a change: which of several rows speaks last depends on the order
    in which they come. An older version of a row tells of none, and no value is nothing to tell. Of one version
    every other value is a change, since versions may be days; so an input should have a row once a version.

    Args:
        entity: What the row speaks about.
        source: The row.
        values: Its values; what is watched and missing is None.
        watched: What is watched.
        streams: The streams that are mapped; after one that is no more, another one begins anew.

    Returns:
        The changes, and whether anything of the entity has to be kept.
    """
    changes, before = [], dict(entity.told)
    mapped = tuple(f"{stream}:" for stream in streams)
    for name, watch in watched.items():
        value = values.get(name)
        new = None if isinstance(value, Unset) else value
        told = entity.told.get(name) or _held_as_told(entity, source, name, watch.meaning)
        if told is not None and entity.rows[told.row][0].startswith(mapped):
            row, version = entity.rows[told.row]
            if (rank(source.version), source.id) < (rank(version), row):
                continue
            if value is None and told.value is not None:
                continue  # what was erased is forgotten, not kept to be told
            is_comparable = row == source.id and told.meaning == watch.meaning
            if is_comparable and new is not None and not same(told.value, new):
                entity.changes += 1
                changes.append(Change(name, watch.event, told.value, new, entity.changes))
        entity.told[name] = Told(new, entity.row_of(source), watch.meaning)
    if not changes and entity.told == before:
        return [], False
    entity.drop_unused_rows()
    return changes, True


def renumber(entity: Entity, changes: list[Change]) -> list[Change]:
    """The same changes under the next numbers, as those that they have were given before."""
    entity.changes += len(changes)
    return [change._replace(number=change.number + len(changes)) for change in changes]


def _held_as_told(entity: Entity, source: Source, name: str, meaning: str) -> Told | None:
    """A value from before it was watched, if a newer version of its row comes; else it may be another measure."""
    value, index = entity.properties.get(name, (None, -1))
    if value is None or entity.rows[index][0] != source.id or rank(entity.rows[index][1]) >= rank(source.version):
        return None
    return Told(value, index, meaning)
