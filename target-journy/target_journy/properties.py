"""The properties of a record: those that are mapped one by one, and fields that are sent as they are."""

from __future__ import annotations

from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from target_journy.expressions import ExpressionError
from target_journy.folding import ITSELF
from target_journy.key_styles import styled
from target_journy.mapping_file import Property
from target_journy.operations import Watch
from target_journy.values import UNSET, VACANT, VACANT_IF_POSSIBLE, to_json, to_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from target_journy.expressions import Compiler
    from target_journy.mapping_file import FieldsSpec, NullPolicy
    from target_journy.values import Type, Unset, Value

_VACANT = {"unset": VACANT, "unset_if_possible": VACANT_IF_POSSIBLE}


class Properties:
    """Makes the properties of an account or user, or the metadata of an event.

    Args:
        specs: Those that are mapped one by one, by name.
        fields: Which fields are sent as they are.
        erased: The text that stands where a person's data was.
        null_policy: What a null does, unless a property says otherwise; None as the setting says.
        compiler: Compiles expressions with the file's variables.

    Attributes:
        watched: Those whose changes are told.
        fill_once: Those that keep the first value they get.
    """

    def __init__(
        self,
        specs: Mapping[str, str | Property],
        fields: FieldsSpec | None,
        erased: str | None,
        compiler: Compiler,
        null_policy: NullPolicy | None = None,
    ) -> None:
        if ITSELF in specs:
            raise ExpressionError("a property has no name")
        named = {name: Property(spec) if isinstance(spec, str) else spec for name, spec in specs.items()}
        self._erased = erased
        self._specs = [(name, prop.type, _source(prop, compiler)) for name, prop in named.items()]
        self._fields = _Fields(fields, frozenset(named)) if fields else None
        self._null_policy = null_policy
        self._null_policies = {name: prop.null_policy for name, prop in named.items() if prop.null_policy}
        self.fill_once = frozenset(name for name, prop in named.items() if prop.fill_once)
        self.watched = {name: Watch(prop.on_change, _meaning(prop)) for name, prop in named.items() if prop.on_change}

    def __call__(self, record: Mapping[str, Any]) -> tuple[dict[str, Value | Unset], dict[str, str]]:
        """The values by name, and by name why one cannot be read."""
        values, problems = coerce(((name, kind, read(record)) for name, kind, read in self._specs), self._erased)
        if self._fields:
            raw, clashes = self._fields.of(record)
            more, more_problems = coerce(((name, None, value) for name, value in raw.items()), self._erased)
            values |= more
            problems |= more_problems | clashes
        if self._null_policy or self._null_policies:
            values = dict(self._with_null_policy(values))
        return values, problems

    def _with_null_policy(self, values: Mapping[str, Value | Unset]) -> Iterator[tuple[str, Value | Unset]]:
        for name, value in values.items():
            policy = self._null_policies.get(name, self._null_policy) if value is None else None
            if policy != "keep":
                yield name, _VACANT.get(policy, value) if policy else value


class _Fields:
    """Finds the fields that are sent as they are, and their names."""

    def __init__(self, spec: FieldsSpec, taken: frozenset[str]) -> None:
        self._spec = spec
        self._taken = taken
        self._names: dict[str, str | None] = {}

    def of(self, record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Values by name; where two fields would go by one name there is none, but the reason."""
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        clashes: dict[str, str] = {}
        for field, value in record.items():
            if field not in self._names:
                self._names[field] = self._name(field)
            if (name := self._names[field]) is None:
                continue
            if name in origins:
                one, other = sorted((origins[name], field))
                clashes[name] = f"the fields {one!r} and {other!r} both go by this name"
            origins[name] = field
            values[name] = value
        return {name: value for name, value in values.items() if name not in clashes}, clashes

    def _name(self, field: str) -> str | None:
        spec = self._spec
        is_in = _matches(field, spec.include) if spec.include else not field.startswith("_sdc_")
        if not is_in or _matches(field, spec.exclude):
            return None
        name = spec.rename.get(field) or styled(field, spec.key_style)
        return None if name in self._taken else name


def coerce(
    raw: Iterable[tuple[str, Type | None, Any]], erased: str | None
) -> tuple[dict[str, Value | Unset], dict[str, str]]:
    """Coerce values to their types.

    Args:
        raw: Name, wanted type and value of each.
        erased: The text that stands where a person's data was.

    Returns:
        The values by name, and by name why one cannot be read; the reason quotes no value.
    """
    values: dict[str, Value | Unset] = {}
    problems: dict[str, str] = {}
    for name, kind, value in raw:
        if name == ITSELF:
            if value is not None:
                problems["a field without a name"] = "a property needs one"
            continue
        if erased is not None and value == erased:
            values[name] = UNSET
            continue
        try:
            values[name] = to_value(value, kind)
        except ValueError as error:
            problems[name] = str(error)
    return values, problems


def _source(prop: Property, compiler: Compiler) -> Callable[[Mapping[str, Any]], Any]:
    if prop.template is not None:
        return compiler.template(prop.template)
    if prop.value is not None:
        return compiler.compile(prop.value)
    return lambda _: prop.constant


def _meaning(prop: Property) -> str:
    return sha256(to_json([prop.value, prop.template, prop.constant, prop.type]).encode()).hexdigest()[:8]


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
