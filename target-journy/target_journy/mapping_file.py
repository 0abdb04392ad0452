"""The shape of a mapping file."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Literal, TypeAlias, TypeVar

import msgspec

from target_journy.key_styles import KeyStyle  # noqa: TC001 - msgspec reads it at run time
from target_journy.values import Type  # noqa: TC001 - msgspec reads it at run time

PRESETS = ("marketplace", "marketplace-raw")
CORE = "core"
"""The group of properties that are always sent."""
MEANING = 1
"""Raised with each release in which a value, a function or an id comes out otherwise than before: what the ledger knows
of records and mappings is looked at anew then."""
NullPolicy = Literal["keep", "unset", "unset_if_possible"]
"""What a null does: nothing; delete the property; delete it where the transport can, and nothing where it cannot."""

_GROUP = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
SectionT = TypeVar("SectionT")


class MappingError(Exception):
    """The mapping cannot be used; the message says where and why."""


class Template(msgspec.Struct, forbid_unknown_fields=True):
    """A text with places.

    Attributes:
        template: The text; a place is `{field}` or `{variable}`, and where one has no value there is nothing.
    """

    template: str


Expression: TypeAlias = str | Template
"""A field, or a JMESPath expression over the record; or a template."""


class Property(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A property of an account or user, or a value that is told with an event.

    Its value comes from one of `value`, `constant` and `template`.

    Attributes:
        value: A field or an expression over the record.
        constant: The value itself.
        template: A text with places such as `{field}` or `{variable}`; nothing where one of them has no value.
        type: Its type if that is not to be guessed.
        group: The group that it belongs to, by any name, see the setting `property_groups`.
        on_change: Name of the event that tells when a record gives it another value than before.
        null_policy: What a null does, if not what the section or the setting `null_policy` says.
        fill_once: Only the first value is sent, since people may correct it in journy.io.
    """

    value: str | None = None
    constant: str | bool | int | float | list[str] | None = None
    template: str | None = None
    type: Type | None = None
    group: str = CORE
    on_change: str | None = None
    null_policy: NullPolicy | None = None
    fill_once: bool = False

    def __post_init__(self) -> None:
        """See that there is one source, and that the group can be named in a setting.

        Raises:
            ValueError: There is no source, or more than one, or the group has no name that can be.
        """
        if sum(source is not None for source in (self.value, self.constant, self.template)) != 1:
            raise ValueError("Object needs exactly one of `value`, `constant` and `template`")
        if not _GROUP.fullmatch(self.group):
            raise ValueError(
                "Object needs as `group` a name such as usage: a letter, and up to 39 letters, digits, _ and - more"
            )


