"""Which record asks for which account, user or role, and what nobody asks for any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, distinct, exists, false, func, or_, update

from target_journy.ledger import schema as tables
from target_journy.ledger.entities import may_exist
from target_journy.ledger.queries import Queries, as_row, chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import FromClause

LIVE, LEFT, DELETED = "live", "left", "deleted"


@dataclass(frozen=True, slots=True)
class Claim:
    """A record asks for something.

    Attributes:
        source: The record's stream and key.
        kind: account, user or slot.
        key: Account id, e-mail or slot.
        version: Of its stream, as the tap counts; None where it does not.
    """

    source: str
    kind: str
    key: str
    stream: str
    version: int | None


class Share(NamedTuple):
    """How much of what a stream delivered would be deleted."""

    stream: str
    kind: str
    going: int
    delivered: int

    @property
    def percent(self) -> float:
        """It in percent."""
        return 100 * self.going / self.delivered if self.delivered else 0.0


class Claims(Queries):
    """What records ask for.

    A claim has gone when its record was deleted, or its stream was read as a whole and the record did not come, or
    came and asked for something else. What has only claims that have gone is to be deleted itself.
    """

    def replace_claims(self, sources: Iterable[str], claims: Iterable[Claim]) -> None:
        """Keep what records ask for now; what they asked for before and do not now they have left."""
        table = tables.claims
        self._update_claims(sources, table.c.state == LIVE, state=LEFT)
        self.upsert(table, [{**as_row(claim), "state": LIVE} for claim in claims])

    def confirm_claims(self, sources: Iterable[str], version: int | None) -> None:
        """Note that records came again, in this version of their stream, and ask for what they asked for before."""
        table = tables.claims
        if version is not None:
            self._update_claims(sources, or_(table.c.version.is_(None), table.c.version < version), version=version)
        self._update_claims(sources, table.c.state == DELETED, state=LIVE)

    def delete_claims(self, sources: Iterable[str]) -> set[str]:
        """Note that records were deleted at their source.

        Returns:
            Those that had asked for something.
        """
        table = tables.claims
        known = {row.source for row in self.lookup(table, table.c.source, sources, columns=[table.c.source])}
        self._update_claims(known, table.c.state == LIVE, state=DELETED)
        return known

    def drop_claims(self, kind: str, key: str) -> list[str]:
        """Forget who asks for something.

        Returns:
            The records that did.
        """
        table = tables.claims
        which = and_(table.c.kind == kind, table.c.key == key)
        sources = [row.source for row in self.connection.execute(self.select(table, table.c.source).where(which))]
        self.connection.execute(self.delete(table).where(which))
        return sources

    def save_activation(self, stream: str, version: int) -> None:
        """Note that a stream has been read as a whole."""
        self.upsert(tables.activations, [{"stream": stream, "version": version}])

    def drop_activations(self, *streams: str) -> None:
        """Note that it was acted on, or that it was not so."""
        table = tables.activations
        self.connection.execute(self.delete(table).where(table.c.stream.in_(streams)))

    def activations(self) -> dict[str, int]:
        """The versions of those streams that have been read as a whole."""
        return {row.stream: row.version for row in self.connection.execute(self.select(tables.activations))}

    def newest_version(self, stream: str) -> int | None:
        """The newest version of a stream that was told or that a record came in; None where there is none."""
        found = [
            self.connection.execute(
                self.select(table, func.max(table.c.version)).where(table.c.stream == stream)
            ).scalar()
            for table in (tables.claims, tables.activations)
        ]
        return max((version for version in found if version is not None), default=None)

    def holds_version(self, stream: str, version: int) -> bool:
        """Whether anything at all came in a version of a stream."""
        table = tables.claims
        query = self.select(table, table.c.source).where(table.c.stream == stream, table.c.version >= version)
        return self.connection.execute(query.limit(1)).first() is not None

    def shares(self, activated: Mapping[str, int]) -> list[Share]:
        """How much of what each stream delivered has only claims that have gone."""
        table = tables.claims
        known = exists().where(
            tables.entities.c.destination == self.destination,
            tables.entities.c.kind == table.c.kind,
            tables.entities.c.key == table.c.key,
            may_exist(),
        )
        query = self.select(table, table.c.stream, table.c.kind, func.count(distinct(table.c.key)))
        query = query.where(or_(table.c.kind == "slot", known)).group_by(table.c.stream, table.c.kind)
        delivered = {(stream, kind): count for stream, kind, count in self.connection.execute(query)}
        going = self.connection.execute(query.where(self._is_over(activated)))
        return [Share(stream, kind, count, delivered[stream, kind]) for stream, kind, count in going]

    def over(self, kind: str, activated: Mapping[str, int], *, after: str, limit: int) -> dict[str, list[str]]:
        """Things, by their keys and from one on, that have only claims that have gone.

        Returns:
            By key the records that were deleted and had asked for it.
        """
        table = tables.claims
        query = self.select(table, table.c.key).where(
            table.c.kind == kind, table.c.key > after, self._is_over(activated)
        )
        keys = [row.key for row in self.connection.execute(query.distinct().order_by(table.c.key).limit(limit))]
        found: dict[str, list[str]] = {key: [] for key in keys}
        deleted = and_(table.c.kind == kind, table.c.state == DELETED)
        for row in self.lookup(table, table.c.key, keys, deleted, [table.c.key, table.c.source]):
            found[row.key].append(row.source)
        return found

    def drop_gone(self, activated: Mapping[str, int]) -> None:
        """Forget the claims that have gone, and their records: what comes back is looked at as if it were new."""
        table = tables.claims
        sources = self.select(table, table.c.source).where(_has_gone(table, activated))
        self.connection.execute(self.delete(tables.records).where(tables.records.c.source.in_(sources)))
        self.connection.execute(self.delete(table).where(_has_gone(table, activated)))

    def deleted_records(self) -> int:
        """How many records wait for their deletion to be acted on."""
        table = tables.claims
        query = self.select(table, func.count(distinct(table.c.source))).where(table.c.state == DELETED)
        return int(self.connection.execute(query).scalar_one())

    def _is_over(self, activated: Mapping[str, int]) -> Any:
        table, other = tables.claims, tables.claims.alias()
        stays = exists().where(
            other.c.destination == self.destination,
            other.c.kind == table.c.kind,
            other.c.key == table.c.key,
            other.c.state == LIVE,
            ~_is_outdated(other, activated),
        )
        return and_(_has_gone(table, activated), ~stays)

    def _update_claims(self, sources: Iterable[str], condition: Any, **values: Any) -> None:
        table = tables.claims
        for chunk in chunks(list(sources)):
            mine = and_(table.c.destination == self.destination, table.c.source.in_(chunk))
            self.connection.execute(update(table).where(mine, condition).values(values))


def _has_gone(claims: FromClause, activated: Mapping[str, int]) -> Any:
    left = and_(claims.c.stream.in_(list(activated)), claims.c.state == LEFT)
    return or_(claims.c.state == DELETED, left, _is_outdated(claims, activated))


def _is_outdated(claims: FromClause, activated: Mapping[str, int]) -> Any:
    older = [
        and_(claims.c.stream == stream, or_(claims.c.version.is_(None), claims.c.version < version))
        for stream, version in activated.items()
    ]
    return or_(false(), *older)
