"""What must hold for every committed file."""

from __future__ import annotations

import re
import subprocess

import pytest
from scripts.setup import ROOT

# The hosts of public indexes, an index option with an address, and the usual path of a private one.
INDEX_ADDRESS = re.compile(
    r"files\.pythonhosted|//(test\.)?pypi\.|registry\.npmjs|index(-url)?\s*[= ]\s*['\"]?(https?|file):|://\S+/simple\b"
)


def committed_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_committed_file_names_a_package_index() -> None:
    naming = []
    for name in committed_files():
        text = (ROOT / name).read_bytes().decode("utf-8", errors="replace")
        # This file holds the pattern, and the tests of the set-up made-up addresses.
        if not name.startswith("tests/workspace/"):
            naming += [f"{name}: {match.group(0)}" for match in INDEX_ADDRESS.finditer(text)]

    assert not naming


@pytest.mark.parametrize(
    "text",
    [
        "--index-url https://a.example/b",
        "index = 'file:///srv/pypi'",
        "https://mirror.example/simple/",
        "//" + "pypi" + ".example/p",
    ],
)
def test_an_index_address_is_recognised(text: str) -> None:
    assert INDEX_ADDRESS.search(text)
