"""Every package can be installed by plain pip, with the oldest and the newest of what it says it works with."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from email.parser import Parser
from typing import TYPE_CHECKING

import pytest
from scripts import publisher
from scripts.pythons import find_interpreter
from scripts.settings import PLUGINS
from scripts.setup import PACKAGES, ROOT

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
    "tests/tap/test_adapter.py",
    "tests/tap/test_standard.py",
    "tests/tap/test_bookmarks.py",
    "tests/tap/test_command.py",
    "tests/tap/test_isolation.py",
    "tests/tap/test_records.py",
    "tests/tap/test_selection.py",
    "tests/tap/test_versions.py",
    "tests/target/test_standard_suite.py",
    "tests/target/test_cli.py",
    "tests/target/test_environment.py",
)


def interpreter(version: str) -> str:
    return find_interpreter(tuple(map(int, version.split(".")))) or pytest.skip(f"no Python {version} here")


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def installed(venv: Path, python: str, packages: Path, *requirements: str | Path) -> Path:
    """A fresh environment with these requirements; returns its folder of programs."""
    run(interpreter(python), "-m", "venv", venv)
    pip = venv / "bin" / "pip"
    run(pip, "--quiet", "--disable-pip-version-check", "install", "--find-links", packages, *requirements)
    return venv / "bin"


def files_of(packages: Path, pattern: str) -> list[Path]:
    found = sorted(packages.glob(pattern))
    assert len(found) == len(PACKAGES)
    return found


def assert_run(programs: Path) -> None:
    for plugin in PLUGINS:
        assert plugin in run(programs / plugin, "--version")
        assert f'"name": "{plugin}"' in run(programs / plugin, "--about", "--format=json")


def test_each_distribution_carries_licence_types_and_addresses(packages: Path) -> None:
    licence = (ROOT / "LICENSE").read_bytes()
    for path in files_of(packages, "*.whl"):
        with zipfile.ZipFile(path) as wheel:
            names = wheel.namelist()
            metadata = Parser().parsestr(wheel.read(next(n for n in names if n.endswith("/METADATA"))).decode())
            assert wheel.read(next(n for n in names if n.endswith("/licenses/LICENSE"))) == licence
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


@pytest.mark.parametrize("python", [OLDEST_PYTHON, NEWEST_PYTHON])
@pytest.mark.parametrize("sdk", [OLDEST_SDK, NEWEST_SDK])
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
def test_the_tests_pass_with_the_newest_sdk(tmp_path: Path) -> None:
    editable = [f"--editable={ROOT / package}" for package in PACKAGES]
    tools = ("hypothesis", "jsonschema", "psycopg[binary]", "pytest>=9.1", "pyyaml", "requests-mock")
    sdk = f"singer-sdk[msgspec,testing]=={NEWEST_SDK}"
    programs = installed(tmp_path / "venv", WORKSPACE_PYTHON, tmp_path, *editable, *tools, sdk)
    command = [programs / "python", "-m", "pytest", "-q", "-m", "not long", *OF_THE_SDK]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
