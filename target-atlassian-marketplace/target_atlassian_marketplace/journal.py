"""A file of JSON lines that is only added to, and holds on disk what it took before it says so."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import msgspec

from marketplace_singer import SettingsError, open_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Journal:
    """JSON lines for their owner only.

    A process that is killed while it writes leaves half a line at the end. What that line would have said was never
    relied on, so the next one cuts it off. A whole line without its end, as some editors leave it, is kept.

    Args:
        path: The file; it is made with the first line.
        setting: The setting that names it.
    """

    def __init__(self, path: Path, setting: str) -> None:
        self.path = path
        self._setting = setting
        self._descriptor: int | None = None

    def lines(self) -> Iterator[dict[str, Any]]:
        """Read what is there.

        Raises:
            SettingsError: The file cannot be read, or holds something else.
        """
        try:
            if not self.path.exists():
                return
            with self.path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line.endswith(b"\n") or _is_whole(line):
                        yield self._decoded(line, number)
        except OSError as error:
            raise self._unusable("read", error) from None

    def add(self, line: Mapping[str, Any]) -> None:
        """Add a line; when this returns it is on disk.

        Raises:
            SettingsError: It cannot be written.
        """
        try:
            if self._descriptor is None:
                self._descriptor = self._open()
            self._write(self._descriptor, msgspec.json.encode(line) + b"\n")
        except OSError as error:
            raise self._unusable("write", error) from None

    def _open(self) -> int:
        """Open the file for writing, behind its last whole line."""
        descriptor = open_private(self.path, os.O_CREAT | os.O_RDWR)
        try:
            end = _end_of_last_line(descriptor)
            size = os.fstat(descriptor).st_size
            if _is_whole(os.pread(descriptor, size - end, end)):
                end = size + os.pwrite(descriptor, b"\n", size)
            os.ftruncate(descriptor, end)
            os.lseek(descriptor, end, os.SEEK_SET)
            _sync_folder(self.path.parent)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, descriptor: int, content: bytes) -> None:
        end = os.lseek(descriptor, 0, os.SEEK_CUR)
        try:
            while content:
                content = content[os.write(descriptor, content) :]
            os.fsync(descriptor)
        except OSError:
            self.close()  # opened again, the file loses what still is of half a line
            with contextlib.suppress(OSError):
                os.truncate(self.path, end)
            raise

    def _decoded(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            return msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError):
            raise SettingsError(
                f"setting {self._setting!r}: line {number} of {str(self.path)!r} is no JSON object; restore the file, "
                "which tells what was imported already"
            ) from None

    def _unusable(self, what: str, error: OSError) -> SettingsError:
        return SettingsError(f"setting {self._setting!r}: cannot {what} {str(self.path)!r} ({error.strerror})")


def _is_whole(line: bytes) -> bool:
    """Whether a line is a JSON object; the beginning of one never is."""
    try:
        msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """Keep a new file's name on disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _end_of_last_line(descriptor: int) -> int:
    """Where the last whole line ends, in bytes."""
    end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - 4096)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
