"""A tag `<package>-vX.Y.Z` is the version of that package, and of no other."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from scripts.meltano_project import VENV, users_environment
from scripts.setup import PACKAGES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.com")
TAGGED = "target-journy"


def test_a_tag_counts_for_its_package_alone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    cloned = subprocess.run([*GIT, "clone", "--quiet", ROOT, clone], capture_output=True, check=False)
    if cloned.returncode:
        pytest.skip("not a git checkout")
    # As it is here, be it committed or not.
    for package in PACKAGES:
        (clone / package / "pyproject.toml").write_bytes((ROOT / package / "pyproject.toml").read_bytes())
    subprocess.run([*GIT, "commit", "--quiet", "--all", "--allow-empty", "--message=x"], cwd=clone, check=True)
    subprocess.run([*GIT, "tag", f"{TAGGED}-v1.2.3"], cwd=clone, check=True)
    build = [VENV / "uv", "build", "--quiet", "--wheel", "--all-packages", "--out-dir", tmp_path / "wheels"]
    subprocess.run(build, cwd=clone, env=users_environment(), check=True)

    built = dict(path.name.split("-")[:2] for path in (tmp_path / "wheels").glob("*.whl"))
    assert len(built) == len(PACKAGES)
    assert built.pop("target_journy") == "1.2.3"
    assert all(version.startswith("0.1.0.dev") for version in built.values()), built
