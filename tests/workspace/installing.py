"""Environments made anew, and commands that run in them."""

from __future__ import annotations

import subprocess
import zipfile
from email.parser import Parser
from typing import TYPE_CHECKING

import pytest
from scripts.pythons import find_interpreter
from scripts.setup import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message
    from pathlib import Path


def interpreter(version: str) -> str:
    """A Python of that version; without one, the test is skipped."""
    return find_interpreter(tuple(map(int, version.split(".")))) or pytest.skip(f"no Python {version} here")


def run(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints; if it fails, the test does."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def files_of(packages: Path, pattern: str) -> list[Path]:
    """The files of the packages that are named so, one each."""
    found = sorted(packages.glob(pattern))
    assert len(found) == len(PACKAGES)
    return found


def metadata_of(wheel: Path) -> Message:
    """What a wheel says of itself."""
    with zipfile.ZipFile(wheel) as file:
        name = next(each for each in file.namelist() if each.endswith(".dist-info/METADATA"))
        return Parser().parsestr(file.read(name).decode())
