"""Run Meltano in this checkout."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from typing import IO, TYPE_CHECKING

from scripts.setup import ROOT, index_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VENV = ROOT / ".venv" / "bin"
TAP = "tap-atlassian-marketplace"
CUSTOMERS = f"{TAP}-customers"  # the same with other streams selected, in the same environment
JOURNY = "target-journy"
IMPORT = "target-atlassian-marketplace"
PLUGIN_KINDS = ("extractors", "loaders")
_ALONE = {"MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false", "MELTANO_CLI_DISABLE_VERSION_CHECK": "1"}
_OF_A_PLUGIN = ("MELTANO_", "TAP_", "TARGET_")


def users_environment() -> dict[str, str]:
    """Return the user's environment for a Meltano that finds the package index and calls nobody else."""
    return {**os.environ, **index_settings(), **_ALONE}


def strangers_environment() -> dict[str, str]:
    """Return the user's environment without what he told Meltano and the plugins."""
    return {name: value for name, value in users_environment().items() if not name.startswith(_OF_A_PLUGIN)} | _ALONE


def own_environment(settings: Mapping[str, str], state: Path) -> dict[str, str]:
    """Return an environment in which Meltano and the plugins know these settings and none of the user's.

    Runs in several of them may go on at one time, and beside the user's own.

    Args:
        settings: Environment variables of Meltano and the plugins.
        state: Folder for Meltano's database, which holds the bookmarks, and for what it writes during a run.
    """
    state.mkdir(parents=True, exist_ok=True)
    for kind in PLUGIN_KINDS:
        if not (state / kind).is_symlink():
            (state / kind).symlink_to(ROOT / ".meltano" / kind)
    # Installed through the links, a plugin would be bound to this folder: `install` sees to that.
    own = {"MELTANO_SYS_DIR_ROOT": str(state), "MELTANO_AUTO_INSTALL": "false"}
    return {**strangers_environment(), **own, **settings}


def meltano(
    *words: str,
    environment: Mapping[str, str],
    output: IO[str],
    env_file: str = os.devnull,
    log_format: str = "uncolored",
) -> int:
    """Run a Meltano command in the checkout and return its exit code.

    Args:
        words: The command.
        environment: The whole environment of the process.
        output: Where standard output and error go.
        env_file: Read instead of the user's `.env`.
        log_format: One of Meltano's log formats.
    """
    command = [str(VENV / "meltano"), "--env-file", env_file, "--log-format", log_format, *words]
    return subprocess.run(
        command, cwd=ROOT, env=dict(environment), stdout=output, stderr=subprocess.STDOUT, check=False
    ).returncode


def install(*plugins: str, environment: Mapping[str, str], output: IO[str]) -> int:
    """Install the plugins that are not there as the workspace now wants them; return the exit code.

    Of several that want this at the same time one installs and the others wait.
    """
    files = (ROOT / ".venv" / "workspace.stamp", ROOT / "meltano.yml")
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    (ROOT / ".meltano").mkdir(exist_ok=True)
    with (ROOT / ".meltano" / "install.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [name for name in plugins if not _stamp(name).exists() or _stamp(name).read_text() != wanted]
        if not missing:
            return 0
        shared = {name: value for name, value in environment.items() if name != "MELTANO_SYS_DIR_ROOT"}
        code = meltano("install", *missing, environment=shared, output=output)
        if code == 0:
            for name in missing:
                _stamp(name).write_text(wanted)
        return code


def _stamp(plugin: str) -> Path:
    kind = PLUGIN_KINDS[not plugin.startswith("tap-")]
    return ROOT / ".meltano" / kind / plugin / "workspace.stamp"


if __name__ == "__main__":
    sys.exit(install(*sys.argv[1:], environment=os.environ, output=sys.stdout))
