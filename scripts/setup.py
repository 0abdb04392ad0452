"""Make `.venv`: find a suitable Python and uv, install the locked packages and the workspace itself.

Uses nothing but the standard library and runs on Python 3.6 and later, so that an unsuitable Python gets a
sentence instead of a traceback. Does nothing when nothing changed since the last run.
"""
# Newer ways to write types and calls would not run on 3.6.
# ruff: noqa: UP006, UP021, UP035, UP045

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "marketplace-http",
    "marketplace-singer",
    "tap-atlassian-marketplace",
    "target-journy",
    "target-atlassian-marketplace",
    "sandbox",
)
SUITABLE = ((3, 12), (3, 11), (3, 10))
UV_AT_LEAST = (0, 8, 14)

Version = Tuple[int, ...]


class SetupError(Exception):
    """The workspace cannot be set up; the text says why and what to do."""


def dotted(version: Version) -> str:
    """Return a version as people write it: `(3, 11)` is "3.11"."""
    return ".".join(str(part) for part in version)


def output_of(command: List[str]) -> Optional[str]:
    """Return what a command printed, or None when there is no such command or it failed."""
    try:
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def python_version(interpreter: str) -> Optional[Version]:
    """Return (major, minor) of an interpreter, or None when it does not run."""
    # A shim of a version manager is found on the PATH and yet may refuse to run.
    printed = output_of([interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    return tuple(int(part) for part in printed.split(".")) if printed else None


def find_python(wanted: Optional[str]) -> Tuple[str, Version]:
    """Return the interpreter to use and its (major, minor).

    Args:
        wanted: The interpreter that the user asked for; then no other is tried.

    Raises:
        SetupError: None of those found is suitable.
    """
    inside = str(ROOT / ".venv" / "bin" / "python")
    # That of the environment first: another `python3` in a shell or a schedule is no reason to make it anew.
    candidates = [wanted] if wanted else [inside, sys.executable] + ["python" + dotted(v) for v in SUITABLE]
    for candidate in candidates:
        version = python_version(candidate)
        if version in SUITABLE:
            return candidate, version
    works = ", ".join(dotted(version) for version in sorted(SUITABLE))
    first = wanted or sys.executable
    found = python_version(first)
    is_it = f"is Python {dotted(found)}" if found else "does not run"
    raise SetupError(
        f"{first} {is_it}; this workspace needs Python {works}. Name one that is installed: make PYTHON=python3.11 demo"
    )


def uv_version(uv: str) -> Optional[Version]:
    """Return the version of a uv executable, or None when it does not run."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", output_of([uv, "--version"]) or "")
    return tuple(int(part) for part in found.groups()) if found else None


def locked_requirement(name: str) -> str:
    """Return the lines of `requirements.lock` that pin one package, its hashes included."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(name)}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    if not found:
        raise SetupError(f"requirements.lock does not name {name}: run `make lock`")
    return found.group(0)


def find_uv(python: str) -> str:
    """Return a uv that is new enough: the one on the PATH, else one installed into `.tools`.

    Raises:
        SetupError: There is none and it cannot be installed.
    """
    tools = ROOT / ".tools"
    for candidate in (shutil.which("uv"), str(tools / "bin" / "uv")):
        if candidate and (uv_version(candidate) or ()) >= UV_AT_LEAST:
            return candidate
    print("setup: installing uv into .tools", flush=True)
    if output_of([python, "-m", "venv", "--clear", str(tools)]) is None:
        raise SetupError(
            f"{python} cannot make virtual environments: install its venv module "
            "(Debian, Ubuntu: apt install python3-venv) or uv (docs.astral.sh/uv)"
        )
    requirement = tools / "uv.txt"
    requirement.write_text(locked_requirement("uv"), encoding="utf-8")
    pip = [str(tools / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    run([*pip, "install", "--no-deps", "--require-hashes", "--requirement", str(requirement)])
    return str(tools / "bin" / "uv")


def index_settings() -> Dict[str, str]:
    """Return the environment that lets uv use the package index that pip is set up for.

    uv does not read pip's settings. Where the user told uv itself something about indexes, that stands.
    """
    told = any(re.match(r"UV_(.*INDEX|CONFIG_FILE)", name) for name in os.environ)
    folders = (Path.home() / ".config" / "uv", Path("/etc/uv"))
    if told or any((folder / "uv.toml").exists() for folder in folders):
        return {}
    # `.venv` has no pip; the Python below it mostly has.
    for python in (ROOT / ".tools" / "bin" / "python", Path(sys.base_prefix) / "bin" / "python3"):
        listed = output_of([str(python), "-m", "pip", "config", "list"])
        if listed is not None:
            found = re.findall(r"^(?:global|install|:env:)\.index-url='(.+)'$", listed, re.MULTILINE)
            return {"UV_DEFAULT_INDEX": found[-1]} if found else {}
    return {}


def run(command: List[str], extra: Optional[Dict[str, str]] = None) -> None:
    """Run a command that must succeed; its own output tells the user what went wrong.

    Raises:
        SetupError: It did not succeed.
    """
    environment = dict(os.environ, **(extra or {}))
    if subprocess.call(command, cwd=str(ROOT), env=environment) != 0:
        raise SetupError(f"`{Path(command[0]).name} {' '.join(command[1:3])}` failed, see above")


@contextlib.contextmanager
def in_use(root: Path, *, exclusively: bool) -> Iterator[int]:
    """Keep a set-up from changing the environment under a run, and under another set-up.

    Args:
        root: The checkout.
        exclusively: Changes the environment; else uses it, as others may at the same time.

    Raises:
        SetupError: Someone else does what does not go together with this.

    Yields:
        The descriptor that holds the lock for as long as it is open.
    """
    with (root / ".venv.lock").open("a") as lock:
        try:
            fcntl.flock(lock, (fcntl.LOCK_EX if exclusively else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            under_way = "a run or another set-up" if exclusively else "a set-up"
            raise SetupError(f"{under_way} is under way in this checkout; try again when it has ended") from None
        yield lock.fileno()


def fingerprint(version: Version) -> str:
    """Return what must change for the environment to be made anew, as a hash."""
    digest = hashlib.sha256(dotted(version).encode())
    paths = ["requirements.lock", "pyproject.toml"] + [package + "/pyproject.toml" for package in PACKAGES]
    for path in paths:
        digest.update((ROOT / path).read_bytes())
    return digest.hexdigest()


def install(python: str, version: Version) -> None:
    """Bring `.venv` to what the lock says, with the workspace's packages editable."""
    uv = find_uv(python)
    extra = index_settings()
    inside = ROOT / ".venv" / "bin" / "python"
    if python_version(str(inside)) != version:
        run([uv, "venv", "--quiet", "--clear", "--python", python, str(ROOT / ".venv")])
    into = [uv, "pip", "install", "--quiet", "--python", str(inside)]
    run([*into, "--require-hashes", "--requirement", "requirements.lock"], extra)
    editable = [word for package in PACKAGES for word in ("--editable", "./" + package)]
    run([*into, "--no-deps", *editable], extra)


def main(arguments: List[str]) -> int:
    """Set the workspace up; an argument names the one interpreter to use."""
    started = time.time()
    stamp = ROOT / ".venv" / "workspace.stamp"
    try:
        python, version = find_python(arguments[0] if arguments else None)
        wanted = fingerprint(version)
        runs = python_version(str(ROOT / ".venv" / "bin" / "python")) == version
        if runs and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return 0
        print(f"setup: Python {dotted(version)}, installing into .venv", flush=True)
        with in_use(ROOT, exclusively=True):
            if stamp.exists():
                stamp.unlink()  # until all of it is there
            install(python, version)
            stamp.write_text(wanted, encoding="utf-8")
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    print(f"setup: ready after {time.time() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
