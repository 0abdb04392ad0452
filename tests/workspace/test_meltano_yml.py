"""The Meltano project holds together and needs no hub."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from scripts.meltano_project import VENV, own_environment
from scripts.setup import ROOT

from marketplace_sandbox.world.apps import LEGACY

if TYPE_CHECKING:
    from pathlib import Path

JOBS = {"marketplace-to-journy", "marketplace-to-duckdb", "marketplace-to-postgres", "marketplace-to-snowflake"}


@pytest.fixture(scope="module")
def project() -> Any:
    return yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))


def test_meltano_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    environment = own_environment({}, tmp_path / "meltano")
    done = subprocess.run(
        [VENV / "meltano", "--log-format", "uncolored", "compile", "--lint", "--directory", tmp_path],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "[warning" not in done.stderr + done.stdout


def test_every_plugin_is_defined_here(project: Any) -> None:
    for kind, plugins in project["plugins"].items():
        for plugin in plugins:
            if "namespace" in plugin:
                continue
            if parent := plugin.get("inherit_from"):
                assert any(other["name"] == parent and "namespace" in other for other in plugins)
                continue
            locked = json.loads((ROOT / "plugins" / kind / f"{plugin['name']}--{plugin['variant']}.lock").read_text())
            assert (locked["name"], locked["variant"]) == (plugin["name"], plugin["variant"])
            unknown = plugin["config"].keys() - {setting["name"] for setting in locked["settings"]}
            assert not unknown, plugin["name"]


def test_jobs_are_complete_and_the_real_ones_run_daily_and_whole_once_a_week(project: Any) -> None:
    known = {plugin["name"] for plugins in project["plugins"].values() for plugin in plugins}
    jobs = {job["name"]: job["tasks"] for job in project["jobs"]}
    intervals: dict[bool, dict[str, str]] = {False: {}, True: {}}
    for schedule in project["schedules"]:
        is_full = schedule.get("env") == {"MELTANO_RUN_FULL_REFRESH": "true"}
        assert schedule["name"] == f"{schedule['job']}-{'weekly' if is_full else 'daily'}"
        intervals[is_full][schedule["job"]] = schedule["interval"]

    assert jobs.keys() == JOBS | {"marketplace-raw-to-journy", "import-licenses", "demo"}
    assert {name for tasks in jobs.values() for task in tasks for name in task.split()} <= known
    # Never two of one job on a day: the second would find the first under way.
    assert intervals[True].keys() == intervals[False].keys() == JOBS
    assert all(interval.endswith(" * * 1-6") for interval in intervals[False].values())
    assert all(interval.endswith(" * * 0") for interval in intervals[True].values())


def test_production_keeps_no_secret_and_needs_a_ledger(project: Any) -> None:
    production = next(found for found in project["environments"] if found["name"] == "prod")
    loaders = production["config"]["plugins"]["loaders"]

    assert production["config"]["plugins"].keys() == {"loaders"}
    assert loaders == [{"name": "target-journy", "config": {"require_ledger": True}}]


def test_duckdb_is_a_version_that_loses_no_rows(project: Any) -> None:
    loader = next(found for found in project["plugins"]["loaders"] if found["name"] == "target-duckdb")

    assert "duckdb<1.3" in loader["pip_url"].split()


def test_the_sandbox_knows_the_app_that_licences_are_imported_for(project: Any) -> None:
    development = next(found for found in project["environments"] if found["name"] == "dev")
    loaders = {found["name"]: found["config"] for found in development["config"]["plugins"]["loaders"]}

    assert loaders["target-atlassian-marketplace"]["app_key"] == LEGACY
