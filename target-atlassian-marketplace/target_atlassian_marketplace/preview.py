"""What a dry run would send, masked: enough to see that the right columns arrive in the right fields."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from marketplace_singer import SettingsError, open_private

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from target_atlassian_marketplace.intake import Entry

_SHOWN = frozenset({"id", "isoCountryCode", "startDate", "endDate", "licenseType", "users"})


class Preview:
    """A file of JSON lines, one a record that would be sent or rejected; an older one is replaced.

    Args:
        path: The file.

    Raises:
        SettingsError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.fdopen(open_private(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), "wb")
        except OSError as error:
            raise self._unusable(error) from None

    def send(self, entry: Entry, request: Mapping[str, Any]) -> None:
        """Show a request."""
        shown = {name: value if name in _SHOWN else mask(str(value)) for name, value in request.items()}
        self._add({"record": entry.number, "would": "send", "request": shown})

    def reject(self, entry: Entry, problems: Sequence[str]) -> None:
        """Show why a record would be rejected."""
        self._add({"record": entry.number, "id": entry.id, "would": "reject", "problems": problems})

    def close(self) -> None:
        """Close the file."""
        try:
            self._file.close()
        except OSError as error:
            raise self._unusable(error) from None

    def _add(self, line: Mapping[str, Any]) -> None:
        try:
            self._file.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> SettingsError:
        return SettingsError(f"setting 'results_path': cannot write {str(self.path)!r} ({error.strerror})")


def mask(text: str) -> str:
    """Leave the first character of each word, and what is between the words.

    >>> mask("jane.doe@acme.example")
    'j***.d***@a***.e***'
    """
    masked, inside = [], False
    for character in text:
        if character.isalnum():
            masked += [] if inside else [character, "***"]
            inside = True
        else:
            masked.append(character)
            inside = False
    return "".join(masked)
