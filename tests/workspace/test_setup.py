"""`scripts/setup.py` says in a sentence what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scripts import setup
from scripts.setup import ROOT, SetupError, dotted, find_python, find_uv, index_settings, locked_requirement


def python_of_version(folder: Path, version: str, name: str = "python") -> str:
    """A program that answers as an interpreter of that version would."""
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.13"])
def test_an_unsuitable_python_is_named_with_those_that_work(tmp_path: Path, version: str) -> None:
    wanted = python_of_version(tmp_path, version)

    with pytest.raises(SetupError) as caught:
        find_python(wanted)

    text = str(caught.value)
    assert f"is Python {version};" in text
    assert "needs Python 3.10, 3.11, 3.12" in text
    assert "make PYTHON=python3.11 demo" in text


def test_a_program_that_is_no_python_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="does not run"):
        find_python(str(tmp_path / "python"))


def test_make_passes_the_message_on_and_fails(tmp_path: Path) -> None:
    # Through the real interpreter, which is told to use the other one.
    wanted = python_of_version(tmp_path, "3.9")
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "setup.py"), wanted], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"setup: {wanted} is Python 3.9;")
    assert "Traceback" not in done.stderr


def test_another_python_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "executable", python_of_version(tmp_path, "3.9"))
    python_of_version(tmp_path, "3.10", "python3.10")
    broken = Path(python_of_version(tmp_path, "3.12", "python3.12"))
    # The shim of a version manager whose version is not installed.
    broken.write_text("#!/bin/sh\nexit 127\n")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_python(None) == ("python3.10", (3, 10))


def test_the_python_of_the_environment_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    inside = python_of_version(programs, "3.10")
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "executable", python_of_version(tmp_path, "3.12"))

    assert find_python(None) == (inside, (3, 10))
    assert find_python(sys.executable) == (sys.executable, (3, 12))


def test_an_environment_whose_python_is_gone_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = python_of_version(tmp_path, "3.11")
    stamp = tmp_path / ".venv" / "workspace.stamp"
    stamp.parent.mkdir()
    stamp.write_text("3.11")
    made = []
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "fingerprint", dotted)
    monkeypatch.setattr(setup, "install", lambda python, version: made.append((python, stamp.exists())))

    assert setup.main([python]) == 0
    assert made == [(python, False)]
    assert stamp.read_text() == "3.11"


def test_a_python_without_venv_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SetupError, match="apt install python3-venv"):
        find_uv(str(python))


def test_uv_is_pinned_with_hashes() -> None:
    lines = locked_requirement("uv").splitlines()

    assert lines[0].startswith("uv==")
    assert all("--hash=sha256:" in line for line in lines[1:])
    assert len(lines) > 1


@pytest.fixture
def pip_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which uv is told nothing and pip reads the file returned."""
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "pip.conf"
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    return file


def test_uv_uses_the_index_of_pip(pip_settings: Path) -> None:
    pip_settings.write_text("[global]\nindex-url = https://packages.example/root\n")

    assert index_settings() == {"UV_DEFAULT_INDEX": "https://packages.example/root"}


def test_what_uv_is_told_stands(pip_settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_settings.write_text("[global]\nindex-url = https://packages.example/root\n")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://other.example/root")

    assert index_settings() == {}


def test_without_an_index_of_pip_uv_keeps_its_own(pip_settings: Path) -> None:
    pip_settings.write_text("")

    assert index_settings() == {}


@pytest.mark.parametrize("command", ["make PYTHON=python3.11 demo", "make PYTHON=python3.11 setup"])
def test_make_sets_up_with_the_python_that_the_documents_name(command: str) -> None:
    assert any(f"`{command}`" in (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md"))
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert '"python3.11" scripts/setup.py python3.11\n' in done.stdout
