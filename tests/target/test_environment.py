"""Settings that come from environment variables alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.target.command import SCHEMAS
from tests.target.rows import license_messages, license_row

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

KEY = "very-secret-key-123"
RECORDS = [{"type": "RECORD", "stream": stream, "record": row} for stream, row in license_messages(license_row(1))]
MESSAGES = [*SCHEMAS, *RECORDS]


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("TIMEOUT", "abc", "TARGET_JOURNY_TIMEOUT: expected a number"),
        ("DRY_RUN", "maybe", "TARGET_JOURNY_DRY_RUN: expected true or false"),
        ("MAPPING", "{not json", "TARGET_JOURNY_MAPPING: expected JSON"),
        ("MAPPING", "no-such-file.yml", "cannot read the file 'no-such-file.yml'"),
        ("API_URL", "http://api.journy.io", "use https"),
        ("API_URL", "https://bob:p4ss@api.journy.io", "it holds credentials"),
    ],
)
def test_a_variable_that_cannot_be_used(tmp_path: Path, sandbox: Sandbox, variable: str, value: str, says: str) -> None:
    environment = {"TARGET_JOURNY_API_KEY": KEY, "TARGET_JOURNY_API_URL": sandbox.journy_url}
    done = run_with_environment(tmp_path, {**environment, f"TARGET_JOURNY_{variable}": value})
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
    assert len(errors) == 1
    assert says in errors[0]
    assert KEY not in done.stderr
    assert "p4ss" not in done.stderr


def test_everything_from_the_environment(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "mapping.yml").write_text("variables: {vendor_id: 5}\n")
    done = run_with_environment(
        tmp_path,
        {
            "TARGET_JOURNY_API_KEY": credentials.JOURNY_KEY,
            "TARGET_JOURNY_API_URL": sandbox.journy_url,
            "TARGET_JOURNY_PRESET": "marketplace-raw",
            "TARGET_JOURNY_MAPPING": "mapping.yml",
            "TARGET_JOURNY_MAX_REJECTED_PERCENT": "7.5",
            "TARGET_JOURNY_DRY_RUN": "off",
        },
        "".join(f"{json.dumps(message)}\n" for message in MESSAGES),
    )
    assert done.returncode == 0, done.stderr
    assert "vendors/5/" in sandbox.journy.accounts["SEN-1"].properties["link_licenses"]


def run_with_environment(folder: Path, settings: dict[str, str], lines: str = "") -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("TARGET_JOURNY")}
    return subprocess.run(
        [sys.executable, "-m", "target_journy", "--config=ENV"],
        input=lines,
        capture_output=True,
        text=True,
        env={**kept, **settings},
        cwd=folder,
        timeout=60,
        check=False,
    )
