"""Files that hold people's data: only their owner may read them, whoever made them before."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def open_private(path: Path, flags: int) -> int:
    """Open a file, making it and its folder if need be, and take it from everybody else.

    Args:
        path: The file.
        flags: As for `os.open`.

    Returns:
        The file descriptor.

    Raises:
        OSError: It cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def check_writable(path: Path) -> None:
    """See whether a file could be made, with its folder, or added to; nothing is left behind.

    Raises:
        OSError: It could not.
    """
    if path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
        return
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    with tempfile.TemporaryFile(dir=folder):
        pass
