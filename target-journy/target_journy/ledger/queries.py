"""How the tables of the ledger are read and written: always one destination, in chunks, on SQLite and PostgreSQL."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Table, TextClause

_CHUNK = 500  # below the number of parameters that old SQLite versions take


class Queries:
    """Reads and writes of one destination within one database transaction."""

    def __init__(self, connection: Connection, destination: int) -> None:
        self.connection = connection
        self.destination = destination

    def select(self, table: Table, *columns: Any) -> Any:
        """A query for the rows of this destination."""
        return select(*(columns or (table,))).select_from(table).where(table.c.destination == self.destination)

    def delete(self, table: Table) -> Any:
        """A statement that deletes rows of this destination."""
        return delete(table).where(table.c.destination == self.destination)

    def lookup(
        self,
        table: Table,
        column: Any,
        keys: Iterable[str],
        condition: Any = None,
        columns: Sequence[Any] = (),
    ) -> Iterator[Row[Any]]:
        """Rows whose column is among some keys, asked for in chunks."""
        for chunk in chunks(list(dict.fromkeys(keys))):
            query = self.select(table, *columns).where(column.in_(chunk))
            yield from self.connection.execute(query if condition is None else query.where(condition))

    def upsert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Insert rows, or replace those with the same primary key."""
        if rows:
            rows = [{"destination": self.destination, **row} for row in rows]
            self.connection.execute(_insert(table, tuple(rows[0]), replace=True), rows)

    def insert_new(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Insert rows, except those whose primary key is there already."""
        if rows:
            rows = [{"destination": self.destination, **row} for row in rows]
            self.connection.execute(_insert(table, tuple(rows[0]), replace=False), rows)


@cache
def _insert(table: Table, names: tuple[str, ...], *, replace: bool) -> TextClause:
    """An insert that both databases read; as text, because SQLAlchemy compiles its own such insert for every call."""
    keys = [column.name for column in table.primary_key]
    new = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in keys)
    columns, values = ", ".join(f'"{name}"' for name in names), ", ".join(f":{name}" for name in names)
    conflict = f"({', '.join(keys)}) DO UPDATE SET {new}" if replace else "DO NOTHING"
    return text(f"INSERT INTO {table.name} ({columns}) VALUES ({values}) ON CONFLICT {conflict}")  # noqa: S608


def may_name(column: Any, person: str) -> ColumnElement[bool]:
    """A condition for all that may name a person, and somewhat more: whoever reads it finds out with `Naming`.

    A database cannot: SQLite and PostgreSQL do not agree on the case of letters, and JSON writes some characters as
    others. So both look for what stands between those, in any case.

    Args:
        column: Texts, or JSON.
        person: An e-mail address or id.
    """
    plain = re.sub(r"[^a-z0-9@.+-]+", "%", person.lower())
    found: ColumnElement[bool] = func.lower(column).like(f"%{plain}%")
    return found


def as_row(item: Any) -> dict[str, Any]:
    """A dataclass as a row."""
    return {name: getattr(item, name) for name in item.__slots__}


def chunks(items: list[Any]) -> Iterator[list[Any]]:
    """A list in parts that fit into one statement."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
