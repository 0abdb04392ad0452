"""The file of the setting `overrides_path`: read, and checked before anything else is done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marketplace_singer import SettingsError
from marketplace_singer.places import YamlError
from marketplace_singer.shapes import ShapeError, read_yaml_file, shaped
from tap_atlassian_marketplace.customers.overrides import Overrides

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTING = "setting 'overrides_path'"
_DOMAIN = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+", re.ASCII)
_NO_DOMAIN = "no domain; write it in small letters, such as example.com"


def read_overrides(path: str) -> Overrides:
    """Read the corrections; an empty file has none.

    Raises:
        SettingsError: They cannot be read or used; the message names the line and the key.
    """
    try:
        content, places = read_yaml_file(path)
        content = _with_text_keys(content)
        overrides = shaped(content, Overrides, places)
    except OSError as error:
        raise SettingsError(f"{_SETTING}: cannot read the file {path!r} ({error.strerror})") from None
    except YamlError as error:
        raise SettingsError(f"{_SETTING}: the file {path!r} {error}") from None
    except ShapeError as error:
        raise SettingsError(f"{_SETTING}: {error}") from None
    for place, why in _faults(content):
        raise SettingsError(f"{_SETTING}: {places.prefix(place)}{'.'.join(place)}: {why}")
    return overrides


def _with_text_keys(content: Any) -> Any:
    """Give the document with all keys as texts: the number of an old licence is one to YAML."""
    if content is None:
        return {}
    if not isinstance(content, dict):
        return content
    return {
        str(name): {str(key): value for key, value in part.items()} if isinstance(part, dict) else part
        for name, part in content.items()
    }


def _faults(content: dict[str, dict[str, dict[str, Any]]]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give the places of what has the right shape and is wrong all the same, each with the reason."""
    for part, entries in content.items():
        for name, entry in entries.items():
            if part == "domains" and not _DOMAIN.fullmatch(name):
                yield (part, name), _NO_DOMAIN
            for key, value in entry.items():
                if isinstance(value, str) and not value.strip():
                    yield (part, name, key), "empty; leave the key out"
                elif key == "domain" and value and not _DOMAIN.fullmatch(value):
                    yield (part, name, key), _NO_DOMAIN
