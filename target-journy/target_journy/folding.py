"""What journy.io should hold of one account or user, folded from all rows that speak about it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from target_journy.values import UNSET, Unset
from target_journy.versions import rank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_journy.operations import Source
    from target_journy.values import Value

ITSELF = ""
"""Stands among rejected properties for the account or user itself."""


class Rejection(msgspec.Struct, array_like=True):
    """Why a value was refused.

    Attributes:
        mapping: The mapping under which it was; another one deserves another try.
        row: The row whose value could not even be read; "" where journy.io refused it.
    """

    reason: str
    mapping: str
    row: str = ""


class Told(msgspec.Struct, array_like=True):
    """The value of a watched property that the next one is compared with.

    Attributes:
        row: Index of the row that gave it.
        meaning: Digest of how it was made.
    """

    value: Any
    row: int
    meaning: str


class Entity(msgspec.Struct, omit_defaults=True):
    """One account or user as the ledger keeps it, or of an event no more than its watched values.

    Attributes:
        in_doubt: journy.io may have it: what came of the call that creates or deletes it is not known. It comes first,
            as the ledger looks for it at the beginning of what it stores.
        rows: The rows that properties come from, each with its version.
        properties: Value of each property and the index of its row; a value of None means "deleted".
        pending: Properties whose value journy.io has not acknowledged yet.
        rejected: Properties whose value was refused; `ITSELF` for the whole.
        known: journy.io has acknowledged the account or user.
        forgotten: A person who was erased; the ledger drops them once journy.io has acknowledged it.
        revision: Another one once journy.io has acknowledged them, or a value that may be on its way was replaced: what
            is said again after that is no repeat.
        told: The watched properties.
        changes: How many changes of them there were.
        gone: No record asks for it any more, and it has to be deleted.
        deleted: No record asks for it any more, and it is marked as such.
        before: What journy.io holds of properties whose newest value it has not taken; for people who ask.
    """

    in_doubt: bool = False
    rows: list[tuple[str, str]] = []
    properties: dict[str, tuple[Any, int]] = {}
    pending: set[str] = set()
    rejected: dict[str, Rejection] = {}
    known: bool = False
    forgotten: bool = False
    revision: int = msgspec.field(default=0, name="sent")  # as it counted acknowledgements alone
    told: dict[str, Told] = {}
    changes: int = 0
    gone: bool = False
    deleted: bool = False
    before: dict[str, Any] = {}

    @property
    def must_be_sent(self) -> bool:
        """Whether journy.io lacks something that it did not refuse."""
        is_asked_for = not self.known and not self.forgotten
        return ITSELF not in self.rejected and (bool(self.pending) or is_asked_for or self.gone)

    @property
    def may_exist(self) -> bool:
        """Whether journy.io has acknowledged it, or may have got it before the answer was lost."""
        return self.known or self.in_doubt

    @property
    def is_erased(self) -> bool:
        """Whether it is a person who was erased at the source, of whom journy.io has nothing left to erase."""
        return self.forgotten and not self.must_be_sent and not self.rejected

    def is_to_be_deleted(self, deletes: str) -> bool:
        """Whether it is to be deleted under this setting `deletes`, which may have been another one when it went."""
        return self.gone and (self.forgotten or deletes == "hard")

    def owned_by(self, source: Source) -> set[str]:
        """Names of the properties whose value comes from this row, whatever its version."""
        mine = {index for index, (row, _) in enumerate(self.rows) if row == source.id}
        return {name for name, (_, index) in self.properties.items() if index in mine}

    def fold(
        self,
        source: Source,
        properties: Mapping[str, Value | Unset],
        *,
        mapping: str,
        unset_nulls: bool,
        fill_once: frozenset[str] = frozenset(),
    ) -> bool:
        """Take the properties of a row, where no newer row has spoken.

        A row overwrites itself always, another row only if its version is greater, or the same and its key greater.

        Args:
            source: The row.
            properties: Its properties; None is nothing to say, unless `unset_nulls`, but takes back what the row said
                before and journy.io refused.
            mapping: Fingerprint of the mapping that made them; what was refused under another is tried again.
            unset_nulls: Whether None deletes what an older row or value gave.
            fill_once: Properties that keep the first value they get, unless it was refused or is erased.

        Returns:
            Whether anything here changed, so that it has to be kept.
        """
        changed = self._retry(ITSELF, source, mapping)
        row = self.row_of(source)
        for name, value in properties.items():
            new = None if isinstance(value, Unset) else value
            if new is None and not (unset_nulls or isinstance(value, Unset)):
                changed = self._take_back(name, source) or changed
                continue
            if self.is_older(source, name):
                continue
            held = self.properties.get(name)
            is_filled = held is not None and held[0] is not None and not self._was_not_taken(name)
            if name in fill_once and is_filled and value is not UNSET:
                changed = self._retry(name, source, mapping) or changed
                continue
            if held is not None and same(held[0], new):
                if held[1] != row:
                    self.properties[name] = (new, row)
                    changed = True
                changed = self._retry(name, source, mapping) or changed
                continue
            changed = True
            if held is None and new is None:
                self.properties[name] = (new, row)
                continue
            self._keep_what_was_taken(name)
            self.say(name, new, row)
            self.rejected.pop(ITSELF, None)
        if changed:
            self.drop_unused_rows()
        elif row == len(self.rows) - 1 and row not in self._used_rows():
            self.rows.pop()
        return changed

    def say(self, name: str, value: Value, row: int) -> None:
        """Take a value that is to be sent.

        Args:
            name: The property.
            value: Its value; None deletes it.
            row: Index of the row that gave it.
        """
        self.revision += name in self.pending
        self.properties[name] = (value, row)
        self.pending.add(name)
        self.rejected.pop(name, None)

    def is_older(self, source: Source, name: str) -> bool:
        """Whether a property comes from another row that is newer than this one."""
        if (held := self.properties.get(name)) is None:
            return False
        holder, version = self.rows[held[1]]
        return holder != source.id and (rank(source.version), source.id) < (rank(version), holder)

    def note_problem(self, source: Source, name: str, reason: str, mapping: str) -> bool:
        """Keep that a row's value of a property cannot be read.

        Returns:
            Whether that is news.
        """
        problem = Rejection(reason, mapping, source.id)
        known = self.rejected.get(name)
        if known and (
            known == problem or known.row not in {"", source.id} or (not known.row and known.mapping == mapping)
        ):
            return False
        self.rejected[name] = problem
        return True

    def forget(self) -> None:
        """Delete every property, because the person was erased at the source."""
        self.properties = {name: (None, index) for name, (_, index) in self.properties.items()}
        self.pending = set(self.properties)
        self.rejected = {}
        self.told = {}
        self.before = {}
        self.forgotten, self.deleted = True, False

    def payload(self) -> dict[str, Value]:
        """The properties to send."""
        return {name: self.properties[name][0] for name in sorted(self.pending)}

    def acknowledge(self, rejected: Mapping[str, str], mapping: str) -> None:
        """Take journy.io's answer to the payload.

        Args:
            rejected: The properties it refused, with its reasons.
            mapping: Fingerprint of the mapping that made them.
        """
        self.known, self.in_doubt = True, False
        self.revision += 1
        self.rejected.pop(ITSELF, None)
        for name in self.pending & rejected.keys():
            self.rejected[name] = Rejection(rejected[name], mapping)
        self.pending = set()
        self.before = {name: value for name, value in self.before.items() if self._is_refused(name)}
        self._forget_erased()

    def refuse(self, reason: str, mapping: str) -> None:
        """Take journy.io's refusal of the whole payload; all of it stays pending until one of its values changes."""
        self.rejected[ITSELF] = Rejection(reason, mapping)
        self._forget_erased()

    def retry(self) -> None:
        """Make everything that was refused pending again."""
        self.pending |= {name for name, refused in self.rejected.items() if name in self.properties and not refused.row}
        self.rejected = {}

    def _keep_what_was_taken(self, name: str) -> None:
        """Before a value is replaced: keep it, if journy.io has it."""
        if name in self.properties and name not in self.pending and not self._is_refused(name):
            self.before[name] = self.properties[name][0]

    def _forget_erased(self) -> None:
        """Keep no value that could not be deleted: it may be of a person who was erased at the source."""
        self.before = {name: value for name, value in self.before.items() if self.properties[name][0] is not None}

    def _is_refused(self, name: str) -> bool:
        """Whether journy.io refused the value of a property; one that cannot be read never got there."""
        return name in self.rejected and not self.rejected[name].row

    def _was_not_taken(self, name: str) -> bool:
        """Whether a value was refused, by itself or with all that was to be sent."""
        return self._is_refused(name) or (ITSELF in self.rejected and name in self.pending)

    def _take_back(self, name: str, source: Source) -> bool:
        """Forget a value of this row that was refused and that it does not say any more; what was before is so again.

        Returns:
            Whether there was any, or one that could not be read.
        """
        problem = self.rejected.get(name)
        if problem and problem.row == source.id:
            del self.rejected[name]
            return True
        if name not in self.properties or not self._was_not_taken(name):
            return False
        value, index = self.properties[name]
        if value is None or self.rows[index][0] != source.id:
            return False
        del self.properties[name]
        if name in self.before:
            self.properties[name] = (self.before.pop(name), index)
        self.revision += name in self.pending
        self.pending.discard(name)
        self.rejected.pop(name, None)
        self.rejected.pop(ITSELF, None)
        return True

    def _retry(self, name: str, source: Source, mapping: str) -> bool:
        """Forget a refusal that holds no more for a value that came again."""
        refused = self.rejected.get(name)
        if refused is None or (refused.row != source.id if refused.row else refused.mapping == mapping):
            return False
        del self.rejected[name]
        if name in self.properties and not refused.row:
            self.pending.add(name)
        return True

    def row_of(self, source: Source) -> int:
        """Index of a row in this version, which is added where it is new."""
        row = (source.id, source.version)
        if row not in self.rows:
            self.rows.append(row)
        return self.rows.index(row)

    def drop_unused_rows(self) -> None:
        """Keep no rows that nothing here comes from."""
        used = sorted(self._used_rows())
        if len(used) == len(self.rows):
            return
        moved = {old: new for new, old in enumerate(used)}
        self.rows = [self.rows[old] for old in used]
        self.properties = {name: (value, moved[index]) for name, (value, index) in self.properties.items()}
        self.told = {name: Told(told.value, moved[told.row], told.meaning) for name, told in self.told.items()}

    def _used_rows(self) -> set[int]:
        return {index for _, index in self.properties.values()} | {told.row for told in self.told.values()}


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same to journy.io, to which true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


_decoder = msgspec.json.Decoder(Entity, float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number", order="deterministic")


def pack(entity: Entity) -> str:
    """An entity as the ledger stores it."""
    return _encoder.encode(entity).decode()


def unpack(text: str) -> Entity:
    """An entity from what the ledger stored."""
    return _decoder.decode(text)
