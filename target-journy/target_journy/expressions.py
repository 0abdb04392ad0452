"""Values in a mapping: a plain or dotted field name, or a JMESPath expression with a few functions of our own."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jmespath
from jmespath.exceptions import JMESPathError, ParseError
from jmespath.functions import Functions, signature

from target_journy.domains import business_domain, email_domain
from target_journy.jmespath_functions import compile_tree
from target_journy.values import to_json, to_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from target_journy.mapping_file import Expression

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_PLACE = re.compile(r"{(\w+)}")
_TEMPLATE_PLACE = re.compile(rf"{{({_PLAIN_NAME.pattern.replace('(', '(?:')})}}")
_ONE_CALL = re.compile(rf"(known|tier_users|first_name|last_name|email_domain)\(({_PLAIN_NAME.pattern})\)")
_TIER = re.compile(r"(?i)\s*(?:per unit pricing\s*\(\s*)?(-?\d[\d,]{0,14})\s+users?\s*\)?\s*")
_UNLIMITED_USERS = 10_001
_NOTHING = frozenset({"", "na", "n/a", "null", "pending", "unknown"})


class ExpressionError(Exception):
    """An expression cannot be read, or a record does not fit it; the message quotes no data."""


class MappingFunctions(Functions):
    """The functions that a mapping may call besides those of JMESPath itself."""

    def __init__(self, variables: Mapping[str, str | int | None]) -> None:
        super().__init__()
        self._variables = {name: value for name, value in variables.items() if value not in (None, "")}
        self._pytypes: dict[tuple[str, ...], tuple[list[str], list[Any]]] = {}

    def _get_allowed_pytypes(self, types: Iterable[str]) -> tuple[list[str], list[Any]]:
        """Let the functions of JMESPath take exact numbers, which it does not know, where they take numbers."""
        if (found := self._pytypes.get(tuple(types))) is None:
            allowed, subtypes = super()._get_allowed_pytypes(types)  # type: ignore[misc] # not in the stubs
            exact = {"Decimal"} if "float" in allowed else set()
            found = [*allowed, *exact], [(*names, "Decimal") if "float" in names else names for names in subtypes]
            self._pytypes[tuple(types)] = found
        return found

    def _convert_to_jmespath_type(self, name: str) -> str:
        kind: str = super()._convert_to_jmespath_type(name)  # type: ignore[misc] # not in the stubs
        return "number" if name == "Decimal" else kind

    @signature({"types": []})
    def _func_to_number(self, value: Any) -> int | Decimal | None:
        """The exact number that a number or text holds; null for anything else."""
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
            return None
        try:
            number = to_value(value, "number")
        except ValueError:
            return None
        return number if isinstance(number, (int, Decimal)) else None

    @signature({"types": []})
    def _func_to_string(self, value: Any) -> str:
        """A text as it is; anything else as JSON."""
        return value if isinstance(value, str) else to_json(value)

    @signature({"types": []})
    def _func_known(self, value: Any) -> Any:
        """The value; null for the placeholders NA, N/A, Pending, Unknown, null and an empty text."""
        return None if isinstance(value, str) and value.strip().lower() in _NOTHING else value

    @signature({"types": ["string", "null"]})
    def _func_tier_users(self, tier: str | None) -> int | None:
        """Users in a tier text: `Per Unit Pricing (593 Users)` is 593, `Unlimited Users` 10001, a trial null."""
        if not tier:
            return None
        if tier.strip().lower() == "unlimited users":
            return _UNLIMITED_USERS
        found = _TIER.fullmatch(tier)
        return max(0, int(found[1].replace(",", ""))) if found else None

    @signature({"types": ["string", "null"]})
    def _func_first_name(self, name: str | None) -> str | None:
        """All words of a full name but the last; the name itself when it is one word."""
        words = (name or "").split()
        return " ".join(words[:-1] or words) or None

    @signature({"types": ["string", "null"]})
    def _func_last_name(self, name: str | None) -> str | None:
        """The last word of a full name of two words or more."""
        words = (name or "").split()
        return words[-1] if len(words) > 1 else None

    @signature({"types": ["string", "null"]})
    def _func_email_domain(self, email: str | None) -> str | None:
        """The part of an e-mail address after the @, in lower case."""
        return email_domain(email or "")

    @signature({"types": ["string", "null"]})
    def _func_lower(self, text: str | None) -> str | None:
        """A text in small letters."""
        return text.lower() if text else None

    @signature({"types": ["array"]}, {"types": ["array"]})
    def _func_business_domain(self, emails: list[str | None], others: list[str | None]) -> str | None:
        """The first business domain among some addresses that is not the domain of one of the others."""
        excluded = {business_domain(email) for email in others if email}
        domains = (business_domain(email) for email in emails if email)
        return next((domain for domain in domains if domain and domain not in excluded), None)

    @signature({"types": ["string"]}, {"types": ["string", "null"]})
    def _func_link(self, template: str, value: str | None) -> str | None:
        """Fill `{value}` and the mapping's variables into an address; null when one of them is missing."""
        parts = {**self._variables, "value": value}
        if not value or any(name not in parts for name in _PLACE.findall(template)):
            return None
        return _PLACE.sub(lambda place: quote(str(parts[place[1]]), safe=""), template)

    @signature({"types": ["string", "null"]}, {"types": ["string"]})
    def _func_remove_suffix(self, text: str | None, suffix: str) -> str | None:
        """A text without some letters at its end; null when nothing is left."""
        return (text or "").removesuffix(suffix) or None

    @signature({"types": ["array", "null"]})
    def _func_total(self, numbers: list[Any] | None) -> Any:
        """The exact sum of some numbers; null when there are none."""
        return sum(number for number in numbers if number is not None) if numbers else None


