"""What was delivered to journy.io last, what still waits, and what was refused: a small database beside the loader."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from target_journy import ledger_schema as tables
from target_journy.database import open_database
from target_journy.folding import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection, Row, Table

    from target_journy.folding import Entity

_CHUNK = 500  # below the number of parameters that old SQLite versions take


class LedgerError(Exception):
    """The ledger cannot be used; the message says which setting to look at, and holds no password."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A role on a licence and who holds it."""

    slot: str
    account: str | None
    email: str | None
    reference: str | None
    waiting_stream: str | None = None
    waiting_run: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An event that was seen; its body is kept until it is delivered."""

    event_id: str
    state: str
    account: str | None
    body: str | None
    reason: str | None = None
    waiting_stream: str | None = None
    waiting_run: str | None = None


class Ledger:
    """A ledger, seen from one destination.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database.
        destination: Transport, host and port, and workspace.

    Raises:
        LedgerError: The database cannot be opened.
    """

    def __init__(self, url: str, destination: str) -> None:
        try:
            parsed = make_url(url)
            self._engine = open_database(parsed)
            tables.metadata.create_all(self._engine)
            with self._engine.begin() as connection:
                self._destination = _destination_id(connection, destination)
        except (ArgumentError, NoSuchModuleError, ValueError):
            raise LedgerError(
                "setting 'ledger_url': no URL of SQLite or PostgreSQL, such as sqlite:///ledger.db"
            ) from None
        except (SQLAlchemyError, OSError) as error:
            raise LedgerError(
                f"setting 'ledger_url': the ledger at {parsed.render_as_string(hide_password=True)} cannot be "
                f"opened ({_cause(error)})"
            ) from None

    @contextmanager
    def transaction(self) -> Iterator[LedgerTransaction]:
        """Work on the ledger; all of it is kept when the block ends, nothing when it raises.

        Raises:
            LedgerError: The database failed.
        """
        try:
            with self._engine.begin() as connection:
                yield LedgerTransaction(connection, self._destination)
        except SQLAlchemyError as error:
            raise LedgerError(f"setting 'ledger_url': the ledger failed ({_cause(error)})") from None

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Let everything inside happen to the ledger and be undone at the end, for a dry run."""
        with self._engine.connect() as connection, connection.begin() as outer:
            original, self._engine = self._engine, _Rehearsed(connection)  # type: ignore[assignment] # has begin()
            try:
                yield
            finally:
                self._engine = original
                outer.rollback()

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


