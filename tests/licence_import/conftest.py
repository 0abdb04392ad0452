"""A License Service that has no licences, and runs that import some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.licence_import.runs import Import
from tests.target.processes import processes

from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.target.processes import Processes

    from marketplace_sandbox.server import Sandbox

TARGET = "target-atlassian-marketplace"


@pytest.fixture(scope="session")
def commands() -> Iterator[Processes]:
    with processes(TARGET, ()) as commands:
        yield commands


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    service = shared_sandbox.license_service
    for held in (service.licenses, service.faulty, service.accounts, shared_sandbox.foreign.calls):
        held.clear()
    shared_sandbox.journal.clear()
    service.knows_ids_first, today = False, service.today
    yield shared_sandbox
    shared_sandbox.faults.clear()
    shared_sandbox.gates.clear()
    service.today = today


@pytest.fixture
def work(commands: Processes, tmp_path: Path, sandbox: Sandbox) -> Import:
    return Import(commands, tmp_path, sandbox)
