"""What earlier runs imported, so that nothing is imported twice and no key goes to another customer."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import threading
from hashlib import blake2b, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from marketplace_singer import SettingsError, open_private
from target_atlassian_marketplace.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETTING = "results_path"
_NAMES = ("id", "app_key", "host", "request")
_WITHDRAWN = "withdrawn"
_OWN = "imported"
_UNKNOWN = "already_imported"

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


class ResultPaths(NamedTuple):
    """The results and the files that stand beside them."""

    results: Path
    unverified: Path
    attempts: Path
    lock: Path
    preview: Path

    @classmethod
    def of(cls, path: Path) -> ResultPaths:
        """The files of `results_path`; a link is followed, so that all runs mean the same ones."""
        results = Path(os.path.realpath(path))
        beside = (f".{name}{results.suffix}" for name in ("unverified", "attempts", "lock", "dry-run"))
        return cls(results, *map(results.with_suffix, beside))


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
        host: Host and port of the License Service; those of one app must not mix.
        read_only: Only look, as in a dry run; otherwise no other run may use the files until `close`.

    Raises:
        SettingsError: The files cannot be used, or another run uses them.
    """

    def __init__(self, path: Path, app_key: str, host: str, *, read_only: bool = False) -> None:
        paths = ResultPaths.of(path)
        self.path = paths.results
        self.unverified_path = paths.unverified
        self._app_key = app_key
        self._host = host
        self._guard = threading.Lock()
        self._lock = None if read_only else _lock(paths.lock)
        self._attempts = Journal(paths.attempts, _SETTING)
        self._imported = Journal(paths.results, _SETTING)
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
        """Whether the results have the licence, imported with this very request.

        Args:
            id_: The vendor's name for the licence.
            request: Fingerprint of the request.
        """
        return self._known_imported.get(_short(id_)) == _short(request)

    def unverified(self, id_: str) -> bool:
        """Whether the licence was found to be in the service already, whosever it is."""
        return _short(id_) in self._known_unverified

    def is_as_unverified(self, id_: str, request: str) -> bool:
        """Whether the licence was found in the service already when this very request was sent."""
        return self._known_unverified.get(_short(id_)) == _short(request)

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
            self._attempts.add(self._line(id_, request))
            self._attempted[_short(id_)] = _short(request)

    def withdraw(self, id_: str, request: str) -> None:
        """Note that an attempt certainly made no licence: one that is met later under its id is not our own.

        Raises:
            SettingsError: It cannot be noted.
        """
        with self._guard:
            self._attempts.add({**self._line(id_, request), _WITHDRAWN: True})
            self._attempted.pop(_short(id_), None)

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
            **self._line(licence.id, request),
            "sen": licence.sen,
            "licenseKey": licence.license_key,
            "status": _OWN if verified else _UNKNOWN,
            "http_status": status,
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

    def _line(self, id_: str, request: str) -> dict[str, Any]:
        return {"id": id_, "app_key": self._app_key, "host": self._host, "time": _now(), "request": request}

    def _known(self, journal: Journal) -> dict[int, int]:
        known: dict[int, int] = {}
        names = _NAMES if journal is self._attempts else (*_NAMES, "licenseKey")
        for number, line in enumerate(journal.lines(), 1):
            if lacking := [name for name in names if not (isinstance(line.get(name), str) and line[name])]:
                raise SettingsError(
                    f"setting {_SETTING!r}: line {number} of {str(journal.path)!r} lacks {', '.join(lacking)}; "
                    "restore the file, which tells what was imported already"
                )
            if line["app_key"] != self._app_key:
                continue
            if line["host"] != self._host:
                if journal is self._attempts:
                    continue  # an address that was wrong at first
                raise SettingsError(
                    f"setting {_SETTING!r}: {str(journal.path)!r} has licences of this app that were made at "
                    f"{line['host']!r}, not at {self._host!r}; give each service a file of its own"
                )
            if journal is self._imported and line.get("status") == _UNKNOWN:
                raise SettingsError(
                    f"setting {_SETTING!r}: line {number} of {str(journal.path)!r} is of a licence that this import "
                    f"did not make. If you know that it is this customer's, write {_OWN!r} for its status; otherwise "
                    "take it out"
                )
            if line.get(_WITHDRAWN):
                known.pop(_short(line["id"]), None)
            else:
                known[_short(line["id"])] = _short(line["request"])
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
