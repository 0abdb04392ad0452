"""What earlier runs imported, so that nothing is imported twice and no key goes to another customer."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import threading
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from marketplace_singer import SettingsError, open_private
from target_atlassian_marketplace.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SETTING = "results_path"


_Text = Annotated[str, msgspec.Meta(min_length=1)]


class License(msgspec.Struct, frozen=True, rename="camel"):
    """A licence as the service gives it.

    Attributes:
        id: The vendor's own name for it.
        sen: Atlassian's support entitlement number.
        license_key: What the customer enters. A secret.
    """

    id: _Text
    sen: _Text
    license_key: _Text


def fingerprint(request: Mapping[str, Any]) -> str:
    """SHA-256 of a request, in hexadecimal; whatever order its fields have."""
    return sha256(msgspec.json.encode(request, order="sorted")).hexdigest()


class Results:
    """The files of one app's import.

    The results hold keys that can be handed out. Beside them stand two more files, named after them: `.unverified`
    holds keys of licences that the service had already, about which nobody here knows whose they are; `.attempts`
    tells what was about to be sent, so that a licence whose answer was lost is known as our own when it is met again.

    Args:
        path: File of the results.
        app_key: The app; other apps may share the files.
        read_only: Only look, as in a dry run; otherwise no other run may use the files until `close`.

    Raises:
        SettingsError: The files cannot be used, or another run uses them.
    """

    def __init__(self, path: Path, app_key: str, *, read_only: bool = False) -> None:
        self.path = path
        self.unverified_path = path.with_suffix(f".unverified{path.suffix}")
        self._app_key = app_key
        self._guard = threading.Lock()
        self._lock = None if read_only else _lock(path.with_suffix(f".lock{path.suffix}"))
        self._attempts = Journal(path.with_suffix(f".attempts{path.suffix}"), _SETTING)
        self._imported = Journal(path, _SETTING)
        self._unverified = Journal(self.unverified_path, _SETTING)
        try:
            self._attempted = self._known(self._attempts)
            self._known_imported = self._known(self._imported)
            self._known_unverified = self._known(self._unverified)
        except BaseException:
            self.close()
            raise

    def imported(self, id_: str) -> bool:
        """Whether the results have the licence."""
        return _short(id_) in self._known_imported

    def is_as_imported(self, id_: str, request: str) -> bool:
        """Whether a licence that the results have was imported with this very request.

        Args:
            id_: The vendor's name for the licence.
            request: Fingerprint of the request.
        """
        return self._known_imported[_short(id_)] == _short(request)

    def unverified(self, id_: str) -> bool:
        """Whether the licence was found to be in the service already, whosever it is."""
        return _short(id_) in self._known_unverified

    def attempted(self, id_: str, request: str) -> bool:
        """Whether this very request was about to be sent before, and nothing is known of the answer."""
        with self._guard:
            return self._attempted.get(_short(id_)) == _short(request)

    def attempt(self, id_: str, request: str) -> None:
        """Note that a request is about to be sent.

        Raises:
            SettingsError: It cannot be noted.
        """
        with self._guard:
            self._attempts.add({"id": id_, "app_key": self._app_key, "time": _now(), "request": request})
            self._attempted[_short(id_)] = _short(request)

    def keep(self, licence: License, request: str, *, status: int, verified: bool) -> None:
        """Keep a licence; when this returns it is on disk.

        Args:
            licence: The licence.
            request: Fingerprint of the request that got it.
            status: The HTTP status of the answer.
            verified: It was imported by this request, so its key may be handed out.

        Raises:
            SettingsError: It cannot be kept.
        """
        line = {
            "id": licence.id,
            "sen": licence.sen,
            "licenseKey": licence.license_key,
            "app_key": self._app_key,
            "status": "imported" if verified else "already_imported",
            "http_status": status,
            "time": _now(),
            "request": request,
        }
        with self._guard:
            (self._imported if verified else self._unverified).add(line)
            known = self._known_imported if verified else self._known_unverified
            known[_short(licence.id)] = _short(request)

    def close(self) -> None:
        """Release the files."""
        for journal in (self._attempts, self._imported, self._unverified):
            journal.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _known(self, journal: Journal) -> dict[int, int]:
        known = {}
        for number, line in enumerate(journal.lines(), 1):
            id_, app_key, request = line.get("id"), line.get("app_key"), line.get("request")
            if not (isinstance(id_, str) and isinstance(app_key, str) and isinstance(request, str)):
                raise SettingsError(
                    f"setting {_SETTING!r}: line {number} of {str(journal.path)!r} lacks id, app_key or request; "
                    "restore the file, which tells what was imported already"
                )
            if app_key == self._app_key:
                known[_short(id_)] = _short(request)
        return known


def _short(text: str) -> int:
    """64 bits of a hash: a file may know millions of ids."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _now() -> str:
    return dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")


def _lock(path: Path) -> int:
    try:
        descriptor = open_private(path, os.O_CREAT | os.O_RDWR)
    except OSError as error:
        raise SettingsError(f"setting {_SETTING!r}: cannot write {str(path)!r} ({error.strerror})") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise SettingsError(f"setting {_SETTING!r}: another run uses {str(path)!r}; wait until it has ended") from None
    return descriptor
