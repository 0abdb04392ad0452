"""Settings from environment variables and `.env`: text that does not fit a setting is refused, not guessed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from dotenv import dotenv_values

from marketplace_singer.errors import SettingsError
from marketplace_singer.settings import misspelt

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def settings_from_environment(schema: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The settings that the environment gives, and those that only `.env` in the current directory does.

    Of that file nothing else is taken, such as a proxy that would see the token; nor is a file of a directory above,
    into which others may write.

    Args:
        schema: JSON schema of the settings.
        prefix: What the names of the variables begin with.

    Raises:
        SettingsError: A value does not fit its setting; the message does not quote it. Or a variable is written wrong,
            or `.env` cannot be read.
    """
    try:
        given = {**dotenv_values(Path(".env")), **os.environ}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env cannot be read ({type(error).__name__}): make it a text that you may read") from None
    names = {variable.removeprefix(prefix).lower() for variable in given if variable.startswith(prefix)}
    for name in sorted(names - schema["properties"].keys()):
        if meant := misspelt(name, schema["properties"]):
            variable, right = f"{prefix}{name.upper()}", f"{prefix}{meant.upper()}"
            raise SettingsError(f"environment variable {variable} is not known; did you mean {right}?")
    found = {}
    for name, rule in schema["properties"].items():
        variable = f"{prefix}{name.upper()}"
        text = given.get(variable)
        if text is not None:
            if not text.strip() and not _takes_text(rule):
                continue  # a line that nobody filled in
            try:
                found[name] = _read(text, rule)
            except ValueError as error:
                raise SettingsError(f"environment variable {variable}: expected {error}") from None
    return found


def _kinds(rule: Mapping[str, Any]) -> set[str]:
    kinds = rule.get("type", "string")
    return {kinds} if isinstance(kinds, str) else set(kinds)


def _takes_text(rule: Mapping[str, Any]) -> bool:
    return "string" in _kinds(rule)


def _read(text: str, rule: Mapping[str, Any]) -> Any:
    kinds = _kinds(rule)
    if _takes_text(rule) and not ("object" in kinds and text.lstrip().startswith("{")):
        return text
    if "boolean" in kinds:
        if text.strip().lower() not in _BOOLEANS:
            raise ValueError("true or false")
        return _BOOLEANS[text.strip().lower()]
    if kinds & {"integer", "number"}:
        try:
            return int(text) if "integer" in kinds else float(text)
        except ValueError:
            raise ValueError("a number") from None
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise ValueError("JSON") from None
