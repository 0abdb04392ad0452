"""Where a mapping comes from, and what is said when it has not the shape of one."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from marketplace_singer.places import Places, YamlError, read_yaml
from marketplace_singer.shapes import ShapeError, read_yaml_file, shaped
from target_journy.mapping_file import MappingError, MappingFile

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def _read(mapping: str) -> tuple[Any, Places]:
    if "\n" in mapping or mapping.lstrip().startswith("{"):
        return _yaml(mapping, "the mapping", "the file")
    try:
        return read_yaml_file(mapping)
    except OSError as error:
        raise MappingError(f"{_SETTING}: cannot read the file {mapping!r} ({error.strerror})") from None
    except YamlError as error:
        raise MappingError(f"{_SETTING}: the file {mapping!r} {error}") from None


def _yaml(text: str, document: str, subject: str) -> tuple[Any, Places]:
    try:
        return read_yaml(text, document)
    except YamlError as error:
        raise MappingError(f"{_SETTING}: {subject} {error}") from None


def _parse(document: tuple[Any, Places], name: str) -> tuple[MappingFile, Places]:
    raw, places = document
    try:
        return shaped(raw, MappingFile, places), places
    except ShapeError as error:
        raise MappingError(f"{name}: {error}") from None
