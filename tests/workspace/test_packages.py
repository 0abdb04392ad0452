"""Every package can be installed by plain pip, with the oldest and the newest of what it says it works with."""

from __future__ import annotations

import re
import subprocess
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from scripts import publisher
from scripts.settings import PLUGINS
from scripts.setup import PACKAGES, ROOT
from tests.workspace.installing import files_of, interpreter, metadata_of, run

if TYPE_CHECKING:
    from pathlib import Path

OLDEST_SDK = "0.54.9"
# The newest pre-release that was there when this was written.
NEWEST_SDK = "0.55.0b7"
OLDEST_PYTHON = "3.10"
NEWEST_PYTHON = "3.13"
# The newest that the whole workspace takes.
WORKSPACE_PYTHON = "3.12"
# The SDK's own suites, and what goes through those parts of it that it calls private.
OF_THE_SDK = (
    "tests/singer",
    "tests/licence_import",
    "tests/tap/test_adapter.py",
    "tests/tap/test_standard.py",
    "tests/tap/test_bookmarks.py",
    "tests/tap/test_command.py",
    "tests/tap/test_customer_streams.py",
    "tests/tap/test_isolation.py",
    "tests/tap/test_metrics.py",
    "tests/tap/test_records.py",
    "tests/tap/test_selection.py",
    "tests/tap/test_versions.py",
    "tests/target/test_standard_suite.py",
    "tests/target/test_cli.py",
    "tests/target/test_environment.py",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "target").glob("test_deletes*.py")),
)


def installed(venv: Path, python: str, packages: Path, *requirements: str | Path) -> Path:
    """A fresh environment with these requirements; returns its folder of programs."""
    run(interpreter(python), "-m", "venv", venv)
    pip = venv / "bin" / "pip"
    run(pip, "--quiet", "--disable-pip-version-check", "install", "--find-links", packages, *requirements)
    return venv / "bin"


def assert_run(programs: Path) -> None:
    for plugin in PLUGINS:
        assert plugin in run(programs / plugin, "--version")
        assert f'"name": "{plugin}"' in run(programs / plugin, "--about", "--format=json")


def test_the_versions_of_the_sdk_are_those_that_the_packages_allow() -> None:
    files = [ROOT / "pyproject.toml", *(ROOT / package / "pyproject.toml" for package in PACKAGES)]
    found = [each for path in files for each in re.findall(r'"(singer-sdk\b[^"]*)"', path.read_text("utf-8"))]
    (allowed,) = {Requirement(each).specifier for each in found}
    assert len(found) == len(PLUGINS) + 2  # marketplace-singer and the workspace itself
    assert [each.version for each in allowed if each.operator == ">="] == [OLDEST_SDK]
    assert allowed.contains(NEWEST_SDK, prereleases=True)
    (locked,) = re.findall(r"^singer-sdk==(\S+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    assert allowed.contains(locked)
    assert Version(locked) <= Version(NEWEST_SDK)


def test_each_distribution_carries_licence_types_and_addresses(packages: Path) -> None:
    licence = (ROOT / "LICENSE").read_bytes()
    for path in files_of(packages, "*.whl"):
        with zipfile.ZipFile(path) as wheel:
            names = wheel.namelist()
            assert wheel.read(next(n for n in names if n.endswith("/licenses/LICENSE"))) == licence
        metadata = metadata_of(path)
        name = metadata["Name"]
        assert any(n.endswith("/py.typed") for n in names), name
        assert metadata["License-Expression"] == "Apache-2.0"
        classifiers = set(metadata.get_all("Classifier"))
        assert {"Development Status :: 4 - Beta", "Typing :: Typed", "Programming Language :: Python :: 3.10"} <= (
            classifiers
        )
        assert any(word.startswith("Topic :: ") for word in classifiers), name
        newest = f"Programming Language :: Python :: {NEWEST_PYTHON}"
        assert (newest in classifiers) == (name != "marketplace-sandbox"), name
        assert all(publisher.REPOSITORY in address for address in metadata.get_all("Project-URL")), name
    for path in files_of(packages, "*.tar.gz"):
        folder = path.name.removesuffix(".tar.gz")
        with tarfile.open(path) as source:
            content = source.extractfile(f"{folder}/LICENSE")
            assert content is not None
            assert content.read() == licence
            changes = source.extractfile(f"{folder}/CHANGELOG.md")
            assert changes is not None
            assert b"## [Unreleased]" in changes.read()


@pytest.mark.parametrize(
    ("python", "sdk"),
    [
        (OLDEST_PYTHON, OLDEST_SDK),
        (NEWEST_PYTHON, NEWEST_SDK),
        pytest.param(OLDEST_PYTHON, NEWEST_SDK, marks=pytest.mark.long),
        pytest.param(NEWEST_PYTHON, OLDEST_SDK, marks=pytest.mark.long),
    ],
)
def test_the_wheels_run(python: str, sdk: str, packages: Path, tmp_path: Path) -> None:
    files = files_of(packages, "*.whl")
    # With the extra, as the packages want it: else old versions of pip take no pre-release.
    programs = installed(tmp_path / "venv", python, packages, f"singer-sdk[msgspec]=={sdk}", *files)

    assert_run(programs)
    listed = run(programs / "pip", "--disable-pip-version-check", "list", "--format=freeze")
    assert f"singer-sdk=={sdk}\n" in listed.replace("singer_sdk", "singer-sdk")


def test_the_source_distributions_run(packages: Path, tmp_path: Path) -> None:
    sources = files_of(packages, "*.tar.gz")
    programs = installed(tmp_path / "venv", NEWEST_PYTHON, tmp_path, *sources)

    assert_run(programs)
    # A version that came from git must be in the file, where there is no git.
    version = run(programs / "target-journy", "--version")
    assert next(path.name.split("-")[1].removesuffix(".tar.gz") for path in sources if "journy" in path.name) in version


@pytest.mark.long
@pytest.mark.parametrize("version", [OLDEST_SDK, NEWEST_SDK])
def test_the_tests_pass_with_the_oldest_and_the_newest_sdk(tmp_path: Path, version: str) -> None:
    editable = [f"--editable={ROOT / package}" for package in PACKAGES]
    tools = ("hypothesis", "jsonschema", "psycopg[binary]", "pytest>=9.1", "pyyaml", "requests-mock")
    sdk = f"singer-sdk[msgspec,testing]=={version}"
    programs = installed(tmp_path / "venv", WORKSPACE_PYTHON, tmp_path, *editable, *tools, sdk)
    command = [programs / "python", "-m", "pytest", "-q", "-m", "not long", *OF_THE_SDK]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
    listed = run(programs / "pip", "--disable-pip-version-check", "list", "--format=freeze")
    assert f"singer-sdk=={version}\n" in listed.replace("singer_sdk", "singer-sdk")
