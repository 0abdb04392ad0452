"""What several tests of the workspace need."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from scripts.meltano_project import VENV, users_environment
from scripts.setup import ROOT
from tests.workspace.static_hub import hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution of every package, as the checkout has it."""
    folder = tmp_path_factory.mktemp("packages")
    build = [VENV / "uv", "build", "--quiet", "--all-packages", "--out-dir", folder]
    subprocess.run(build, cwd=ROOT, env=users_environment(), check=True)
    return folder


@pytest.fixture(scope="module")
def hub_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a hub that knows our plugins, and those whose lock files are committed."""
    with hub(tmp_path_factory.mktemp("hub")) as url:
        yield url
