"""The figures that a run reports are those that the other side counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import duckdb
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Project


@pytest.mark.long
def test_summary_equals_what_journy_and_the_warehouse_counted(project: Project, tmp_path: Path) -> None:
    warehouse, summary = tmp_path / "marketplace.duckdb", tmp_path / "report.json"
    settings = {
        "TARGET_JOURNY_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
        "TARGET_JOURNY_REPORT_PATH": str(summary),
        "TARGET_JOURNY_REJECTED_PATH": str(tmp_path / "rejected.jsonl"),
        "TARGET_JOURNY_REQUIRE_LEDGER": "false",
    }
    project.run("marketplace-to-duckdb", loader="target-duckdb", TARGET_DUCKDB_PATH=str(warehouse))
    project.sandbox.journal.clear()
    project.run("marketplace-raw-to-journy", loader="target-journy", **settings)
    report = json.loads(summary.read_text(encoding="utf-8"))

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for stream in ("licenses", "contacts", "transactions"):
            rows = connection.execute(f"SELECT count(*) FROM main.{stream}").fetchall()[0][0]
            assert report["streams"][stream]["read"] == rows > 0
    for counts in report["streams"].values():
        assert counts.pop("read") == sum(counts.values())

    journy, accepted = project.sandbox.journy, project.sandbox.journal.accepted()
    calls = report["calls"]
    assert accepted == {
        "POST /accounts/upsert": calls["accounts"],
        "POST /users/upsert": calls["users"],
        "POST /accounts/users/add": calls["memberships"],
        "POST /track": calls["events"],
    }
    assert report["created"] == {
        "accounts": len(journy.accounts),
        "users": len(journy.users),
        "memberships": sum(len(account.users) for account in journy.accounts.values()),
        "events": len(journy.events),
    }
    assert report["streams"]["licenses"]["delivered"] == len(journy.accounts)
    assert report["streams"]["transactions"]["delivered"] == len(journy.events)
    assert report["waiting"] == report["streams"]["transactions"]["waiting"] > 0
