"""The file of the setting `overrides_path`: read, and checked before anything else is done."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from marketplace_singer import SettingsError
from marketplace_singer.places import YamlError
from marketplace_singer.shapes import ShapeError, read_yaml_file, shaped
from tap_atlassian_marketplace.customers.domains import registrable_domain
from tap_atlassian_marketplace.customers.overrides import Overrides

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_singer.places import Places

_SETTING = "setting 'overrides_path'"
_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)+")
_NO_DOMAIN = "no domain; write it in small letters, such as example.com"
_NOT_REGISTERED = "a customer is known by a domain as it was registered; {}"
_PUNYCODE = "xn--"
_MERGE = "<<"


def read_overrides(path: str) -> Overrides:
    """Read the corrections; an empty file has none.

    Raises:
        SettingsError: They cannot be read or used; the message names the line and the key.
    """
    try:
        content, places = read_yaml_file(path)
        content = _with_keys_as_written(content, places)
        overrides = shaped(content, Overrides, places)
    except OSError as error:
        raise SettingsError(f"{_SETTING}: cannot read the file {path!r} ({error.strerror})") from None
    except YamlError as error:
        raise SettingsError(f"{_SETTING}: the file {path!r} {error}") from None
    except ShapeError as error:
        raise SettingsError(f"{_SETTING}: {error}") from None
    for place, why in _faults(content):
        raise SettingsError(f"{_SETTING}: {places.prefix(place)}{'.'.join(place)}: {why}")
    both = {form: override for name, override in overrides.domains.items() for form in _forms(name)}
    return Overrides(overrides.licenses, both | overrides.domains)


def _with_keys_as_written(content: Any, places: Places) -> Any:
    """Give the document with all keys as the texts that they are in the file.

    To YAML many a key is something else: the number of an old licence an integer, with a 0 before it an octal one.

    Raises:
        YamlError: Two keys are one to YAML.
    """
    if content is None:
        return {}
    if not isinstance(content, dict):
        return content
    return {
        str(name): dict(_as_written(str(name), part, places)) if isinstance(part, dict) else part
        for name, part in content.items()
    }


def _as_written(name: str, part: dict[Any, Any], places: Places) -> Iterator[tuple[str, Any]]:
    written = [str(path[1]) for path in places.lines if len(path) == 2 and path[0] == name]
    if _MERGE in written:
        return zip(map(str, part), part.values(), strict=True)
    if len(written) != len(part):
        numbers = ", ".join(key for key in written if not key.isidentifier() and key not in part)
        raise YamlError(f"names one number of `{name}` in two ways, among {numbers}; put them between quotes")
    return zip(written, part.values(), strict=True)


def _forms(name: str) -> Iterator[str]:
    """Give a domain in letters of all alphabets and in those of DNS, since addresses may have either."""
    with suppress(UnicodeError):
        yield name.encode("ascii").decode("idna") if _PUNYCODE in name else name.encode("idna").decode("ascii")


def _faults(content: dict[str, dict[str, dict[str, Any]]]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give the places of what has the right shape and is wrong all the same, each with the reason."""
    for part, entries in content.items():
        for name, entry in entries.items():
            if part == "domains":
                yield from (((part, name), why) for why in _faults_of_domain(name, entry))
            for key, value in entry.items():
                if isinstance(value, str) and not value.strip():
                    yield (part, name, key), "empty; leave the key out"
                elif key == "domain" and value and not _is_domain(value):
                    yield (part, name, key), _NO_DOMAIN


def _faults_of_domain(name: str, entry: dict[str, Any]) -> Iterator[str]:
    if not _is_domain(name):
        yield _NO_DOMAIN
    elif entry.keys() & {"company", "customer"} and (registered := registrable_domain(name)) != name:
        yield _NOT_REGISTERED.format(f"write {registered}" if registered else "this one is none: name the licences")


def _is_domain(text: str) -> bool:
    return text == text.lower() and bool(_DOMAIN.fullmatch(text))
