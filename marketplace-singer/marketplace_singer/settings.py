"""Settings are read without quoting them: a value may be a secret, even where none belongs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from marketplace_singer.errors import SettingsError
from marketplace_singer.shapes import nearest

if TYPE_CHECKING:
    from collections.abc import Collection

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_WRITTEN_WRONG = 0.9  # as `dryrun` is for `dry_run`, but `app_key` of another plugin is not for `api_key`


def web_address(name: str, url: str, *, usual: str, credential: str) -> str:
    """Check the address of an API.

    Args:
        name: The setting that holds it.
        url: The address.
        usual: The address that most people use.
        credential: The setting that holds the credential.

    Returns:
        The address, without a slash at its end.

    Raises:
        SettingsError: It is no web address, holds credentials, or would send them unencrypted to another machine.
    """
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a broken IPv6 address, or a port that no machine has
        is_address = False
    if not is_address or not url.isprintable():
        raise SettingsError(f"setting {name!r}: expected an address that begins with https://, such as {usual}")
    if parts.username or parts.password:
        raise SettingsError(f"setting {name!r}: it holds credentials; they belong into {credential!r}")
    if parts.scheme == "http" and parts.hostname not in _LOCAL_HOSTS:
        raise SettingsError(f"setting {name!r}: use https, or {credential!r} would travel in clear text")
    return url.rstrip("/")


def text_list(name: str, value: Any) -> tuple[str, ...]:
    """Read a list that may be given as text: a JSON array, or words with commas between them.

    Args:
        name: The setting that holds it.
        value: Its value; None for none.

    Returns:
        Its entries as text, free of blanks and repeats.

    Raises:
        SettingsError: The text begins like a JSON array and is none.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
        except ValueError:
            raise SettingsError(f"setting {name!r}: expected a JSON array or a comma-separated text") from None
    texts = (str(entry).strip() for entry in value or ())
    return tuple(dict.fromkeys(text for text in texts if text))


def misspelt(name: str, known: Collection[str]) -> str | None:
    """The setting, of all that there are, that was meant by one that is not known; None where it is like none."""
    return nearest(name, known, _WRITTEN_WRONG)


def without_value(error: Any) -> str:
    """Say what is wrong with a setting, without its value; given an error of jsonschema."""
    if error.validator == "required":
        # One error for each setting that is missing: only its message says for which.
        name = next(name for name in error.validator_value if error.message.startswith(repr(name)))
        return f"setting {name!r} is missing"
    name = ".".join(str(part) for part in error.absolute_path) or "configuration"
    rule = error.validator_value
    if error.validator == "type":
        kinds = [kind for kind in ([rule] if isinstance(rule, str) else rule) if kind != "null"]
        return f"setting {name!r}: expected {' or '.join(kinds)}"
    if error.validator == "enum":
        return f"setting {name!r}: expected one of {', '.join(str(value) for value in rule)}"
    return f"setting {name!r}: it breaks the rule {error.validator} {rule}"
