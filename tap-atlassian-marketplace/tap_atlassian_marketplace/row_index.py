"""What tells the rows of an export apart, known once the export is found to be whole."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.hash_index import NO_HASH, hash64
from tap_atlassian_marketplace.json_array import read_checked

if TYPE_CHECKING:
    from pathlib import Path

    from tap_atlassian_marketplace.row_kinds import RowKind


def key_hashes(path: Path, kind: RowKind) -> array[int]:
    """Give the hash of the key of each row, in the order of the file; 8 bytes a row.

    Args:
        path: An export.
        kind: What identifies its rows.

    Returns:
        Hashes; `NO_HASH` stands for a row without a key.

    Raises:
        BrokenArrayError: The file is no whole array of objects in UTF-8, as `read_rows` needs it.
    """
    with path.open("rb") as file:
        keys = map(kind.key, read_checked(file, kind.decoder, kind.name))
        return array("Q", (hash64(key) if key else NO_HASH for key in keys))
