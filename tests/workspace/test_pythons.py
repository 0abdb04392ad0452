"""`make test-pythons` tries every Python that is here, names those that are not, and fails if one of them does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from scripts import pythons
from scripts.setup import PACKAGES, ROOT, python_version

if TYPE_CHECKING:
    from pathlib import Path

HERE = sys.version_info[:2]


def test_this_python_is_found_and_one_that_is_not_there_is_not() -> None:
    found = pythons.find_interpreter(HERE)

    assert found is None or python_version(found) == HERE  # it may be under another name
    assert pythons.find_interpreter((3, 99)) is None


def test_every_version_that_a_package_names_is_tried() -> None:
    lines = [(ROOT / package / "pyproject.toml").read_text(encoding="utf-8") for package in PACKAGES]
    named = {version for version in pythons.PYTHONS if any(f"Python :: 3.{version[1]}" in text for text in lines)}

    assert named >= {(3, 10), (3, 11), (3, 12), (3, 13)}
    assert all((ROOT / folder).is_dir() for folder in pythons.FOLDERS)


@pytest.mark.parametrize(
    ("test", "code", "words"),
    [("pass", 0, "1 passed in "), ("assert False", 1, "1 failed in "), ("sys.exit(3)", 1, "ended with 3")],
)
def test_the_end_tells_how_each_went(
    test: str,
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "test_it.py").write_text(f"import os, sys\ndef test():\n    {test.replace('sys.exit', 'os._exit')}\n")
    monkeypatch.setattr(pythons, "PYTHONS", (HERE, (3, 99)))
    monkeypatch.setattr(pythons, "FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(pythons, "find_interpreter", lambda version: sys.executable if version == HERE else None)
    monkeypatch.setattr(pythons, "environment", lambda python, _: python)

    assert pythons.main(["-n", "0"]) == code

    *_, here, missing = capsys.readouterr().out.splitlines()
    assert here.startswith(f"Python {HERE[0]}.{HERE[1]}: ")
    assert words in here
    assert missing == "Python 3.99: not here, skipped, 0 minutes"
