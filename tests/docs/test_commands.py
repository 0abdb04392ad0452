"""The commands in the plugins' READMEs, pasted in a folder of one's own, install the plugins and do what they say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.docs.stranger import ACCESS, Stranger, commands

from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

TAP = "tap-atlassian-marketplace"
JOURNY = "target-journy"
IMPORT = "target-atlassian-marketplace"
# What a reader of the loader's README has exported while he tried the tap.
ACCESS_OF_TAP = "".join(f"export {name}={value}\n" for name, value in ACCESS.items() if name.startswith("TAP_"))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running(customers=3) as sandbox:
        yield sandbox


def test_a_stranger_installs_the_plugins_and_uses_them(sandbox: Sandbox, tmp_path: Path) -> None:
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
    assert "<h1>What a run would do</h1>" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h1>What a run did</h1>" in (tmp_path / "first.html").read_text(encoding="utf-8")
    assert len(sandbox.journy.accounts) == len(
        {call["account"] for call in preview if call["call"] == "upsert_account"}
    )
