"""The mapping file: its shape, where it comes from, and whether it fits the streams that arrive."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import yaml

from target_journy.expressions import fields_of
from target_journy.values import Type  # noqa: TC001 - msgspec reads it at run time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

PRESETS = ("marketplace", "marketplace-raw")
GROUPS = ("core", "money", "trial", "insights", "contacts", "links")
Group = Literal["core", "money", "trial", "insights", "contacts", "links"]
NullPolicy = Literal["keep", "unset"]


class MappingError(Exception):
    """The mapping cannot be used; the message says where and why."""


class Property(msgspec.Struct, forbid_unknown_fields=True):
    """A property of an account or user, or a value that is told with an event.

    Attributes:
        value: Where its value comes from.
        type: Its type if it is not to be guessed.
        group: The group that it belongs to, see the setting `property_groups`.
        null_policy: What a null does; by default as the setting `null_policy` says.
    """

    value: str
    type: Type | None = None
    group: Group = "core"
    null_policy: NullPolicy | None = None


class ReferenceSpec(msgspec.Struct, forbid_unknown_fields=True):
    """How a record names an account.

    Attributes:
        id: The id of the account.
        aliases: A list of all ids by which the same account may be met.
        shared_alias: An id that several accounts share.
    """

    id: str
    aliases: str | None = None
    shared_alias: str | None = None


class AccountSpec(ReferenceSpec, forbid_unknown_fields=True):
    """A record is an account, with these properties."""

    properties: dict[str, str | Property] = {}


class UserSpec(msgspec.Struct, forbid_unknown_fields=True):
    """A record is a user, known by e-mail; a record without one is no user."""

    email: str
    properties: dict[str, str | Property] = {}


class MembershipSpec(msgspec.Struct, forbid_unknown_fields=True):
    """A record says who holds a role in an account.

    Attributes:
        slot: Identity of the role.
        account: The account that it belongs to.
        email: Who holds it; nothing when it is vacant.
        forgotten: True when whoever held it was erased.
    """

    slot: str | list[str]
    account: ReferenceSpec
    email: str
    forgotten: str | None = None


class EventSpec(msgspec.Struct, forbid_unknown_fields=True):
    """A record is an event.

    Attributes:
        id: Identity of the event, from what never changes.
        account: The account that it happened to.
        time: When it happened.
        other_name: The event's name where `names` has none; without it, the value itself is the name.
        prefix: Stands before the id.
        name: A value of the record that chooses the name.
        names: Names by that value.
        order: Names of events in the order that they have on one day: a `time` without a time of day becomes
            noon UTC and as many seconds as the name's place here.
        metadata: What is told with it.
    """

    id: str | list[str]
    account: ReferenceSpec
    time: str
    other_name: str | None = None
    prefix: str = ""
    name: str | None = None
    names: dict[str, str] = {}
    order: list[str] = []
    metadata: dict[str, str | Property] = {}


class StreamSpec(msgspec.Struct, forbid_unknown_fields=True):
    """What a stream's records are.

    Attributes:
        key: Identity of a record.
        version: A date or time; of two records the greater is the newer.
        erased: A text that stands where a person's data was; such a property is deleted.
    """

    key: str | list[str]
    version: str | None = None
    erased: str | None = None
    account: AccountSpec | None = None
    user: UserSpec | None = None
    membership: MembershipSpec | None = None
    event: EventSpec | None = None


class MappingFile(msgspec.Struct, forbid_unknown_fields=True):
    """A whole mapping.

    Attributes:
        variables: Values that `link` may fill into an address.
        streams: What each stream's records are.
        file: Path of another mapping, which this one is laid over.
    """

    file: str | None = None
    variables: dict[str, str | int | None] = {}
    streams: dict[str, StreamSpec] = {}


def load_mapping(preset: str | None, mapping: Mapping[str, Any] | str | None) -> tuple[MappingFile, frozenset[str]]:
    """Read the preset and lay the user's own mapping over it, stream by stream.

    Args:
        preset: Name of a preset of this package, or None.
        mapping: The user's mapping: inline, as YAML text, or the path of a YAML file.

    Returns:
        The mapping, and the names of the streams that the user mapped.

    Raises:
        MappingError: It cannot be read.
    """
    base = MappingFile()
    if preset:
        text = resources.files("target_journy").joinpath(f"presets/{preset}.yml").read_text(encoding="utf-8")
        base = _parse(yaml.safe_load(text), f"preset {preset!r}")
    if not mapping:
        return base, frozenset()
    own = _parse(_read(mapping) if isinstance(mapping, str) else mapping, "setting 'mapping'")
    if own.file:
        own = _over(_parse(_read(own.file), f"mapping file {own.file!r}"), own)
    return _over(base, own), frozenset(own.streams)


def within_groups(mapping: MappingFile, groups: Collection[str]) -> MappingFile:
    """Leave out what belongs to other groups of properties than the given ones; `core` always stays."""
    return msgspec.structs.replace(
        mapping, streams={stream: _within(spec, {"core", *groups}) for stream, spec in mapping.streams.items()}
    )


def _within(spec: StreamSpec, groups: Collection[str]) -> StreamSpec:
    def kept(properties: dict[str, str | Property]) -> dict[str, str | Property]:
        return {name: prop for name, prop in properties.items() if isinstance(prop, str) or prop.group in groups}

    parts: dict[str, Any] = {}
    if spec.account:
        parts["account"] = msgspec.structs.replace(spec.account, properties=kept(spec.account.properties))
    if spec.user:
        parts["user"] = msgspec.structs.replace(spec.user, properties=kept(spec.user.properties))
    if spec.event:
        parts["event"] = msgspec.structs.replace(spec.event, metadata=kept(spec.event.metadata))
    return msgspec.structs.replace(spec, **parts)


def _over(base: MappingFile, own: MappingFile) -> MappingFile:
    return MappingFile(variables={**base.variables, **own.variables}, streams={**base.streams, **own.streams})


def check_fields(stream: str, spec: StreamSpec, schema: Mapping[str, Any]) -> None:
    """See that every field that a mapping reads is in the stream's schema.

    Raises:
        MappingError: One is not; the message proposes the nearest.
    """
    for place, text in _expressions(spec):
        for path in fields_of(text):
            _check_path(f"stream {stream!r}, {place}", path, schema)


def _check_path(place: str, path: tuple[str, ...], schema: Mapping[str, Any]) -> None:
    for depth, name in enumerate(path):
        known = schema.get("properties")
        if not known:
            return
        if name not in known:
            lower = {field.lower(): field for field in known}
            near = difflib.get_close_matches(name.lower(), lower, n=1)
            hint = f"; did you mean {'.'.join((*path[:depth], lower[near[0]]))!r}?" if near else ""
            raise MappingError(f"{place}: the stream has no field {'.'.join(path[: depth + 1])!r}{hint}")
        schema = known[name]


def _expressions(spec: StreamSpec) -> Iterator[tuple[str, str]]:
    for name in [spec.key] if isinstance(spec.key, str) else spec.key:
        yield "key", name
    if spec.version:
        yield "version", spec.version
    for section in ("account", "user", "membership", "event"):
        if part := getattr(spec, section):
            yield from _of_section(section, part)


def _of_section(place: str, part: msgspec.Struct) -> Iterator[tuple[str, str]]:
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if name in {"prefix", "names", "order", "other_name"} or value is None:
            continue
        if isinstance(value, ReferenceSpec):
            yield from _of_section(f"{place}.{name}", value)
        elif isinstance(value, dict):
            for key, prop in value.items():
                yield f"{place}.{name}.{key}", prop if isinstance(prop, str) else prop.value
        else:
            for text in [value] if isinstance(value, str) else value:
                yield f"{place}.{name}", text


def _read(mapping: str) -> Any:
    try:
        if "\n" in mapping or mapping.lstrip().startswith("{"):
            return yaml.safe_load(mapping)
        return yaml.safe_load(Path(mapping).read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"setting 'mapping': cannot read the file {mapping!r} ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise MappingError(f"setting 'mapping': the file is no YAML{line}") from None


def _parse(raw: Any, place: str) -> MappingFile:
    try:
        return msgspec.convert(raw, MappingFile)
    except msgspec.ValidationError as error:
        raise MappingError(f"{place}: {error}") from None
