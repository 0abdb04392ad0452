"""An id and the address of one person: neither user is deleted as long as the other stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.target.runs import SandboxDoor, World
from tests.target.test_forgotten_by_id import ANN, MAPPING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.runs import Message

    from marketplace_sandbox.server import Sandbox

BY_ID: Message = ("people", {"id": "u1", "email": "ann@acme.com", "name": "Ann"})
OTHERS: list[Message] = [("people", {"id": "u2"}), ("mails", {"email": "bob@acme.com"})]
WHOLE = ["people", "mails"]


@pytest.fixture
def journy(sandbox: Sandbox, tmp_path: Path) -> World:
    settings: dict[str, Any] = {"preset": None, "mapping": MAPPING, "deletes": "hard", "max_deleted_percent": 100}
    return World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/ledger.db", settings)


@pytest.mark.parametrize("deletes", ["soft", "hard"])
@pytest.mark.parametrize("stays", [BY_ID, ANN])
def test_as_long_as_one_name_stays_nothing_is_deleted(journy: World, stays: Message, deletes: str) -> None:
    journy.settings["deletes"] = deletes
    journy.load([BY_ID, ANN, *OTHERS], version=1, whole=WHOLE)
    run = journy.load([stays, *OTHERS], version=2, whole=WHOLE)
    assert (run.calls, run.exit_code) == ([], 0)
    assert any(user.email == "ann@acme.com" for user in journy.state.users.values())
    assert journy.load([BY_ID, ANN, *OTHERS], version=3, whole=WHOLE).calls == []


def test_with_both_the_person_goes(journy: World) -> None:
    journy.load([BY_ID, ANN, *OTHERS], version=1, whole=WHOLE)
    journy.load(OTHERS, version=2, whole=WHOLE)
    assert [user.email for user in journy.state.users.values() if user.email == "ann@acme.com"] == []
    assert journy.load(OTHERS, version=3, whole=WHOLE).calls == []


def test_a_deleted_record_of_whom_another_name_stays_counts_as_unchanged(journy: World) -> None:
    journy.load([BY_ID, ANN, *OTHERS])
    run = journy.load([("mails", {**ANN[1], "_sdc_deleted_at": "2026-03-02"})])
    assert (run.calls, run.counts) == ([], {"mails": {"unchanged": 1}})
