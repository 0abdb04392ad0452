"""The commands in the plugins' READMEs, pasted in a folder of one's own, install the plugins and do what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from scripts.meltano_project import VENV, strangers_environment
from scripts.setup import ROOT
from tests.end_to_end.checkouts import repository

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

TAP = "tap-atlassian-marketplace"
JOURNY = "target-journy"
IMPORT = "target-atlassian-marketplace"
ACCESS = {
    "TAP_ATLASSIAN_MARKETPLACE_EMAIL": credentials.VENDOR_EMAIL,
    "TAP_ATLASSIAN_MARKETPLACE_API_TOKEN": credentials.API_TOKEN,
    "TAP_ATLASSIAN_MARKETPLACE_VENDOR_ID": str(credentials.VENDOR_ID),
    "TARGET_JOURNY_API_KEY": credentials.JOURNY_KEY,
}
# What a reader of the loader's README has exported while he tried the tap.
ACCESS_OF_TAP = "".join(f"export {name}={value}\n" for name, value in ACCESS.items() if name.startswith("TAP_"))


def commands(plugin: str, heading: str) -> str:
    """The commands below a heading of a plugin's README."""
    text = (ROOT / plugin / "README.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]
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
        self._source = repository(folder / "github")
        programs = folder / "programs"
        programs.mkdir()
        (programs / "uv").symlink_to(VENV / "uv")
        self._environment = {
            **strangers_environment(),
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


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running(customers=3) as sandbox:
        yield sandbox


def test_a_stranger_installs_the_plugins_and_uses_them(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "github").mkdir()
    stranger = Stranger(tmp_path, sandbox)
    for plugin in (TAP, JOURNY, IMPORT):
        stranger.paste(commands(plugin, "Install"))
        assert (tmp_path / "programs" / plugin).exists()

    printed = stranger.paste(commands(TAP, "Try it"))
    assert "ok: the token may read the reports" in printed
    assert '"breadcrumb"' in printed
    assert '"stream":"licenses","record"' in (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    assert {"licenses", "contacts", "transactions"} <= json.loads((tmp_path / "state.json").read_text())[
        "bookmarks"
    ].keys()

    printed = stranger.paste(ACCESS_OF_TAP + commands(JOURNY, "Try it"))
    assert "takes the key" in printed
    preview = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["preview"]
    assert {call["call"] for call in preview} >= {"upsert_account", "upsert_user", "track"}
    assert len(sandbox.journy.accounts) == len(
        {call["account"] for call in preview if call["call"] == "upsert_account"}
    )
