"""An empty machine on which the commands of a document are pasted, as a person would.

What would change the machine itself (`sudo`, `crontab`, `systemctl`) is played by scripts that note it.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from tests.end_to_end.checkouts import bare_environment

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

PLACE = "/srv/marketplace"
STUBS = {
    "sudo": 'echo "$@" >>"$NOTES/sudo"; [ "$1" != tee ] || cat >"$NOTES/${2##*/}"',
    "systemctl": 'echo "$@" >>"$NOTES/systemctl"',
    "crontab": 'file="$NOTES/crontab"; [ "$1" = - ] && { cat >"$file.new"; mv "$file.new" "$file"; } || cat "$file"',
}


def access_to(sandbox: Sandbox) -> dict[str, str]:
    """What a vendor fills into `.env`, with a sandbox in place of both services."""
    return {
        "TAP_ATLASSIAN_MARKETPLACE_EMAIL": credentials.VENDOR_EMAIL,
        "TAP_ATLASSIAN_MARKETPLACE_API_TOKEN": credentials.API_TOKEN,
        "TAP_ATLASSIAN_MARKETPLACE_VENDOR_ID": str(credentials.VENDOR_ID),
        "TARGET_JOURNY_API_KEY": credentials.JOURNY_KEY,
        "TAP_ATLASSIAN_MARKETPLACE_API_URL": sandbox.marketplace_url,
        "TARGET_JOURNY_API_URL": sandbox.journy_url,
    }


class Machine:
    """An empty machine, with a folder in place of `/srv`."""

    def __init__(self, folder: Path, remote: Path) -> None:
        self.folder = folder
        self.place = folder / "srv" / "marketplace"
        self.notes = folder / "notes"
        self._remote = remote
        (folder / "bin").mkdir()
        self.place.parent.mkdir()
        self.notes.mkdir()
        for name, script in STUBS.items():
            (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / "bin" / name).chmod(0o755)
        people = {
            f"GIT_{role}_{what}": f"me@{role}.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        path = f"{folder / 'bin'}:{os.environ['PATH']}"
        self.environment = {**bare_environment(), **people, "PATH": path, "NOTES": str(self.notes)}

    def paste(self, lines: list[str], **variables: str) -> str:
        """Run commands in one shell, as a person would; give what they printed."""
        script = "\n".join(lines).replace(PLACE, str(self.place)).replace("<repository>", str(self._remote))
        assert "<" not in script
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.place if self.place.exists() else self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout[-4000:]}"
        return done.stdout

    def fill_in(self, settings: dict[str, str]) -> None:
        """Write settings into `.env`, which keeps its mode."""
        file = self.place / ".env"
        text = file.read_text(encoding="utf-8")
        for name, value in settings.items():
            text, count = re.subn(rf"^#?{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
            assert count == 1, name
        file.write_text(text, encoding="utf-8")

    def noted(self, name: str) -> list[str]:
        """What a program of the machine was asked."""
        return (self.notes / name).read_text(encoding="utf-8").splitlines()
