"""An empty Meltano project gets plugins from the hub's definitions, without the network but for packages; they run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from scripts.hub import HUB, kind_of, third_party
from scripts.meltano_project import IMPORT, JOURNY, PLUGIN_KINDS, TAP, VENV, strangers_environment
from scripts.publisher import VARIANT
from scripts.settings import PLUGINS, settings_of
from scripts.setup import ROOT
from tests.docs.stranger import ACCESS
from tests.end_to_end.checkouts import repository
from tests.licence_import.rows import lines, messages, rows
from tests.workspace.static_hub import served

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


def without_hub() -> tuple[list[str], list[str], list[dict[str, object]]]:
    """What the page about the hub says to those who do not wait for it: commands before, after, and lines between."""
    text = (ROOT / HUB / "README.md").read_text(encoding="utf-8")
    section = text.split("\n## In a project of yours, before that\n")[1].split("\n## ")[0]
    commands = re.findall(r"^    (\S.*)$", section, re.MULTILINE)
    install = commands.index("meltano install")
    blocks = re.findall(r"^```yaml\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    return commands[:install], commands[install:], [yaml.safe_load(block) for block in blocks]


@pytest.mark.long
def test_a_project_adds_our_plugins_without_hub_and_index(tmp_path: Path) -> None:
    """By the addresses of the definitions, and by those of the packages in the repository."""
    (tmp_path / "github").mkdir()
    source = repository(tmp_path / "github")
    (tmp_path / "project").mkdir()
    add, use, written = without_hub()
    address = "https://github.com/<owner>/<repository>"
    with running(customers=3) as sandbox, served(source) as url:
        project = EmptyProject(
            tmp_path / "project",
            "http://127.0.0.1:9",  # no hub
            TAP_ATLASSIAN_MARKETPLACE_API_URL=sandbox.marketplace_url,
            TARGET_JOURNY_API_URL=sandbox.journy_url,
            TARGET_JOURNY_REQUIRE_LEDGER="false",
            PATH=f"{VENV}:{os.environ['PATH']}",
        )
        for command in add:
            project.meltano(*shlex.split(command.replace(f"{address}/raw/main", url))[1:])
        content = yaml.safe_load(project.file.read_text(encoding="utf-8"))
        for lines in written:
            where = str(lines["pip_url"])
            (plugin,) = content["plugins"][kind_of(where.partition("#subdirectory=")[2])]
            plugin |= lines | {"pip_url": where.replace(address, f"file://{source}")}
        project.write(content)
        script = "\n".join(use)
        for name, value in ACCESS.items():
            script = re.sub(rf"(?<={name}=)\S+", value, script)
        assert "…" not in script
        shell = ["bash", "-e", "-c", script]
        done = subprocess.run(
            shell, cwd=project.folder, env=project.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]

        assert sandbox.journy.accounts
        assert sandbox.journy.events
        state = json.loads(project.meltano("state", "get", f"dev:{TAP}-to-{JOURNY}"))["singer_state"]["bookmarks"]
        assert state.keys() == {"licenses", "transactions", "contacts"}


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