class Compiler:
    """Compile the expressions of one mapping.

    Args:
        variables: Values that `link` and templates may fill in.
    """

    def __init__(self, variables: Mapping[str, str | int | None]) -> None:
        self._variables = dict(variables)
        self._functions = MappingFunctions(variables)
        self._options = jmespath.Options(custom_functions=self._functions)

    def template(self, text: str) -> Callable[[Mapping[str, Any]], str | None]:
        """Make a function from record to a text whose places are filled in; None where one has no value.

        Raises:
            ExpressionError: The text has no place.
        """
        if not (names := places_of(text)):
            raise ExpressionError(
                f"the template {text!r} has no place such as {{name}}; write it as a constant, or, where an id is "
                f"wanted, as \"'{text}'\""
            )
        variables = self._variables
        readers = {name: _walk(name.split(".")) for name in names if name not in variables}

        def evaluate(record: Mapping[str, Any]) -> str | None:
            values: dict[str, Any] = {**variables, **{name: reader(record) for name, reader in readers.items()}}
            if any(values[name] in (None, "") for name in names):
                return None
            return _TEMPLATE_PLACE.sub(lambda place: str(to_value(values[place[1]], "string")), text)

        return evaluate

    def reader(self, expression: Expression) -> Callable[[Mapping[str, Any]], Any]:
        """Make a function from record to value, of an expression or a template.

        Raises:
            ExpressionError: It cannot be read.
        """
        return self.compile(expression) if isinstance(expression, str) else self.template(expression.template)

    def compile(self, text: str) -> Callable[[Mapping[str, Any]], Any]:
        """Make a function from record to value.

        Raises:
            ExpressionError: The text is no JMESPath expression.
        """
        if _PLAIN_NAME.fullmatch(text):
            return _walk(text.split("."))
        if call := _ONE_CALL.fullmatch(text):
            return self._call(call[1], call[2])
        try:
            tree = jmespath.compile(text).parsed
        except JMESPathError as error:
            raise ExpressionError(f"{text!r} is no JMESPath expression: {_first_line(error)}") from None
        search = compile_tree(tree, self._options, self._functions)

        def evaluate(record: Mapping[str, Any]) -> Any:
            try:
                return search(record)
            except (JMESPathError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                raise ExpressionError(f"{text!r} failed on this record ({type(error).__name__})") from None

        return evaluate

    def _call(self, name: str, path: str) -> Callable[[Mapping[str, Any]], Any]:
        """Call a function of our own on a plain name without going through JMESPath, which takes most of a run."""
        function = getattr(self._functions, f"_func_{name}")
        argument = _walk(path.split("."))

        def evaluate(record: Mapping[str, Any]) -> Any:
            value = argument(record)
            if value is not None and not isinstance(value, str):
                if name == "known":
                    return value
                raise ExpressionError(f"'{name}({path})' failed on this record (it takes text)")
            return function(value)

        return evaluate


def places_of(template: str) -> list[str]:
    """The fields and variables that a template is filled in with."""
    return _TEMPLATE_PLACE.findall(template)


def fields_of(text: str) -> Iterator[tuple[str, ...]]:
    """The field paths that an expression reads from the record, outermost name first.

    Paths end where an expression changes what names refer to, as behind a projection.
    """
    if _PLAIN_NAME.fullmatch(text):
        yield tuple(text.split("."))
        return
    try:
        yield from _paths(jmespath.compile(text).parsed)
    except ParseError:
        return


def _paths(node: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    if node["type"] in {"field", "subexpression"} and (path := _chain(node)):
        yield path
        return
    if node["type"] == "expref":
        return  # names in it belong to the elements of a list
    children: Iterable[Any] = node.get("children", ())
    if node["type"] in {"subexpression", "projection", "filter_projection", "value_projection", "pipe"}:
        children = list(children)[:1]  # what stands behind these looks into their result, not into the record
    for child in children:
        yield from _paths(child)


def _chain(node: Mapping[str, Any]) -> tuple[str, ...] | None:
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return None
    names: tuple[str, ...] = ()
    for child in node["children"]:
        if (part := _chain(child)) is None:
            return None
        names += part
    return names


def _walk(names: list[str]) -> Callable[[Mapping[str, Any]], Any]:
    if len(names) == 1:
        name = names[0]
        return lambda record: record.get(name)

    def descend(record: Mapping[str, Any]) -> Any:
        value: Any = record
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return descend


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
