"""Licences with everything that names them, licence by licence, with flat memory: the join is made on disk."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tap_atlassian_marketplace.alias_groups import AliasGroups
from tap_atlassian_marketplace.customers.identity import aliases, identity, license_key, shared_number
from tap_atlassian_marketplace.customers.sales import named_order, order_number
from tap_atlassian_marketplace.customers.twins import one_license
from tap_atlassian_marketplace.hash_index import hash64
from tap_atlassian_marketplace.hash_map import HashMap
from tap_atlassian_marketplace.row_file import private_file
from tap_atlassian_marketplace.row_kinds import TRANSACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from tap_atlassian_marketplace.merging import Row

_BUCKETS = 128  # files that are open at the same time
_LICENSES = "licenses"
_NOBODY = "nobody"  # whose the rows without any id are


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
        licenses: All rows of the licence, more than one where rows of several keys share an id; none where only
            others name it.
        others: The rows that name it, by kind, in the order in which they came.
    """

    licenses: list[Row] = field(default_factory=list)
    others: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    @property
    def license(self) -> Row | None:
        """What all rows of the licence come to; None for rows whose licence is not reported."""
        return one_license(self.licenses) if self.licenses else None


class LicenseJoin:
    """Finds for each row the licence that it names; iterate as often as needed.

    A row names a licence by any of its aliases, or by the number of a multi-instance entitlement, which several
    licences share: then the one with the smallest key gets it. Licences that share an alias are one. Rows that name no
    reported licence stay together where they share an alias, directly or by way of others. A refund without any id goes
    with the order that it names, if all of that is one licence's; other rows without any id are one group of their own.

    Memory grows by 12 bytes for each alias of a licence, reported or not, by up to 16 more while the aliases are
    gathered, and by what a hundredth of all rows takes.

    Args:
        directory: An existing private directory for the files of the join.
        licenses: All licences, each once; gone through more than once.
        others: Rows of other reports, by kind.

    Attributes:
        parts: Files with about as many licences each, to be read by `read_part`.
    """

    def __init__(self, directory: Path, licenses: Iterable[Row], others: Mapping[str, Iterable[Row]]) -> None:
        self.parts = [directory / f"join-{number}.jsonl" for number in range(_BUCKETS)]
        self._own = AliasGroups(_Pairs(licenses, shared=False))
        self._shared = HashMap(_Pairs(licenses, shared=True))
        unlisted = directory / "join-unlisted.jsonl"
        with ExitStack() as opened:
            files = [opened.enter_context(private_file(path)) for path in self.parts]
            for row in licenses:
                key = license_key(row) or ""
                _write(files, self._own.get(key) or 0, _LICENSES, row)
            with private_file(unlisted) as aside:
                for kind, rows in others.items():
                    for row in rows:
                        group = self._group(row)
                        _write([aside] if group is None else files, group or 0, kind, row)
            groups = AliasGroups(_pairs(line.row for line in _lines(unlisted)))
            orders = self._orders(unlisted, groups, others.get(TRANSACTIONS, ()))
            for line in _lines(unlisted):
                if name := next(iter(aliases(line.row)), None):
                    group = groups.get(name) or hash64(name)
                else:
                    group = orders.get(named_order(line.row) or "") or hash64(_NOBODY)
                _write(files, group, line.kind, line.row)
        unlisted.unlink()

    def __iter__(self) -> Iterator[Joined]:
        """Give all licences, and groups of rows without one, always in the same order."""
        for part in self.parts:
            yield from read_part(part)

    def _orders(self, unlisted: Path, groups: AliasGroups, sales: Iterable[Row]) -> dict[str, int]:
        """Give the licence of each order that a row without any id names, but not where it is of several licences."""
        nameless = (line.row for line in _lines(unlisted) if line.kind == TRANSACTIONS and not aliases(line.row))
        wanted = {order for row in nameless if (order := named_order(row))}
        found: dict[str, set[int]] = {}
        for row in sales if wanted else ():
            order = order_number(str(row.get("transactionId")))
            if order in wanted and (names := aliases(row)):
                found.setdefault(order, set()).add(self._group(row) or groups.get(names[0]) or 0)
        return {order: licenses.pop() for order, licenses in found.items() if len(licenses) == 1}

    def _group(self, row: Row) -> int | None:
        names = aliases(row)
        for name in names:
            if group := self._own.get(name):
                return group
        keys = (self._shared.get(name) for name in names)
        return next((self._own.get_by_hash(key) for key in keys if key), None)


def read_part(path: Path) -> Iterator[Joined]:
    """Give the licences of a part of a join, and groups of rows without one, always in the same order."""
    groups: dict[int, Joined] = defaultdict(Joined)
    for line in _lines(path):
        joined = groups[line.group]
        (joined.licenses if line.kind == _LICENSES else joined.others[line.kind]).append(line.row)
    for group in sorted(groups):
        yield groups.pop(group)


@dataclass(frozen=True)
class _Pairs:
    """The key and the aliases of licences, each with the key of its licence; iterate as often as needed."""

    licenses: Iterable[Row]
    shared: bool

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for row in self.licenses:
            if not self.shared:
                found = identity(row)
                key = found.key or ""
                yield key, key
                for alias in found.aliases:
                    yield alias, key
            elif number := shared_number(row):
                yield number, license_key(row) or ""


def _pairs(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Give the aliases that come together."""
    for row in rows:
        names = aliases(row)
        for name in names:
            yield name, names[0]


def _lines(path: Path) -> Iterator[_Line]:
    with path.open("rb") as file:
        yield from map(_decode, file)


def _write(files: list[BinaryIO], group: int, kind: str, row: Row) -> None:
    files[group % _BUCKETS].write(_encode(_Line(group, kind, row)) + b"\n")
