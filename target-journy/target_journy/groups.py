"""Groups of properties: which of them a mapping has, and what is left of it without some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from target_journy.mapping_file import CORE, Property, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from target_journy.mapping_file import MappingFile, SectionT, StreamSpec

    Properties = dict[str, str | Property]


def groups_of(mapping: MappingFile) -> list[str]:
    """The groups that properties of a mapping belong to: `core` first, the others in the order of the mapping."""
    grouped = (prop for spec in mapping.streams.values() for properties in _all(spec) for prop in properties.values())
    return list(dict.fromkeys([CORE, *(prop.group for prop in grouped if isinstance(prop, Property))]))


def within_groups(mapping: MappingFile, groups: Collection[str]) -> MappingFile:
    """Leave out what belongs to other groups of properties than the given ones; `core` always stays."""
    return msgspec.structs.replace(
        mapping, streams={stream: _within(spec, {CORE, *groups}) for stream, spec in mapping.streams.items()}
    )


def _all(spec: StreamSpec) -> Iterator[Properties]:
    yield from (part.properties for part in listed(spec.account))
    yield from (part.properties for part in listed(spec.user))
    yield from (part.metadata for part in listed(spec.event))


def _within(spec: StreamSpec, groups: Collection[str]) -> StreamSpec:
    def kept(properties: Properties) -> Properties:
        return {name: prop for name, prop in properties.items() if isinstance(prop, str) or prop.group in groups}

    replace = msgspec.structs.replace
    return replace(
        spec,
        account=_each(spec.account, lambda part: replace(part, properties=kept(part.properties))),
        user=_each(spec.user, lambda part: replace(part, properties=kept(part.properties))),
        event=_each(spec.event, lambda part: replace(part, metadata=kept(part.metadata))),
    )


def _each(
    parts: SectionT | list[SectionT] | None, change: Callable[[SectionT], SectionT]
) -> SectionT | list[SectionT] | None:
    if isinstance(parts, list):
        return [change(part) for part in parts]
    return parts if parts is None else change(parts)
