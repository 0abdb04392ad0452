"""Parsed JMESPath as plain functions; walking its tree anew for every record would take most of a first load."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from jmespath.visitor import TreeInterpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import jmespath
    from jmespath.functions import Functions

Evaluate: TypeAlias = "Callable[[Any], Any]"


def compile_tree(tree: Mapping[str, Any], options: jmespath.Options, functions: Functions) -> Evaluate:
    """Make a function from value to result.

    What is common is called directly, everything else left to JMESPath itself.

    Args:
        tree: What JMESPath made of an expression.
        options: With the functions.
        functions: Those that an expression may call.
    """
    interpreter = TreeInterpreter(options)

    def build(node: Mapping[str, Any]) -> Evaluate:
        kind, children = node["type"], node.get("children", ())
        if kind == "literal":
            return partial(_literal, node["value"])
        if kind == "field":
            return partial(_field, node["value"])
        if kind in {"subexpression", "pipe", "index_expression"}:
            return partial(_chain, [build(child) for child in children])
        if kind == "multi_select_list":
            return partial(_list, [build(child) for child in children])
        if kind == "function_expression":
            return partial(_call, functions, node["value"], [build(child) for child in children])
        if kind == "filter_projection":
            return partial(_filter, *(build(child) for child in children))
        if kind in {"current", "identity"}:
            return _same
        return partial(interpreter.visit, node)  # type: ignore[arg-type] # a type of the stubs alone

    return build(tree)


def _literal(value: Any, _: Any) -> Any:
    return value


def _same(value: Any) -> Any:
    return value


def _field(name: str, value: Any) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _chain(steps: list[Evaluate], value: Any) -> Any:
    for step in steps:
        value = step(value)
    return value


def _list(items: list[Evaluate], value: Any) -> Any:
    return None if value is None else [item(value) for item in items]


def _call(functions: Functions, name: str, arguments: list[Evaluate], value: Any) -> Any:
    return functions.call_function(name, [argument(value) for argument in arguments])


def _filter(base: Evaluate, result: Evaluate, condition: Evaluate, value: Any) -> Any:
    found = base(value)
    if not isinstance(found, list):
        return None
    results = (result(item) for item in found if not _is_false(condition(item)))
    return [item for item in results if item is not None]


def _is_false(value: Any) -> bool:
    """As JMESPath has it: 0 is true."""
    return value is None or value is False or (isinstance(value, (str, list, dict)) and not value)