class _Rehearsed:
    """Stands for the engine while a rehearsal runs: all its transactions are one, which is undone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        yield self._connection


class LedgerTransaction:
    """Reads and writes of one destination within one database transaction."""

    def __init__(self, connection: Connection, destination: int) -> None:
        self._connection = connection
        self._destination = destination

    def is_empty(self) -> bool:
        """Whether nothing was ever delivered to this destination."""
        return not any(
            self._connection.execute(self._select(table).limit(1)).first()
            for table in (tables.entities, tables.events, tables.slots)
        )

    # Accounts and users

    def entities(self, kind: str, keys: Iterable[str]) -> dict[str, Entity]:
        """The known accounts or users among some keys."""
        table = tables.entities
        rows = self._lookup(table, table.c.key, keys, table.c.kind == kind)
        return {row.key: unpack(row.data) for row in rows}

    def save_entities(self, kind: str, entities: dict[str, Entity]) -> None:
        """Keep accounts or users as they are now."""
        self._upsert(
            tables.entities,
            [
                {
                    "kind": kind,
                    "key": key,
                    "data": pack(entity),
                    "pending": entity.must_be_sent,
                    "known": entity.known,
                }
                for key, entity in entities.items()
            ],
        )

    def drop_entity(self, kind: str, key: str) -> None:
        """Forget an account or user."""
        table = tables.entities
        self._connection.execute(self._delete(table).where(table.c.kind == kind, table.c.key == key))

    def pending_entities(self, kind: str) -> list[str]:
        """Keys of the accounts or users that journy.io does not hold as it should."""
        table = tables.entities
        query = self._select(table, table.c.key).where(table.c.kind == kind, table.c.pending)
        return [row.key for row in self._connection.execute(query.order_by(table.c.key))]

    def known(self, kind: str, keys: Iterable[str]) -> set[str]:
        """Those keys whose account or user journy.io has acknowledged."""
        table = tables.entities
        rows = self._lookup(table, table.c.key, keys, and_(table.c.kind == kind, table.c.known), [table.c.key])
        return {row.key for row in rows}

    # Names of accounts

    def accounts_by_alias(self, aliases: Iterable[str]) -> dict[str, str]:
        """The account behind each known alias."""
        table = tables.account_aliases
        return {row.alias: row.account for row in self._lookup(table, table.c.alias, aliases)}

    def add_aliases(self, accounts: dict[str, str]) -> None:
        """Pin aliases to accounts; an alias that is pinned already stays where it is."""
        self._insert_new(
            tables.account_aliases,
            [{"alias": alias, "account": account} for alias, account in accounts.items()],
        )

    def accounts_by_shared_alias(self, aliases: Iterable[str]) -> dict[str, str]:
        """The account of the smallest source behind each alias that several accounts share."""
        table = tables.shared_aliases
        rows = sorted(self._lookup(table, table.c.alias, aliases), key=lambda row: row.source, reverse=True)
        return {row.alias: row.account for row in rows}

    def add_shared_aliases(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Keep that a source's account goes by an alias that others share; rows of alias, source, account."""
        self._insert_new(
            tables.shared_aliases,
            [{"alias": alias, "source": source, "account": account} for alias, source, account in rows],
        )

    # Roles and memberships

    def slots(self, keys: Iterable[str]) -> dict[str, Slot]:
        """The known slots among some keys."""
        table = tables.slots
        return {row.slot: Slot(*row[1:]) for row in self._lookup(table, table.c.slot, keys)}

    def save_slots(self, slots: Iterable[Slot]) -> None:
        """Keep slots as they are now."""
        self._upsert(tables.slots, [_as_row(slot) for slot in slots])

    def orphaned_slots(self) -> list[Slot]:
        """Slots that are held by somebody, but whose account is not known yet."""
        table = tables.slots
        query = self._select(table).where(_is_orphan(table))
        return [Slot(*row[1:]) for row in self._connection.execute(query.order_by(table.c.slot))]

    def holders(self, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those pairs of account and e-mail for which some slot is held."""
        table = tables.slots
        found: set[tuple[str, str]] = set()
        for chunk in _chunks(list(pairs)):
            query = self._select(table, table.c.account, table.c.email).where(
                tuple_(table.c.account, table.c.email).in_(chunk)
            )
            found.update((row.account, row.email) for row in self._connection.execute(query))
        return found

    def holds_any_slot(self, email: str) -> bool:
        """Whether a person still holds a role anywhere."""
        table = tables.slots
        return self._connection.execute(self._select(table).where(table.c.email == email).limit(1)).first() is not None

    def memberships(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The state of those memberships that are known."""
        table = tables.memberships
        states = {}
        for chunk in _chunks(list(pairs)):
            query = self._select(table).where(tuple_(table.c.account, table.c.email).in_(chunk))
            states.update({(row.account, row.email): row.state for row in self._connection.execute(query)})
        return states

    def save_memberships(self, states: dict[tuple[str, str], str], reason: str | None = None) -> None:
        """Keep the state of memberships."""
        self._upsert(
            tables.memberships,
            [
                {"account": account, "email": email, "state": state, "reason": reason}
                for (account, email), state in states.items()
            ],
        )

    def drop_membership(self, account: str, email: str) -> None:
        """Forget a membership that is no more."""
        table = tables.memberships
        self._connection.execute(self._delete(table).where(table.c.account == account, table.c.email == email))

    def pending_memberships(self) -> dict[tuple[str, str], str]:
        """Memberships to add or remove."""
        table = tables.memberships
        query = self._select(table).where(table.c.state.in_(["add", "remove"]))
        rows = self._connection.execute(query.order_by(table.c.account, table.c.email))
        return {(row.account, row.email): row.state for row in rows}

    # Events

    def events(self, ids: Iterable[str]) -> dict[str, Event]:
        """The known events among some ids."""
        table = tables.events
        return {row.event_id: Event(*row[1:]) for row in self._lookup(table, table.c.event_id, ids)}

    def save_events(self, events: Iterable[Event]) -> None:
        """Keep events as they are now."""
        self._upsert(tables.events, [_as_row(event) for event in events])

    def set_event_state(self, event_id: str, state: str, reason: str | None = None) -> None:
        """Note what became of an event; the body of a delivered one is dropped."""
        table = tables.events
        values: dict[str, Any] = {"state": state, "reason": reason}
        if state == "delivered":
            values |= {"body": None, "waiting_stream": None, "waiting_run": None}
        self._connection.execute(
            update(table).where(table.c.destination == self._destination, table.c.event_id == event_id).values(values)
        )

    def undelivered_events(self) -> list[Event]:
        """Events that wait, or whose sending was cut short, those that happened first at the front."""
        table = tables.events
        query = self._select(table).where(table.c.state.in_(["waiting", "sending"]))
        return [Event(*row[1:]) for row in self._connection.execute(query.order_by(table.c.event_id))]

    # Records that could not be mapped

    def reject_record(self, source: str, reason: str) -> bool:
        """Note a record that cannot be mapped.

        Returns:
            Whether that is news.
        """
        table = tables.rejected_records
        known = self._connection.execute(self._select(table).where(table.c.source == source)).first()
        if known is not None and known.reason == reason:
            return False
        self._upsert(table, [{"source": source, "reason": reason}])
        return True

    def waiting(self) -> int:
        """How many operations the ledger holds back."""
        queries = (
            self._select(tables.entities, func.count()).where(tables.entities.c.pending),
            self._select(tables.memberships, func.count()).where(tables.memberships.c.state.in_(["add", "remove"])),
            self._select(tables.slots, func.count()).where(_is_orphan(tables.slots)),
            self._select(tables.events, func.count()).where(tables.events.c.state.in_(["waiting", "sending"])),
        )
        return sum(self._connection.execute(query).scalar_one() for query in queries)

    def _select(self, table: Table, *columns: Any) -> Any:
        return select(*(columns or (table,))).select_from(table).where(table.c.destination == self._destination)

    def _delete(self, table: Table) -> Any:
        return delete(table).where(table.c.destination == self._destination)

    def _lookup(
        self,
        table: Table,
        column: Any,
        keys: Iterable[str],
        condition: Any = None,
        columns: Sequence[Any] = (),
    ) -> Iterator[Row[Any]]:
        for chunk in _chunks(list(dict.fromkeys(keys))):
            query = self._select(table, *columns).where(column.in_(chunk))
            yield from self._connection.execute(query if condition is None else query.where(condition))

    def _upsert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            statement = self._insert(table)
            keys = [column.name for column in table.primary_key]
            new = {name: statement.excluded[name] for name in rows[0] if name not in keys}
            self._connection.execute(
                statement.on_conflict_do_update(index_elements=keys, set_=new),
                [{"destination": self._destination, **row} for row in rows],
            )

    def _insert_new(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            statement = self._insert(table).on_conflict_do_nothing()
            self._connection.execute(statement, [{"destination": self._destination, **row} for row in rows])

    def _insert(self, table: Table) -> Any:
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        return dialect.insert(table)


def _destination_id(connection: Connection, name: str) -> int:
    table = tables.destinations
    if connection.execute(select(tables.info)).first() is None:
        connection.execute(insert(tables.info).values(version=tables.VERSION))
    known = connection.execute(select(table.c.id).where(table.c.name == name)).scalar()
    if known is not None:
        return int(known)
    return int(connection.execute(insert(table).values(name=name).returning(table.c.id)).scalar_one())


def _is_orphan(slots: Table) -> Any:
    return and_(slots.c.account.is_(None), slots.c.email.is_not(None), slots.c.reference.is_not(None))


def _as_row(item: Slot | Event) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__slots__}


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def _cause(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    return type(original).__name__ if not isinstance(original, OSError) else original.strerror or "no access"
