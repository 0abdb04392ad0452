"""Ids as a record gives them: its own, those of accounts and those of users."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from target_journy.operations import AccountReference
from target_journy.people import is_email

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_journy.expressions import Compiler
    from target_journy.mapping_file import Expression, ReferenceSpec

_SEPARATOR = "|"
_LONGEST_ID = 1000  # bytes: an index of PostgreSQL takes no more than 2,700 of two ids together


class RecordError(Exception):
    """A record cannot be mapped; the message names fields, never values."""


class Key:
    """Makes an id of one or more parts, each of which a record has to give.

    Args:
        spec: Its parts.
        compiler: Compiles them.
    """

    def __init__(self, spec: Expression | list[Expression], compiler: Compiler) -> None:
        parts = spec if isinstance(spec, list) else [spec]
        self._parts = [(_called(part), compiler.reader(part)) for part in parts]

    def __call__(self, record: Mapping[str, Any]) -> str:
        """The id.

        Raises:
            RecordError: The record lacks a part.
        """
        values = []
        for name, part in self._parts:
            value = identity(name, part(record))
            if value is None:
                raise RecordError(f"the record has no {name}")
            values.append(value)
        return join_key(values)


class Reference:
    """Finds out which account a record names.

    Args:
        spec: How it does; None for not at all.
        compiler: Compiles that.
    """

    def __init__(self, spec: ReferenceSpec | None, compiler: Compiler) -> None:
        self._id = compiler.reader(spec.id) if spec else None
        self._aliases = compiler.compile(spec.aliases) if spec and spec.aliases else None
        self._shared = compiler.reader(spec.shared_alias) if spec and spec.shared_alias else None

    def __call__(self, record: Mapping[str, Any]) -> AccountReference:
        """The account, under all its names.

        Raises:
            RecordError: A name can be none.
        """
        aliases = (self._aliases(record) or []) if self._aliases else []
        if not isinstance(aliases, list):
            raise RecordError("the aliases of the account are no list")
        names = (identity("alias of the account", alias) for alias in aliases)
        return AccountReference(
            identity("account", self._id(record)) if self._id else None,
            tuple(name for name in names if name),
            identity("shared alias of the account", self._shared(record)) if self._shared else None,
        )


class Person:
    """Finds out which user a record names: by id, or else by e-mail address.

    Args:
        user_id: Where the id stands.
        email: Where the address stands.
        compiler: Compiles both.
    """

    def __init__(self, user_id: Expression | None, email: Expression | None, compiler: Compiler) -> None:
        self._id = compiler.reader(user_id) if user_id else None
        self._email = compiler.reader(email) if email else None

    def __call__(self, record: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """Whom the record names, and the e-mail address as far as that is not how the user is known.

        Raises:
            RecordError: An id looks like an address, or an address does not.
        """
        user = identity("user", self._id(record)) if self._id else None
        email = identity("e-mail address", _trimmed(self._email(record))) if self._email else None
        if user and is_email(user):
            raise RecordError("the id of the user is an e-mail address; in the mapping name it as such")
        if email and not is_email(email):
            raise RecordError("the e-mail address has no @")
        return (user, email) if user else (email, None)


def join_key(parts: Sequence[str]) -> str:
    """Join the parts of a key so that no two keys of so many parts are one.

    Parts that hold the separator themselves are escaped, which a separator at the end tells. What becomes too long for
    a ledger by that is known by its digest.
    """
    if len(parts) == 1 or not any(_SEPARATOR in part for part in parts):
        key = _SEPARATOR.join(parts)
    else:
        key = "".join(part.replace("%", "%25").replace(_SEPARATOR, "%7C") + _SEPARATOR for part in parts)
    return key if len(key.encode()) <= _LONGEST_ID else sha256(key.encode()).hexdigest()


def identity(what: str, value: Any) -> str | None:
    """An id as text that any ledger can hold; None for nothing."""
    if isinstance(value, (dict, list)):
        raise RecordError(f"the {what} is no text or number")
    text = "" if value is None else str(value)
    if "\0" in text:
        raise RecordError(f"the {what} holds a null character")
    if len(text.encode()) > _LONGEST_ID:
        raise RecordError(f"the {what} is longer than {_LONGEST_ID} bytes")
    return text or None


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _called(part: Expression) -> str:
    return part if isinstance(part, str) else part.template
