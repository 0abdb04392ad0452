"""Hold a YAML document against the shape that it has to have, and name the line of what does not fit."""

from __future__ import annotations

import difflib
import types
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin

import msgspec

from marketplace_singer.places import YamlError, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from marketplace_singer.places import Path, Places

ShapeT = TypeVar("ShapeT")


class ShapeError(Exception):
    """A document has not the shape that it has to have; the message names the line, the place and the reason."""


def read_yaml_file(path: str) -> tuple[Any, Places]:
    """Read a YAML file with the line of each of its parts.

    Raises:
        YamlError: It cannot be read; the message goes on where "the file" ends.
        OSError: It cannot be opened.
    """
    try:
        text = FilePath(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise YamlError("is no YAML: it is not in UTF-8") from None
    return read_yaml(text, path)


def shaped(content: Any, kind: type[ShapeT], places: Places) -> ShapeT:
    """Make a value of a type of what a document contains.

    Args:
        content: What was read.
        kind: The type, a `msgspec.Struct` as a rule.
        places: Where each part of the content stands.

    Raises:
        ShapeError: It does not fit.
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        path, why = _innermost(content, kind, (), error)
        where = ".".join(map(str, path))
        raise ShapeError(f"{places.prefix(path)}{f'{where}: ' if where else ''}{why}") from None


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """The end of a message that a name is not known: with the one that may have been meant, however it is written."""
    near = nearest(name, known)
    return f"; did you mean {prefix + near!r}?" if near else ""


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known name that is most like another one, in any case of letters; None if none is so much alike, of 1."""
    lower = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=likeness)
    return lower[near[0]] if near else None


def _innermost(value: Any, kind: Any, path: Path, error: msgspec.ValidationError) -> tuple[Path, str]:
    """The smallest part of a document that is wrong, and why; msgspec alone does not name the keys of a dict."""
    for name, part, inner in _parts(value, kind):
        try:
            msgspec.convert(part, inner)
        except msgspec.ValidationError as narrower:  # noqa: PERF203 - the first part that is wrong ends the search
            return _innermost(part, inner, (*path, name), narrower)
    why = str(error).partition(" - at `")[0]
    fields = _fields(value, kind)
    if fields is not None and (unknown := next((name for name in value if name not in fields), None)) is not None:
        return (*path, unknown), f"Object contains unknown field `{unknown}`{did_you_mean(str(unknown), fields)}"
    return path, why


def _parts(value: Any, kind: Any) -> Iterator[tuple[str | int, Any, Any]]:
    """The parts of a value, with the types that they have to have."""
    if fields := _fields(value, kind):
        yield from ((name, part, fields[name]) for name, part in value.items() if name in fields)
    for option in _options(kind):
        if isinstance(value, dict) and get_origin(option) is dict:
            yield from ((name, part, get_args(option)[1]) for name, part in value.items())
        if isinstance(value, list) and get_origin(option) is list:
            yield from ((number, part, get_args(option)[0]) for number, part in enumerate(value))


def _fields(value: Any, kind: Any) -> dict[str, Any] | None:
    """The fields of the object that a value has to be, if it has to be one."""
    for option in _options(kind):
        if isinstance(value, dict) and isinstance(option, type) and issubclass(option, msgspec.Struct):
            return {field.encode_name: field.type for field in msgspec.structs.fields(option)}
    return None


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in {Union, types.UnionType} else (kind,)
