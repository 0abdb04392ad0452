"""Someone who pastes the commands of a README in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from scripts.meltano_project import VENV, strangers_environment
from scripts.setup import ROOT
from tests.end_to_end.checkouts import repository

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

ACCESS = {
    "TAP_ATLASSIAN_MARKETPLACE_EMAIL": credentials.VENDOR_EMAIL,
    "TAP_ATLASSIAN_MARKETPLACE_API_TOKEN": credentials.API_TOKEN,
    "TAP_ATLASSIAN_MARKETPLACE_VENDOR_ID": str(credentials.VENDOR_ID),
    "TARGET_JOURNY_API_KEY": credentials.JOURNY_KEY,
}


def commands(plugin: str, heading: str) -> str:
    """The commands below a heading of a plugin's README."""
    text = (ROOT / plugin / "README.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]
    section = re.sub(r"^```.*?^```", "", section, flags=re.DOTALL | re.MULTILINE)  # files, and what is printed
    found = "".join(re.findall(r"^    (.*\n)", section, re.MULTILINE))
    assert found, heading
    return found


class Stranger:
    """Someone with uv and an account at the Marketplace and at journy.io, in an empty folder.

    Args:
        folder: That folder.
        sandbox: Plays both services.
    """

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        (folder / "github").mkdir()
        self._source = repository(folder / "github")
        programs = folder / "programs"
        programs.mkdir()
        (programs / "uv").symlink_to(VENV / "uv")
        self._environment = {
            **{name: value for name, value in strangers_environment().items() if name != "CI"},  # a person at a desk
            "UV_TOOL_DIR": str(folder / "tools"),
            "UV_TOOL_BIN_DIR": str(programs),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "TAP_ATLASSIAN_MARKETPLACE_API_URL": sandbox.marketplace_url,
            "TARGET_JOURNY_API_URL": sandbox.journy_url,
        }
        numbers = (row.get("appEntitlementNumber") for row in sandbox.world.licenses)
        self._number = next(filter(None, numbers))

    def paste(self, script: str) -> str:
        """Run commands in one shell with what a reader fills in; give what they printed."""
        for name, value in ACCESS.items():
            script = re.sub(rf"(?<=^export {name}=)\S+", value, script, flags=re.MULTILINE)
        script = script.replace("https://github.com/<owner>/<repository>", f"file://{self._source}")
        script = script.replace("E-123-ABC-DEF-456", self._number)
        assert "…" not in script
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout
