"""The loader's page as a browser reads it: a tree of elements, strictly closed."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

_VOID = {"meta", "br", "hr", "img", "link", "input"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.builder = ET.TreeBuilder()
        self.open: list[str] = []

    def handle_decl(self, decl: str) -> None:
        assert decl.lower() == "doctype html"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self.builder.end(tag)
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        if self.open:
            self.builder.data(data)


class Page:
    """A page."""

    def __init__(self, path: Path) -> None:
        reader = _Reader()
        reader.feed(path.read_text(encoding="utf-8"))
        reader.close()
        assert not reader.open
        self.root: Element = reader.builder.close()

    def all(self, path: str, within: Element | None = None) -> list[Element]:
        """The elements at an ElementTree path."""
        return (self.root if within is None else within).findall(f".//{path}")

    def texts(self, path: str, within: Element | None = None) -> list[str]:
        """Their texts."""
        return [text_of(element) for element in self.all(path, within)]

    def account(self, key: str) -> Element:
        """What the page tells of an account."""
        (found,) = [account for account in self.all("article") if key in self.texts("header//bdi", account)]
        return found

    def changes(self, subject: Element) -> dict[str, list[str]]:
        """What the first table of an account or person says: the columns of each property."""
        table = next(iter(self.all("table", subject)))
        rows = [[text_of(cell) for cell in row] for row in table.findall("tbody/tr")]
        return {row[0]: row[1:] for row in rows}

    def rows(self, section: str) -> list[list[str]]:
        """The body of the table in a section."""
        return [[text_of(cell) for cell in row] for row in self.all(f"section[@id='{section}']//tbody/tr")]


def text_of(element: Element) -> str:
    """All text in an element, blanks made one."""
    return " ".join("".join(element.itertext()).split())
