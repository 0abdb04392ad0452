"""Whether a mapping can be used: its expressions can be read, and a stream has the fields that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from marketplace_singer.places import Places
from marketplace_singer.shapes import did_you_mean
from target_journy.expressions import ExpressionError, fields_of, places_of
from target_journy.mapping_file import FieldsSpec, MappingError, Property, ReferenceSpec, Template, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import msgspec

    from marketplace_singer.places import Path
    from target_journy.expressions import Compiler
    from target_journy.mapping_file import StreamSpec

_NO_EXPRESSIONS = frozenset({"prefix", "names", "order", "other_name", "name_style", "null_policy"})
_NO_PLACES = Places()


class _Text(NamedTuple):
    """A text of a mapping that reads fields.

    Attributes:
        place: Where it stands in the stream's part of the file.
        kind: expression, template or name.
    """

    place: Path
    text: str
    kind: str = "expression"

    @property
    def fields(self) -> Iterable[tuple[str, ...]]:
        if self.kind == "name":
            return [(self.text,)]
        if self.kind == "template":
            return [tuple(name.split(".")) for name in places_of(self.text)]
        return fields_of(self.text)


def check_expressions(stream: str, spec: StreamSpec, compiler: Compiler, places: Places = _NO_PLACES) -> None:
    """See that every expression and template of a stream's mapping can be read.

    Raises:
        MappingError: One cannot.
    """
    for text in _texts(spec):
        try:
            if text.kind == "expression":
                compiler.compile(text.text)
            elif text.kind == "template":
                compiler.template(text.text)
        except ExpressionError as error:  # noqa: PERF203 - the message names the one that is wrong
            raise MappingError(f"{_where(stream, text.place, places)}: {error}") from None


def check_fields(
    stream: str,
    spec: StreamSpec,
    schema: Mapping[str, Any],
    variables: Iterable[str] = (),
    places: Places = _NO_PLACES,
) -> None:
    """See that every field that a mapping reads is in the stream's schema.

    Args:
        stream: Name of the stream.
        spec: What the mapping says about it.
        schema: Its schema.
        variables: Names that a template may use besides fields.
        places: The lines of the mapping.

    Raises:
        MappingError: One is not; the message proposes the nearest.
    """
    for text in _texts(spec):
        for path in text.fields:
            if text.kind != "template" or ".".join(path) not in variables:
                _check_path(_where(stream, text.place, places), path, schema)


def _where(stream: str, place: Path, places: Places) -> str:
    steps = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in place)
    return f"{places.prefix(('streams', stream, *place))}stream {stream!r}, {steps.removeprefix('.')}"


def _check_path(place: str, path: tuple[str, ...], schema: Mapping[str, Any]) -> None:
    for depth, name in enumerate(path):
        known = schema.get("properties")
        if not known:
            return
        if name not in known:
            hint = did_you_mean(name, known, "".join(f"{outer}." for outer in path[:depth]))
            raise MappingError(f"{place}: the stream has no field {'.'.join(path[: depth + 1])!r}{hint}")
        schema = known[name]


def _texts(spec: StreamSpec) -> Iterator[_Text]:
    yield from _of_value(("key",), spec.key)
    if spec.version:
        yield from _of_value(("version",), spec.version)
    for name in ("account", "user", "membership", "event"):
        parts = getattr(spec, name)
        for number, part in enumerate(listed(parts)):
            yield from _of_section((name, number) if isinstance(parts, list) else (name,), part)


def _of_section(place: Path, part: msgspec.Struct) -> Iterator[_Text]:
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if value is not None and name not in _NO_EXPRESSIONS:
            yield from _of_value((*place, name), value)


def _of_value(place: Path, value: Any) -> Iterator[_Text]:
    if isinstance(value, ReferenceSpec):
        yield from _of_section(place, value)
    elif isinstance(value, FieldsSpec):
        for name in ("include", "exclude", "rename"):
            fields = (field for field in getattr(value, name) if not any(sign in field for sign in "*?["))
            yield from (_Text((*place, name), field, "name") for field in fields)
    elif isinstance(value, Template):
        yield _Text(place, value.template, "template")
    elif isinstance(value, Property):
        yield from (_Text(place, text) for text in [value.value] if text is not None)
        yield from (_Text(place, text, "template") for text in [value.template] if text is not None)
    elif isinstance(value, dict):
        for key, prop in value.items():
            yield from _of_value((*place, key), prop)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _of_value((*place, number), part)
    else:
        yield _Text(place, value)
