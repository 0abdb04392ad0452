"""Where in a text each part of a YAML document stands, so that an error can name the line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path: TypeAlias = "tuple[str | int, ...]"

_MERGE = "tag:yaml.org,2002:merge"
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Places:
    """The lines of one document.

    Attributes:
        document: How messages name it; "" for one that has no lines.
        lines: The line, counted from 1, on which each part begins.
    """

    document: str = ""
    lines: Mapping[Path, int] = field(default_factory=dict)

    def prefix(self, path: Path) -> str:
        """What a message about a part begins with: the document and the line, or nothing."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.document}, line {self.lines[path]}: " if self.lines else ""


class YamlError(Exception):
    """A text is no YAML that can be used; the message says why, of the text, and names the line."""


def read_yaml(text: str, document: str) -> tuple[Any, Places]:
    """Read a YAML text with the line of each of its parts.

    Args:
        text: The text.
        document: How messages name it.

    Raises:
        YamlError: It is no YAML, names a key twice, or contains itself.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, Places(document, {(): 1})
        _refuse_repeats(node)
        content = loader.construct_document(node)
        return content, Places(document, dict(_lines(node, (), node)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(f"is no YAML{f', line {mark.line + 1}' if mark else ''}") from None
    except (yaml.YAMLError, ValueError):  # a ValueError comes from a value such as the date 2026-13-01
        raise YamlError("is no YAML") from None
    finally:
        loader.dispose()


def _refuse_repeats(node: yaml.Node, depth: int = 0) -> None:
    """YAML readers let the last of two equal keys win, which in a mapping hides a mistake."""
    if depth > _DEEPEST:
        raise YamlError(f"is nested too deep on line {node.start_mark.line + 1}")
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag != _MERGE and isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise YamlError(f"names {key.value!r} on line {seen[key.value]} and again on line {line}")
                seen[key.value] = line
            _refuse_repeats(value, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeats(item, depth + 1)


def _lines(node: yaml.Node, path: Path, start: yaml.Node) -> Iterator[tuple[Path, int]]:
    yield path, start.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*path, key.value), key)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _lines(item, (*path, number), item)
