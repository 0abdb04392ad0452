"""Licences with everything that names them, licence by licence, with flat memory: the join is made on disk."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tap_atlassian_marketplace.customers.identity import account_id, aliases, license_key
from tap_atlassian_marketplace.hash_index import hash64
from tap_atlassian_marketplace.hash_map import HashMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from tap_atlassian_marketplace.merging import Row

_BUCKETS = 128  # files that are open at the same time
_LICENSES = "licenses"
_BUFFER = 1 << 16


class _Line(msgspec.Struct, array_like=True):
    group: int
    kind: str
    row: dict[str, Any]


_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(_Line, float_hook=Decimal).decode


@dataclass(slots=True)
class Joined:
    """A licence and the rows that name it.

    Attributes:
        license: The licence; None for rows of one account whose licence is not reported.
        others: The rows that name it, by kind, in the order in which they came.
    """

    license: Row | None = None
    others: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))


class LicenseJoin:
    """Finds for each row the licence that it names; iterate as often as needed.

    A row names a licence by any of its aliases, or by the number of a multi-instance entitlement, which several
    licences share: then the one with the smallest key gets it. Rows that name no reported licence stay together
    account by account; those without any id are one group of their own.

    Memory grows by 16 bytes for each alias of a licence, and by what a hundredth of all rows takes.

    Args:
        directory: An existing private directory for the files of the join.
        licenses: All licences, each once; gone through more than once.
        others: Rows of other reports, by kind.

    Attributes:
        parts: Files with about as many licences each, to be read by `read_part`.
    """

    def __init__(self, directory: Path, licenses: Iterable[Row], others: Mapping[str, Iterable[Row]]) -> None:
        self.parts = [directory / f"join-{number}.jsonl" for number in range(_BUCKETS)]
        self._own = HashMap(_Pairs(licenses, shared=False))
        self._shared = HashMap(_Pairs(licenses, shared=True))
        with ExitStack() as opened:
            files = [opened.enter_context(private_file(path)) for path in self.parts]
            for row in licenses:
                _write(files, hash64(license_key(row) or ""), _LICENSES, row)
            for kind, rows in others.items():
                for row in rows:
                    _write(files, self._group(row), kind, row)

    def __iter__(self) -> Iterator[Joined]:
        """Give all licences, and groups of rows without one, always in the same order."""
        for part in self.parts:
            yield from read_part(part)

    def _group(self, row: Row) -> int:
        names = aliases(row)
        for index in (self._own, self._shared):
            for name in names:
                if (group := index.get(name)) is not None:
                    return group
        return hash64(f"account {account_id(row) or ''}")


def read_part(path: Path) -> Iterator[Joined]:
    """Give the licences of a part of a join, and groups of rows without one, always in the same order."""
    groups: dict[int, Joined] = defaultdict(Joined)
    with path.open("rb") as file:
        for text in file:
            line = _decode(text)
            if line.kind == _LICENSES:
                groups[line.group].license = line.row
            else:
                groups[line.group].others[line.kind].append(line.row)
    for group in sorted(groups):
        yield groups.pop(group)


@dataclass(frozen=True)
class _Pairs:
    """The aliases of licences, each with the key of its licence; iterate as often as needed."""

    licenses: Iterable[Row]
    shared: bool

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for row in self.licenses:
            key = license_key(row) or ""
            if not self.shared:
                for alias in aliases(row):
                    yield alias, key
            elif number := row.get("multiInstanceEntitlementNumber"):
                yield str(number), key


def _write(files: list[BinaryIO], group: int, kind: str, row: Row) -> None:
    files[group % _BUCKETS].write(_encode(_Line(group, kind, row)) + b"\n")


def private_file(path: Path) -> BinaryIO:
    """Open a new file that only this user can read."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb", _BUFFER)