class FieldsSpec(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Fields of the record that are sent as they are, beside those that are mapped one by one.

    Attributes:
        include: Names, or patterns such as `usage_*`; without any, all but those that begin with `_sdc_`.
        exclude: Names or patterns of those that are left out.
        rename: Other names, by field.
        key_style: How the names of the others are written.
    """

    include: list[str] = []
    exclude: list[str] = []
    rename: dict[str, str] = {}
    key_style: KeyStyle = "as-is"


class ReferenceSpec(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How a record names an account.

    Attributes:
        id: The id of the account.
        aliases: A list of all ids by which the same account may be met.
        shared_alias: An id that several accounts share.
    """

    id: Expression
    aliases: str | None = None
    shared_alias: Expression | None = None


class AccountSpec(ReferenceSpec, forbid_unknown_fields=True, omit_defaults=True):
    """A record is an account, with these properties; those of `properties` win over those of `fields`.

    Where the condition `when` does not hold, it is none; so with the other parts.
    """

    properties: dict[str, str | Property] = {}
    fields: FieldsSpec | None = None
    null_policy: NullPolicy | None = None
    when: str | None = None


class UserSpec(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A record is a user; a record that has neither id nor e-mail address is none.

    Attributes:
        email: The e-mail address, by which a user without an id is known.
        id: The id in the system that the user comes from.
    """

    email: Expression | None = None
    id: Expression | None = None
    properties: dict[str, str | Property] = {}
    fields: FieldsSpec | None = None
    null_policy: NullPolicy | None = None
    when: str | None = None

    def __post_init__(self) -> None:
        """See that there is a way to know the user.

        Raises:
            ValueError: There is none, or the address is named twice.
        """
        if self.email is None and self.id is None:
            raise ValueError("Object missing required field `email` or `id`")
        if self.id is not None and "email" in self.properties:
            raise ValueError("Object names the e-mail address among `properties`; name it as `email`, beside `id`")


class MembershipSpec(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A record says who holds a role in an account.

    Attributes:
        slot: Identity of the role.
        account: The account that it belongs to.
        email: The e-mail address of who holds it; nothing when it is vacant.
        user: The id of who holds it, for users that have one.
        forgotten: Yes or true when whoever held it was erased; what is neither yes nor no is refused.
    """

    slot: Expression | list[Expression]
    account: ReferenceSpec
    email: Expression | None = None
    user: Expression | None = None
    forgotten: str | None = None
    when: str | None = None

    def __post_init__(self) -> None:
        """See that it says who is a member.

        Raises:
            ValueError: It does not.
        """
        if self.email is None and self.user is None:
            raise ValueError("Object missing required field `email` or `user`")


class EventSpec(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A record is an event.

    Attributes:
        id: Identity of the event, from what never changes.
        time: When it happened.
        account: The account that it happened to.
        user: The id of the user who did it; with `account`, within that account.
        email: The e-mail address of that user, if there is no id.
        prefix: Stands before the id.
        name: A value of the record that chooses the name among `names`, or is the name.
        names: Names by that value.
        order: Names of events in the order that they have on one day: a `time` without a time of day becomes
            noon UTC and as many seconds as the name's place here.
        metadata: What is told with it.
        fields: Fields that are told with it as they are.
        other_name: The event's name where `names` has none, if it is not the value of `name`.
        name_style: How a name is written that is the value of `name`.
        when: A condition; where it does not hold, there is no event.
    """

    id: Expression | list[Expression]
    time: Expression
    account: ReferenceSpec | None = None
    user: Expression | None = None
    email: Expression | None = None
    prefix: str = ""
    name: Expression | None = None
    names: dict[str, str] = {}
    order: list[str] = []
    metadata: dict[str, str | Property] = {}
    fields: FieldsSpec | None = None
    other_name: str | None = None
    name_style: KeyStyle = "as-is"
    when: str | None = None

    def __post_init__(self) -> None:
        """See that it has a name, and somebody to whom it happened.

        Raises:
            ValueError: It lacks one of them.
        """
        if self.account is None and self.user is None and self.email is None:
            raise ValueError("Object missing required field `account`, `user` or `email`")
        if self.name is None and self.other_name is None:
            raise ValueError("Object missing required field `name` or `other_name`")


class StreamSpec(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a stream's records are.

    Attributes:
        key: Identity of a record.
        version: A date, a time or a whole number; of two records the greater is the newer.
        erased: A text that stands where a person's data was; such a property is deleted.
    """

    key: Expression | list[Expression]
    version: Expression | None = None
    erased: str | None = None
    account: AccountSpec | list[AccountSpec] | None = None
    user: UserSpec | list[UserSpec] | None = None
    membership: MembershipSpec | list[MembershipSpec] | None = None
    event: EventSpec | list[EventSpec] | None = None


class MappingFile(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A whole mapping.

    Attributes:
        variables: Values that `link` and templates may fill in.
        streams: What each stream's records are.
        file: Path of another mapping, which this one is laid over.
    """

    file: str | None = None
    variables: dict[str, str | int | None] = {}
    streams: dict[str, StreamSpec] = {}


def listed(parts: SectionT | list[SectionT] | None) -> list[SectionT]:
    """The parts of one kind of a stream, however many there are."""
    if parts is None:
        return []
    return parts if isinstance(parts, list) else [parts]


def unsets(part: AccountSpec | UserSpec) -> bool:
    """Whether a null may delete a property, whatever the setting `null_policy` says."""
    policies = (prop.null_policy for prop in part.properties.values() if isinstance(prop, Property))
    return "unset" in {part.null_policy, *policies}


def fingerprint(mapping: MappingFile) -> str:
    """What tells one mapping from another, and from the same as another version of this loader understands it."""
    return sha256(b"%d %b" % (MEANING, msgspec.json.encode(mapping, order="deterministic"))).hexdigest()[:16]


def fingerprint_of_stream(mapping: MappingFile, stream: str) -> str:
    """What tells the mapping of a stream from another; "" where there is none."""
    spec = mapping.streams.get(stream)
    return fingerprint(MappingFile(variables=mapping.variables, streams={stream: spec})) if spec else ""
