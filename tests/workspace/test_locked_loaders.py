"""The locked definitions of the warehouse loaders name settings that the loaders really have."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from scripts.meltano_project import install, own_environment
from scripts.setup import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
@pytest.mark.parametrize("loader", ["target-postgres", "target-snowflake"])
def test_locked_settings_are_those_of_the_loader(loader: str, tmp_path: Path) -> None:
    log = tmp_path / "install.log"
    with log.open("w") as output:
        code = install(loader, environment=own_environment({}, tmp_path / "meltano"), output=output)
    assert code == 0, log.read_text()
    executable = ROOT / ".meltano" / "loaders" / loader / "venv" / "bin" / loader
    printed = subprocess.run([executable, "--about", "--format=json"], check=True, capture_output=True, text=True)
    schema = json.loads(printed.stdout)["settings"]
    locked = json.loads((ROOT / "plugins" / "loaders" / f"{loader}--meltanolabs.lock").read_text())["settings"]

    assert {setting["name"].split(".")[0] for setting in locked} <= schema["properties"].keys()
    defaults = {setting["name"]: setting["value"] for setting in locked if "value" in setting}
    for name, value in defaults.items():
        if "." not in name:
            assert schema["properties"][name]["default"] == value, name


@pytest.mark.parametrize("loader", ["target-duckdb", "target-postgres", "target-snowflake"])
def test_settings_that_the_project_names_are_in_the_locked_definition(loader: str) -> None:
    (lock,) = (ROOT / "plugins" / "loaders").glob(f"{loader}--*.lock")
    locked = {setting["name"] for setting in json.loads(lock.read_text())["settings"]}
    loaders = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["loaders"]
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = re.findall(rf"^#?{loader.upper().replace('-', '_')}_(\w+)=", example, re.MULTILINE)

    assert named
    assert {name.lower() for name in named} <= locked
    assert next(found["config"] for found in loaders if found["name"] == loader).keys() <= locked
