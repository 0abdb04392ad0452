"""A private directory for the files of one run, and the removal of those that killed runs left behind."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import shutil
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "tap-atlassian-marketplace-"
_NAME = re.compile(rf"{_PREFIX}[a-z0-9_]{{8}}")  # as `mkdtemp` makes it; a person may give a name like it
_LOCK = "owner.lock"
_LOCK_TO_BE = f"{_LOCK}.new"
_MARKS = (_LOCK, _LOCK_TO_BE)
_WITHOUT_LOCK = "owner.unlocked"
_MOST_LOOKED_AT = 1000
_SECONDS_UNTIL_LOCKED = 3600.0

_logger = logging.getLogger("tap-atlassian-marketplace")


class SpoolDirectory:
    """A new directory that only this user can read, kept until it is removed or its process is gone.

    While the process lives it holds a lock in it, so that other runs leave it alone. The system drops the lock of
    whatever process ends, also of one that was killed; the next run removes what that left. (Windows has no such
    locks: there nothing is removed but what a run removes itself.) Only what bears the mark of a run, its lock, is
    removed with what is in it, whatever it is called. Where the file system knows no locks, nobody can tell whether its
    owner lives, so no other run removes it.

    Args:
        parent: Where to make it; None for the system's directory for temporary files.

    Attributes:
        path: The directory.

    Raises:
        SpoolError: It cannot be made.
    """

    def __init__(self, parent: str | None) -> None:
        try:
            if parent:
                Path(parent).mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_abandoned(Path(parent or tempfile.gettempdir()))
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            self._lock = _lock(self.path)
        except OSError as error:
            raise SpoolError(
                f"`spool_dir`: no directory can be made there ({error.strerror}); name one that can be written to."
            ) from None

    def remove(self) -> None:
        """Delete it with all that is in it."""
        _remove(self.path)
        os.close(self._lock)


def _lock(directory: Path) -> int:
    # Locked under another name first: under its own name nobody ever meets it without its lock.
    made = directory / _LOCK_TO_BE
    try:
        descriptor = os.open(made, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        is_locked = _take(descriptor)
        made.rename(directory / (_LOCK if is_locked else _WITHOUT_LOCK))
    except OSError:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    if not is_locked:
        _logger.warning(
            "`spool_dir`: its file system knows no locks, so what a killed run leaves there stays until you remove it."
        )
    return descriptor


def _remove_abandoned(parent: Path) -> None:
    for directory in islice(_own_directories(parent), _MOST_LOOKED_AT):
        # Another run may remove the same one at the same time.
        with contextlib.suppress(OSError):
            if _is_abandoned(directory):
                _remove(directory)


def _remove(directory: Path) -> None:
    """Delete a directory, its marks last: what a kill in between leaves is the next run's to remove."""
    with contextlib.suppress(OSError):
        for path in directory.iterdir():
            if path.name not in _MARKS:
                path.unlink(missing_ok=True)
    shutil.rmtree(directory, ignore_errors=True)


def _own_directories(parent: Path) -> Iterator[Path]:
    with os.scandir(parent) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False) and _is_of_this_user(entry):
                yield Path(entry.path)


def _is_of_this_user(entry: os.DirEntry[str]) -> bool:
    # Where all users share a directory, another's may be a trap, or be so many that one's own are not reached.
    try:
        return entry.stat(follow_symlinks=False).st_uid == os.getuid()
    except FileNotFoundError:  # its run has just ended
        return False


def _is_abandoned(directory: Path) -> bool:
    try:
        descriptor = os.open(directory / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        # Either it is being made this very moment, or its owner died just then, or it is somebody else's.
        if time.time() - directory.stat().st_mtime <= _SECONDS_UNTIL_LOCKED:
            return False
        if (directory / _LOCK_TO_BE).exists():
            return True
        directory.rmdir()  # which fails unless it is empty
        return False
    try:
        return _take(descriptor)
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    """Take the lock if it is free; where the file system has none, it never is."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
