"""Settings are checked without quoting them: a value may be a secret, even where none belongs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import JSONSchemaValidator, PluginBase

from marketplace_singer.environment import settings_from_environment
from marketplace_singer.errors import SettingsError

if TYPE_CHECKING:
    import click

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class StrictSettings(PluginBase):
    """A plugin whose settings fit or are refused, and whose messages about them name the setting and no value."""

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805
        cls.append_builtin_config(cls.config_jsonschema)
        return settings_from_environment(cls.config_jsonschema, cls._env_var_prefix)

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read the files given by `--config`.

        Raises:
            SettingsError: One of them is not there, or is not JSON.
        """
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, TypeError, ValueError) as error:
            raise SettingsError(f"a file given by --config cannot be read as JSON ({type(error).__name__})") from None

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        self.append_builtin_config(self.config_jsonschema)
        validator = JSONSchemaValidator(self.config_jsonschema)
        errors = [_without_value(error) for error in validator.iter_errors(self._config)]
        if errors and raise_errors:
            raise SettingsError("; ".join(errors))
        return errors


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


def _without_value(error: Any) -> str:
    """What is wrong with a setting, without its value."""
    if error.validator == "required":
        name = next(name for name in error.validator_value if name not in error.instance)
        return f"setting {name!r} is missing"
    name = ".".join(str(part) for part in error.absolute_path) or "configuration"
    rule = error.validator_value
    if error.validator == "type":
        kinds = [kind for kind in ([rule] if isinstance(rule, str) else rule) if kind != "null"]
        return f"setting {name!r}: expected {' or '.join(kinds)}"
    if error.validator == "enum":
        return f"setting {name!r}: expected one of {', '.join(str(value) for value in rule)}"
    return f"setting {name!r}: it breaks the rule {error.validator} {rule}"
