"""The checkout as a Meltano project, run over a sandbox, apart from the user's own state."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from scripts.meltano_project import TAP, VENV, install, meltano, own_environment
from tests.end_to_end.singer_file import decode, selecting

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tests.end_to_end.singer_file import Emitted

    from marketplace_sandbox.server import Sandbox


@dataclass
class Project:
    """Meltano in the checkout over a sandbox, with a state of its own below `folder`."""

    folder: Path
    sandbox: Sandbox

    def run(self, job: str, *options: str, loader: str, tap: str = TAP, **settings: str) -> None:
        """Run a job in the environment `dev`; when it fails, the test fails with the end of Meltano's log.

        Args:
            job: Name of the job.
            options: Further options of `meltano run`.
            loader: The loader that the job uses.
            tap: The tap that it uses.
            settings: Environment variables of the plugins.
        """
        self.call("run", *options, job, loader=loader, tap=tap, **settings)

    def call(self, *words: str, loader: str, tap: str = TAP, **settings: str) -> None:
        """Call a command of Meltano, likewise."""
        log = self.folder / "meltano.log"
        urls = {
            "TAP_ATLASSIAN_MARKETPLACE_API_URL": self.sandbox.marketplace_url,
            "TARGET_JOURNY_API_URL": self.sandbox.journy_url,
        }
        environment = own_environment({**urls, **settings}, self.folder / "meltano")
        with log.open("a", encoding="utf-8") as output:
            installed = install(tap, loader, environment=environment, output=output)
            ran = meltano("--environment", "dev", *words, environment=environment, output=output)
        assert (installed, ran) == (0, 0), log.read_text(encoding="utf-8")[-6000:]

    def emitted(self, streams: Collection[str] = (), **settings: Any) -> dict[str, Emitted]:
        """Return what the tap alone, without a bookmark, emits now of some streams, by default those of the tap."""
        return decode(self.singer_file(streams, **settings))

    def singer_file(self, streams: Collection[str] = (), **settings: Any) -> str:
        """Return the lines that the tap alone, without a bookmark, writes now."""
        config, catalog = self.folder / "tap.json", self.folder / "catalog.json"
        access = {
            "api_url": self.sandbox.marketplace_url,
            "email": credentials.VENDOR_EMAIL,
            "api_token": credentials.API_TOKEN,
            "vendor_id": credentials.VENDOR_ID,
        }
        config.write_text(json.dumps({**access, **settings}), encoding="utf-8")
        command = [VENV / TAP, "--config", config]
        if streams:
            catalog.write_text(json.dumps(selecting(streams)), encoding="utf-8")
            command += ["--catalog", catalog]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with running(customers=20) as sandbox:
        yield Project(tmp_path, sandbox)


@pytest.fixture
def postgres(postgres_server: str, tmp_path: Path) -> str:
    """The URL of an empty PostgreSQL database."""
    name = tmp_path.name.lower()
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return postgres_server.replace("/postgres?", f"/{name}?")
