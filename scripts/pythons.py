"""`make test-pythons`: run the tests of the packages with every Python that they say they work with and that is here.

Each Python gets an environment of its own below `.tools`, with the locked versions and without what only the workspace
needs: Meltano, DuckDB and the embedded PostgreSQL, which are not there for every Python.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from scripts.setup import PACKAGES, ROOT, dotted, find_uv, index_settings, python_version

PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14))
FOLDERS = ("tests/http", "tests/singer", "tests/tap", "tests/target", "tests/licence_import")
TOOLS = ("hypothesis", "jsonschema", "psutil", "psycopg[binary]", "pytest", "pytest-xdist", "pyyaml", "requests-mock")
SDK = "singer-sdk[msgspec,testing]"
_LAST_LINE = re.compile(r"=* ?(\d+ (?:passed|failed|error).*?) ?=*")


def find_interpreter(version: tuple[int, ...]) -> str | None:
    """Return a Python of that version: on the PATH, or one of pyenv's, whose shims may refuse to run; None without."""
    name = dotted(version)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = (shutil.which(f"python{name}"), *sorted(pyenv.glob(f"{name}.*/bin/python")))
    return next((str(found) for found in candidates if found and python_version(str(found)) == version), None)


def environment(python: str, version: tuple[int, ...]) -> Path | None:
    """Make an environment for the tests; return its Python, None if something cannot be installed."""
    folder = ROOT / ".tools" / f"python-{dotted(version)}"
    inside = folder / "bin" / "python"
    uv, extra = find_uv(python), {**os.environ, **index_settings()}
    packages = [word for package in PACKAGES for word in ("--editable", f"./{package}")]
    commands: tuple[list[str | Path], ...] = (
        [uv, "venv", "--quiet", "--clear", "--python", python, folder],
        [uv, "pip", "install", "--quiet", "--python", inside, "-c", "requirements.lock", *packages, *TOOLS, SDK],
    )
    for command in commands:
        if subprocess.run(command, cwd=ROOT, env=extra, check=False).returncode:
            return None
    return inside


def tested(version: tuple[int, ...], options: list[str]) -> tuple[bool, str]:
    """Run the tests with a Python; return whether all is well, and what to say of it."""
    python = find_interpreter(version)
    if not python:
        return True, "not here, skipped"
    inside = environment(python, version)
    if not inside:
        return False, "the packages cannot be installed, see above"
    command: list[str | Path] = [
        inside,
        "-m",
        "pytest",
        "-q",
        "-m",
        "not long",
        "-n",
        "auto",
        "-p",
        "no:cacheprovider",
        *FOLDERS,
        *options,
    ]
    last = ""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if found := _LAST_LINE.fullmatch(line.strip()):
                last = found.group(1)
    code = process.returncode
    return code == 0, last or f"pytest ended with {code}"


def main(options: list[str]) -> int:
    """Run the tests with each Python, with further options of pytest; return 0 if all is well."""
    told, good = [], True
    for version in PYTHONS:
        print(f"\n--- Python {dotted(version)}", flush=True)
        started = time.monotonic()
        fine, what = tested(version, options)
        good &= fine
        told.append(f"Python {dotted(version)}: {what}, {(time.monotonic() - started) / 60:.0f} minutes")
    print("\n" + "\n".join(told))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
