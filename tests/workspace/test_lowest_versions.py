"""Each plugin does its whole work with the oldest versions that it says it needs, on the oldest Python that is here."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from scripts.meltano_project import IMPORT, JOURNY, TAP, VENV, strangers_environment, users_environment
from scripts.pythons import PYTHONS, find_interpreter
from scripts.setup import PACKAGES
from tests.end_to_end.expected_journy import Journy
from tests.end_to_end.journy_content import held, unlike, wanted
from tests.end_to_end.singer_file import decode, selecting
from tests.licence_import.rows import as_csv, row, rows, sent, tap_csv
from tests.workspace.installing import files_of, metadata_of, run

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running
from marketplace_sandbox.world.apps import TIMESHEETS
from tap_atlassian_marketplace.streams import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

pytestmark = pytest.mark.long

PLUGINS = (TAP, JOURNY, IMPORT)
BENEATH = ("marketplace-http", "marketplace-singer")
RAW = ("licenses", "contacts", "transactions")
# What is installed: of each distribution its version, what it asks for, and where it came from.
INSTALLED = """
import json
from importlib.metadata import distributions
print(json.dumps({
    found.name.lower().replace("_", "-"): (found.version, found.requires or [], found.read_text("direct_url.json"))
    for found in distributions()
}))
"""


@dataclass(frozen=True)
class Plugin:
    """A plugin in an environment of its own, which has no other version than the oldest of what it asks for."""

    name: str
    programs: Path

    def run(self, folder: Path, config: dict[str, Any], *options: str | Path, text: str = "") -> str:
        """Run it as a person does, who knows no other settings than these; what it prints."""
        file = folder / f"{self.name}.json"
        file.write_text(json.dumps(config), encoding="utf-8")
        command = [self.programs / self.name, "--config", file, *options]
        done = subprocess.run(
            command, cwd=folder, input=text, env=strangers_environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-4000:]
        assert "Traceback" not in done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def oldest(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Plugin]:
    """Give a plugin with the oldest versions; each is installed once."""
    made: dict[str, Plugin] = {}
    python = next((found for version in PYTHONS if (found := find_interpreter(version))), sys.executable)
    wheels = {path.name.partition("-")[0].replace("_", "-"): path for path in files_of(packages, "*.whl")}

    def plugin(name: str) -> Plugin:
        if name not in made:
            made[name] = Plugin(name, install(name))
        return made[name]

    def install(name: str) -> Path:
        own = [wheels[each] for each in (*BENEATH, name)]
        # Said once more, what a wheel asks for is a direct dependency; uv takes it for one of a folder only.
        asked = [line for wheel in own for line in metadata_of(wheel).get_all("Requires-Dist", ())]
        folder = tmp_path_factory.mktemp(name)
        into = ["pip", "install", "--quiet", "--python", folder / "bin" / "python", "--resolution", "lowest-direct"]
        run(VENV / "uv", "venv", "--quiet", "--clear", "--python", python, folder, environment=users_environment())
        run(VENV / "uv", *into, *own, *asked, environment=users_environment())
        return folder / "bin"

    return plugin


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running(customers=10) as running_sandbox:
        yield running_sandbox


def read(tap: Plugin, folder: Path, sandbox: Sandbox, *streams: str) -> str:
    """What a tap writes of some streams."""
    catalog = folder / "catalog.json"
    catalog.write_text(json.dumps(selecting(streams)), encoding="utf-8")
    config = {
        "email": credentials.VENDOR_EMAIL,
        "api_token": credentials.API_TOKEN,
        "vendor_id": credentials.VENDOR_ID,
        "api_url": sandbox.marketplace_url,
        "as_of": "2026-03-02",
    }
    return tap.run(folder, config, "--catalog", catalog)


def told(text: str) -> tuple[dict[str, Any], Any]:
    """The rows of all streams by key, and the last state, without the versions, which are moments."""
    state = [json.loads(line)["value"] for line in text.splitlines() if '"type":"STATE"' in line][-1]
    bookmarks = {
        name: {key: value for key, value in entry.items() if "version" not in key}
        for name, entry in state["bookmarks"].items()
    }
    return {name: emitted.rows for name, emitted in decode(text).items()}, bookmarks


@pytest.mark.parametrize("name", PLUGINS)
def test_the_oldest_versions_are_installed(name: str, oldest: Callable[[str], Plugin], packages: Path) -> None:
    """A bound below what can be installed would promise what nobody has tried."""
    found = json.loads(run(oldest(name).programs / "python", "-c", INSTALLED))
    own = (*BENEATH, name)
    assert all(str(packages) in found[package][2] for package in own)
    asked = {Requirement(line) for package in own for line in found[package][1]}
    others = [each for each in asked if each.name not in PACKAGES]
    bounds = {each: [Version(part.version) for part in each.specifier if part.operator == ">="] for each in others}
    assert {each.name for each in others} >= {"click", "msgspec", "requests", "singer-sdk", "urllib3"}
    assert {str(each): [Version(found[each.name][0])] for each in others} == {
        str(each): lowest for each, lowest in bounds.items()
    }


@pytest.mark.parametrize("way", ["exports", "pages"])
def test_the_tap_reads_what_it_reads_with_the_newest(
    way: str, oldest: Callable[[str], Plugin], sandbox: Sandbox, tmp_path: Path
) -> None:
    newest = read(Plugin(TAP, VENV), tmp_path, sandbox, *NAMES)
    sandbox.journal.clear()
    if way == "pages":
        sandbox.faults.add("export-failed", path="/licenses")
        sandbox.faults.add("export-failed", path="/sales/transactions")

    rows, state = told(read(oldest(TAP), tmp_path, sandbox, *NAMES))

    assert (rows, state) == told(newest)
    assert set(rows) == set(NAMES)
    assert all(rows.values())
    called = {(call["method"], call["path"].rpartition("/developer-space/")[2]) for call in sandbox.journal.calls}
    developer = credentials.DEVELOPER_ID
    for report in ("licenses", "sales/transactions"):
        downloads = [path for _, path in called if path.startswith(f"{developer}/{report}/async/export/")]
        assert any(not path.endswith("/status") for path in downloads) == (way == "exports")
        pages = [call for call in sandbox.journal.calls if call["path"].endswith(f"/{report}")]
        assert any("offset=" in call["query"] for call in pages) == (way == "pages")


@pytest.mark.parametrize("transport", ["journy", "journy_segment", "segment"])
def test_what_the_tap_reads_reaches_journy(
    transport: str, oldest: Callable[[str], Plugin], sandbox: Sandbox, tmp_path: Path
) -> None:
    doors = {
        "journy": {"api_url": sandbox.journy_url, "api_key": credentials.JOURNY_KEY},
        "journy_segment": {"api_url": sandbox.journy_segment_url, "write_key": credentials.WRITE_KEY},
        "segment": {"api_url": sandbox.segment_url, "write_key": credentials.WRITE_KEY},
    }
    settings = {"transport": transport, "preset": "marketplace-raw", "events_since": "all", "require_ledger": False}
    config = {**doors[transport], **settings, "report_path": "report.json", "max_rejected_percent": 100}
    config["ledger_url"] = f"sqlite:///{tmp_path / 'ledger.db'}"
    config["mapping"] = {"variables": {"vendor_id": credentials.VENDOR_ID}}
    expected = Journy()
    expected.absorb(sandbox.world)
    text = read(oldest(TAP), tmp_path, sandbox, *RAW)

    oldest(JOURNY).run(tmp_path, config, text=text)
    assert unlike(held(sandbox), wanted(expected)) == {}

    # The ledger knows all of it.
    calls = len(sandbox.journal.calls)
    oldest(JOURNY).run(tmp_path, config, text=text)
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert [stream["delivered"] for stream in report["streams"].values()] == [0] * len(RAW)
    assert len(sandbox.journal.calls) == calls


def test_a_file_of_keys_becomes_licences(oldest: Callable[[str], Plugin], sandbox: Sandbox, tmp_path: Path) -> None:
    records = [*rows(2), row("OLD-3", users="-1", licenseType="ACADEMIC")]
    config = {
        "email": credentials.VENDOR_EMAIL,
        "api_token": credentials.API_TOKEN,
        "app_key": TIMESHEETS,
        "api_url": sandbox.license_service_url,
        "results_path": "results.jsonl",
    }
    for _ in range(2):  # the second run has nothing to do
        oldest(IMPORT).run(tmp_path, config, text=tap_csv(as_csv(records)))
    service = sandbox.license_service
    assert {id_: licence.body for (_, id_), licence in service.licenses.items()} == {
        record["id"]: sent(record) for record in records
    }
    assert len(sandbox.journal.calls) == len(records)
    results = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text("utf-8").splitlines()]
    assert {(line["id"], line["licenseKey"]) for line in results} == {
        (id_, licence.license_key) for (_, id_), licence in service.licenses.items()
    }
