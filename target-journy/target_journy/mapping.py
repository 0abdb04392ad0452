"""Which record becomes which operation: declared in YAML, checked at once, compiled to plain functions."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from marketplace_singer.places import Places
from target_journy.expressions import Compiler, ExpressionError
from target_journy.identities import Key, Person, RecordError, Reference, identity, join_key
from target_journy.key_styles import styled
from target_journy.mapping_check import check_expressions
from target_journy.mapping_file import MappingError, listed
from target_journy.operations import (
    AccountReference,
    HoldSlot,
    Operations,
    TrackEvent,
    UpsertAccount,
    UpsertUser,
)
from target_journy.properties import Properties, coerce
from target_journy.values import Unset, to_json, to_scalar, to_time, to_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from target_journy.mapping_file import (
        AccountSpec,
        EventSpec,
        MappingFile,
        MembershipSpec,
        StreamSpec,
        UserSpec,
    )
    from target_journy.values import Scalar

    AnySection: TypeAlias = AccountSpec | UserSpec | MembershipSpec | EventSpec

OperationT = TypeVar("OperationT")


class StreamMapping:
    """The operations of one stream's records.

    Args:
        stream: Name of the stream.
        spec: What the mapping file says about it.
        compiler: Compiles expressions with the file's variables.

    Raises:
        MappingError: An expression cannot be read.
    """

    def __init__(self, stream: str, spec: StreamSpec, compiler: Compiler) -> None:
        self.stream = stream
        try:
            self._key = Key(spec.key, compiler)
            self._version = compiler.reader(spec.version) if spec.version else None
            self._accounts = [
                _Where(part, _Account(part, spec.erased, compiler), compiler) for part in listed(spec.account)
            ]
            self._users = [_Where(part, _User(part, spec.erased, compiler), compiler) for part in listed(spec.user)]
            self._slots = [_Where(part, _Membership(part, compiler), compiler) for part in listed(spec.membership)]
            self._events = [_Where(part, _Event(part, compiler), compiler) for part in listed(spec.event)]
        except ExpressionError as error:
            raise MappingError(f"stream {stream!r}: {error}") from None

    def key(self, record: Mapping[str, Any]) -> str:
        """The identity of a record.

        Raises:
            RecordError: The record lacks it.
        """
        try:
            return self._key(record)
        except ExpressionError as error:
            raise RecordError(f"key: {error}") from None

    def operations(self, record: Mapping[str, Any]) -> tuple[str, Operations]:
        """The version of a record, and what it asks of journy.io.

        Raises:
            RecordError: The record cannot be mapped.
        """
        try:
            version = identity("version", self._version(record) or None) if self._version else None
            return version or "", Operations(
                _asked(self._accounts, record),
                _asked(self._users, record),
                _asked(self._slots, record),
                _asked(self._events, record),
            )
        except ExpressionError as error:
            raise RecordError(str(error)) from None


def compile_streams(mapping: MappingFile, places: Mapping[str, Places] | None = None) -> dict[str, StreamMapping]:
    """Compile a mapping file.

    Args:
        mapping: What the file says.
        places: The lines of the document that maps a stream, by stream.

    Returns:
        The mapping of each stream, by the stream's name.

    Raises:
        MappingError: An expression cannot be read.
    """
    compiler = Compiler(mapping.variables)
    for stream, spec in mapping.streams.items():
        check_expressions(stream, spec, compiler, (places or {}).get(stream, Places()))
    return {stream: StreamMapping(stream, spec, compiler) for stream, spec in mapping.streams.items()}


class DefaultMapping:
    """Maps a stream that no mapping names: each record is an account, each field a property.

    The account is called `<stream>:<key>`; a record without key properties is identified by its whole content.
    """

    def __init__(self, stream: str, key_properties: list[str]) -> None:
        self.stream = stream
        self._key_properties = key_properties

    def key(self, record: Mapping[str, Any]) -> str:
        """The identity of a record.

        Raises:
            RecordError: The record lacks it.
        """
        if not self._key_properties:
            return sha256(to_json(_own(record)).encode()).hexdigest()
        parts = []
        for name in self._key_properties:
            if (part := identity(name, record.get(name))) is None:
                raise RecordError(f"the record has no {name}")
            parts.append(part)
        return join_key(parts)

    def operations(self, record: Mapping[str, Any]) -> tuple[str, Operations]:
        """The version, which these records do not have, and the one account of a record."""
        account = AccountReference(f"{self.stream}:{self.key(record)}")
        properties, problems = coerce(((name, None, value) for name, value in _own(record).items()), None)
        return "", Operations((UpsertAccount(account, properties, problems),))


def _own(record: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a record but for what the tap notes about it, which is another in every run."""
    return {name: value for name, value in record.items() if not name.startswith("_sdc_")}


