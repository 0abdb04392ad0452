"""The page: one HTML file that needs nothing besides itself, for its owner only."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from marketplace_singer import open_private
from target_journy.preview.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_MARK = b'<meta name="generator" content="target-journy">'


def write_page(path: Path, content: Mapping[str, Any]) -> None:
    """Write the page; an older one is replaced.

    Args:
        path: The file.
        content: What the template asks for.

    Raises:
        OSError: It cannot be written.
    """
    stream = _environment().get_template("page.html").stream(content)
    with os.fdopen(open_private(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), "wb") as file:
        stream.enable_buffering(200)
        stream.dump(file, encoding="utf-8")


def remove_page(path: Path) -> None:
    """Remove the page of an older run, which would be taken for that of this one; somebody else's file stays.

    Raises:
        OSError: It cannot be removed.
    """
    if path.is_file():
        with path.open("rb") as file:
            is_ours = _MARK in file.read(1000)
        if is_ours:
            path.unlink()


@cache
def _environment() -> Environment:
    """Every value that a template prints is escaped, and made visible whatever characters it has."""
    environment = Environment(
        loader=PackageLoader("target_journy.preview"),
        autoescape=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["moment"] = _moment
    return environment


def _moment(text: str) -> str:
    """A time in UTC as people read it."""
    return f"{text[:10]} {text[11:16]}" if len(text) >= 16 else text
