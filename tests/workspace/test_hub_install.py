"""An empty Meltano project gets plugins from the hub's definitions, without the network but for packages; they run."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from scripts.hub import HUB, kind_of, third_party
from scripts.meltano_project import IMPORT, JOURNY, PLUGIN_KINDS, TAP, VENV, strangers_environment
from scripts.publisher import VARIANT
from scripts.settings import PLUGINS, settings_of
from scripts.setup import ROOT
from tests.licence_import.rows import lines, messages, rows

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running
from marketplace_sandbox.world.apps import TIMESHEETS

if TYPE_CHECKING:
    from pathlib import Path


class EmptyProject:
    """A Meltano project that knows nothing yet, with a hub of its own."""

    def __init__(self, folder: Path, hub_url: str, **settings: str) -> None:
        self.folder = folder
        self.file = folder / "meltano.yml"
        self.write({"default_environment": "dev", "environments": [{"name": "dev"}]})
        cache = subprocess.run([VENV / "uv", "cache", "dir"], check=True, capture_output=True, text=True).stdout
        self.environment = {
            **strangers_environment(),
            "MELTANO_HUB_URL": hub_url,
            # Meltano keeps what a hub told it beside other caches, of which uv's is to be used.
            "UV_CACHE_DIR": cache.strip(),
            "XDG_CACHE_HOME": str(folder / "cache"),
            **settings,
        }

    def write(self, content: object) -> None:
        """Replace the project's `meltano.yml`."""
        self.file.write_text(yaml.safe_dump(content), encoding="utf-8")

    def meltano(self, *words: str) -> str:
        """Run a command that must succeed; returns its output."""
        command = [VENV / "meltano", "--log-format", "uncolored", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout

    def plugin(self, name: str) -> dict[str, object]:
        """What the project's `meltano.yml` says of a plugin."""
        project = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        return next(found for found in project["plugins"][kind_of(name)] if found["name"] == name)


@pytest.mark.parametrize("by_reference", [False, True], ids=["from the hub", "from a file"])
def test_an_empty_project_adds_our_plugins_and_runs_them(
    by_reference: bool, tmp_path: Path, hub_url: str, packages: Path
) -> None:
    with running(customers=3) as sandbox:
        project = EmptyProject(
            tmp_path,
            hub_url,
            UV_FIND_LINKS=str(packages),
            TAP_ATLASSIAN_MARKETPLACE_API_URL=sandbox.marketplace_url,
            TAP_ATLASSIAN_MARKETPLACE_EMAIL=credentials.VENDOR_EMAIL,
            TAP_ATLASSIAN_MARKETPLACE_API_TOKEN=credentials.API_TOKEN,
            TAP_ATLASSIAN_MARKETPLACE_DEVELOPER_ID=credentials.DEVELOPER_ID,
            TARGET_JOURNY_API_URL=sandbox.journy_url,
            TARGET_JOURNY_API_KEY=credentials.JOURNY_KEY,
            TARGET_JOURNY_PRESET="marketplace-raw",
            TARGET_JOURNY_MAPPING=json.dumps({"variables": {"vendor_id": str(credentials.VENDOR_ID)}}),
            TARGET_JOURNY_REQUIRE_LEDGER="false",
            TARGET_ATLASSIAN_MARKETPLACE_API_URL=sandbox.license_service_url,
            TARGET_ATLASSIAN_MARKETPLACE_EMAIL=credentials.VENDOR_EMAIL,
            TARGET_ATLASSIAN_MARKETPLACE_API_TOKEN=credentials.API_TOKEN,
            TARGET_ATLASSIAN_MARKETPLACE_APP_KEY=TIMESHEETS,
        )
        for plugin in PLUGINS:
            kind = kind_of(plugin)
            file = ROOT / HUB / "_data" / "meltano" / kind / plugin / f"{VARIANT}.yml"
            reference = ("--from-ref", str(file)) if by_reference else ()
            project.meltano("add", "--plugin-type", kind, *reference, plugin)
            lock = tmp_path / "plugins" / kind / f"{plugin}--{VARIANT}.lock"
            assert lock.exists() != by_reference
            told = project.plugin(plugin) if by_reference else json.loads(lock.read_text())
            assert [found["name"] for found in told["settings"]] == [found.name for found in settings_of(plugin)]

        project.meltano("run", TAP, JOURNY)

        assert sandbox.journy.accounts
        assert sandbox.journy.events
        state = json.loads(project.meltano("state", "get", f"dev:{TAP}-to-{JOURNY}"))["singer_state"]["bookmarks"]
        # Of a definition added from a file Meltano keeps no `select`, and without one it selects every stream.
        usual = {"licenses", "transactions", "contacts"}
        assert usual < state.keys() if by_reference else usual == state.keys()

        (tmp_path / "licenses.jsonl").write_text(lines(messages(rows(1))))
        project.meltano("invoke", IMPORT, "--input", "licenses.jsonl")
        assert list(sandbox.license_service.licenses) == [(TIMESHEETS, "OLD-1")]


def test_the_hub_gives_the_committed_lock_files(tmp_path: Path, hub_url: str) -> None:
    project = EmptyProject(tmp_path, hub_url)
    loaders = [{"name": found["name"], "variant": found["variant"]} for found in third_party().values()]
    project.write({"plugins": {"loaders": loaders}})

    project.meltano("lock")

    assert loaders
    for name in third_party():
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), name
    committed = {path.name for kind in PLUGIN_KINDS for path in (ROOT / "plugins" / kind).glob("*.lock")}
    assert {name.rpartition("/")[2] for name in third_party()} == committed
