"""Where a mapping comes from, and what is said when it has not the shape of one."""

from __future__ import annotations

import difflib
import types
from importlib import resources
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

from target_journy.mapping_file import MappingError, MappingFile
from target_journy.places import Places, YamlError, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from target_journy.places import Path

_SETTING = "setting 'mapping'"


class Loaded(NamedTuple):
    """A mapping and where it stands.

    Attributes:
        mapping: The preset, with the user's own mapping laid over it.
        own: The streams that the user mapped.
        places: The lines of the document that maps a stream, by stream.
    """

    mapping: MappingFile
    own: frozenset[str]
    places: Mapping[str, Places]


def load_mapping(preset: str | None, mapping: Mapping[str, Any] | str | None) -> Loaded:
    """Read the preset and lay the user's own mapping over it, stream by stream.

    Args:
        preset: Name of a preset of this package, or None.
        mapping: The user's mapping: inline, as YAML text, or the path of a YAML file.

    Raises:
        MappingError: It cannot be read.
    """
    layers = []
    if preset:
        text = resources.files("target_journy").joinpath(f"presets/{preset}.yml").read_text(encoding="utf-8")
        name = f"preset {preset!r}"
        layers.append(_parse(_yaml(text, name, name), name))
    presets = len(layers)
    if mapping:
        own = _parse(_read(mapping) if isinstance(mapping, str) else (mapping, Places()), _SETTING)
        if own[0].file:
            layers.append(_parse(_read(own[0].file), f"mapping file {own[0].file!r}"))
        layers.append(own)
    return Loaded(
        MappingFile(
            variables={name: value for layer, _ in layers for name, value in layer.variables.items()},
            streams={name: spec for layer, _ in layers for name, spec in layer.streams.items()},
        ),
        frozenset(name for layer, _ in layers[presets:] for name in layer.streams),
        {name: places for layer, places in layers for name in layer.streams},
    )


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """The end of a message that a name is not known: with the one that may have been meant, however it is written."""
    lower = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    return f"; did you mean {prefix + lower[near[0]]!r}?" if near else ""


def _read(mapping: str) -> tuple[Any, Places]:
    if "\n" in mapping or mapping.lstrip().startswith("{"):
        return _yaml(mapping, "the mapping", "the file")
    try:
        text = FilePath(mapping).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MappingError(f"{_SETTING}: cannot read the file {mapping!r} ({error.strerror})") from None
    except UnicodeDecodeError:
        raise MappingError(f"{_SETTING}: the file {mapping!r} is no YAML: it is not in UTF-8") from None
    return _yaml(text, mapping, f"the file {mapping!r}")


def _yaml(text: str, document: str, subject: str) -> tuple[Any, Places]:
    try:
        return read_yaml(text, document)
    except YamlError as error:
        raise MappingError(f"{_SETTING}: {subject} {error}") from None


def _parse(document: tuple[Any, Places], name: str) -> tuple[MappingFile, Places]:
    raw, places = document
    try:
        return msgspec.convert(raw, MappingFile), places
    except msgspec.ValidationError as error:
        path, why = _innermost(raw, MappingFile, (), error)
        where = ".".join(map(str, path))
        raise MappingError(f"{name}: {places.prefix(path)}{f'{where}: ' if where else ''}{why}") from None


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
            return get_type_hints(option)
    return None


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in {Union, types.UnionType} else (kind,)