class _Where(Generic[OperationT]):
    """Makes an operation of those records for which a condition holds."""

    def __init__(
        self, spec: AnySection, make: Callable[[Mapping[str, Any]], OperationT | None], compiler: Compiler
    ) -> None:
        self._when = compiler.compile(spec.when) if spec.when else None
        self._make = make

    def __call__(self, record: Mapping[str, Any]) -> OperationT | None:
        return self._make(record) if self._when is None or _holds(self._when(record)) else None


def _asked(parts: Sequence[_Where[OperationT]], record: Mapping[str, Any]) -> tuple[OperationT, ...]:
    return tuple(operation for part in parts if (operation := part(record)) is not None)


def _holds(value: Any) -> bool:
    """What JMESPath takes for true: all but null, false and what is empty; 0 is true."""
    return bool(value) or (value is not False and isinstance(value, (int, float, Decimal)))


class _Account:
    def __init__(self, spec: AccountSpec, erased: str | None, compiler: Compiler) -> None:
        self._reference = Reference(spec, compiler)
        self._properties = Properties(spec.properties, spec.fields, erased, compiler, spec.null_policy)

    def __call__(self, record: Mapping[str, Any]) -> UpsertAccount:
        reference = self._reference(record)
        if not reference.id:
            raise RecordError("the record names no account")
        properties = self._properties
        return UpsertAccount(reference, *properties(record), properties.watched, properties.fill_once)


class _User:
    def __init__(self, spec: UserSpec, erased: str | None, compiler: Compiler) -> None:
        self._who = Person(spec.id, spec.email, compiler)
        self._properties = Properties(spec.properties, spec.fields, erased, compiler, spec.null_policy)

    def __call__(self, record: Mapping[str, Any]) -> UpsertUser | None:
        user, email = self._who(record)
        if not user:
            return None
        values, problems = self._properties(record)
        if email:
            values["email"] = email
        return UpsertUser(user, values, problems, self._properties.watched, self._properties.fill_once)


class _Membership:
    def __init__(self, spec: MembershipSpec, compiler: Compiler) -> None:
        self._slot = Key(spec.slot, compiler)
        self._account = Reference(spec.account, compiler)
        self._who = Person(spec.user, spec.email, compiler)
        self._forgotten = compiler.compile(spec.forgotten) if spec.forgotten else None

    def __call__(self, record: Mapping[str, Any]) -> HoldSlot:
        user, _ = self._who(record)
        return HoldSlot(self._slot(record), self._account(record), user, self._is_forgotten(record))

    def _is_forgotten(self, record: Mapping[str, Any]) -> bool:
        said = self._forgotten(record) if self._forgotten else None
        if said in (None, "", [], {}):
            return False
        # Read strictly: a text such as "no" would be true to JMESPath, and erase somebody.
        try:
            return to_value(said, "boolean") is True
        except ValueError as error:
            raise RecordError(f"forgotten: {error}") from None


class _Event:
    def __init__(self, spec: EventSpec, compiler: Compiler) -> None:
        self._prefix = spec.prefix
        self._id = Key(spec.id, compiler)
        self._kind = compiler.reader(spec.name) if spec.name else None
        self._names = spec.names
        self._other_name = spec.other_name
        self._name_style = spec.name_style
        self._order = spec.order
        self._account = Reference(spec.account, compiler)
        self._who = Person(spec.user, spec.email, compiler)
        self._time = compiler.reader(spec.time)
        self._metadata = Properties(spec.metadata, spec.fields, None, compiler)

    def __call__(self, record: Mapping[str, Any]) -> TrackEvent:
        name = self._name(record)
        metadata, problems = self._metadata(record)
        if problems:
            raise RecordError("; ".join(f"{name}: {reason}" for name, reason in problems.items()))
        event_id = self._prefix + self._id(record)
        scalars: dict[str, Scalar] = {"event_id": event_id}
        for field, value in metadata.items():
            # Its own id stays, by which one finds the event again, though a field of the record is called so.
            if field not in scalars and not isinstance(value, Unset) and (scalar := to_scalar(value)) is not None:
                scalars[field] = scalar
        time, (user, _) = self._triggered_at(record, name), self._who(record)
        return TrackEvent(event_id, name, self._account(record), time, scalars, user, self._metadata.watched)

    def _name(self, record: Mapping[str, Any]) -> str:
        kind = self._kind(record) if self._kind else None
        chosen = self._names.get(kind) if isinstance(kind, str) else None
        if name := chosen or self._other_name:
            return name
        if not isinstance(kind, str) or not (name := styled(kind, self._name_style).strip()):
            raise RecordError("the name of the event is missing or no text")
        return name

    def _triggered_at(self, record: Mapping[str, Any], name: str) -> str:
        time = self._time(record)
        try:
            moment = to_time(time)
        except ValueError:
            raise RecordError("the time of the event is missing or no date") from None
        if not self._order or len(str(time).strip()) > len("2026-01-01"):
            return moment
        second = self._order.index(name) if name in self._order else len(self._order)
        return f"{moment[:10]}T12:{second // 60:02}:{second % 60:02}Z"
