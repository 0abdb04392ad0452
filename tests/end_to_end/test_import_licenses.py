"""`meltano run import-licenses`: from a vendor's CSV or Excel file to keys, with a real tap."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from scripts.meltano_project import IMPORT
from tests.licence_import.rows import as_csv, row, rows, sent

from marketplace_sandbox.world.apps import TIMESHEETS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Project

SPREADSHEETS = "tap-spreadsheets"
IDS = ["OLD-1", "OLD-2", "OLD-3"]


def run(project: Project, file: Path, **settings: str) -> str:
    """Run the job over a file; give the log."""
    files = [
        {
            "path": str(file),
            "format": "csv" if file.suffix == ".csv" else "excel",
            "table_name": "license_imports",
            "primary_keys": ["id"],
            "drop_empty": False,
        }
    ]
    log = project.folder / "meltano.log"
    log.unlink(missing_ok=True)
    project.run(
        "import-licenses",
        tap=SPREADSHEETS,
        loader=IMPORT,
        **{
            "TAP_SPREADSHEETS_FILES": json.dumps(files),
            "TARGET_ATLASSIAN_MARKETPLACE_API_URL": project.sandbox.license_service_url,
            "TARGET_ATLASSIAN_MARKETPLACE_APP_KEY": TIMESHEETS,
            "TARGET_ATLASSIAN_MARKETPLACE_RESULTS_PATH": str(project.folder / "results.jsonl"),
            "TARGET_ATLASSIAN_MARKETPLACE_REJECTED_PATH": str(project.folder / "rejected.jsonl"),
            **settings,
        },
    )
    return log.read_text(encoding="utf-8")


def results(project: Project) -> dict[str, str]:
    lines = (project.folder / "results.jsonl").read_text().splitlines()
    return {line["id"]: line["licenseKey"] for line in map(json.loads, lines)}


def test_a_list_is_checked_tried_and_imported_once(project: Project) -> None:
    """As the loader's README tells it: a dry run, one licence, the others, and again."""
    file = project.folder / "licenses.csv"
    records = [*rows(2), row("OLD-3", users="-1", licenseType="ACADEMIC", postcode="02134")]
    file.write_text(as_csv([{"postcode": "", **record} for record in records]), encoding="utf-8")
    licences = project.sandbox.license_service.licenses

    log = run(project, file, TARGET_ATLASSIAN_MARKETPLACE_DRY_RUN="true")
    assert "3 licences would be asked for" in log
    assert licences == {}
    log = run(project, file, TARGET_ATLASSIAN_MARKETPLACE_MAX_RECORDS="1")
    assert "2 records wait" in log
    assert [id_ for _, id_ in licences] == IDS[:1]
    run(project, file)
    assert {id_: licence.body for (_, id_), licence in licences.items()} == {
        record["id"]: sent(record) for record in records
    }
    assert results(project) == {id_: licence.license_key for (_, id_), licence in licences.items()}
    calls = len(project.sandbox.journal.calls)
    log = run(project, file)
    assert "3 unchanged" in log
    assert len(project.sandbox.journal.calls) == calls == 3
    assert project.sandbox.license_service.faulty == {}
    assert "Quibble" not in log
    assert not [key for key in results(project).values() if key in log]


def test_a_line_without_an_id_is_rejected_and_named(project: Project) -> None:
    file = project.folder / "licenses.csv"
    file.write_text(as_csv([row("OLD-1"), row("", email="joe@private.example"), row("OLD-3")]), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"\(0, 1\)"):  # what a loader calls 3 is 1 to Meltano
        run(project, file)
    assert set(results(project)) == {"OLD-1", "OLD-3"}
    (kept,) = [json.loads(line) for line in (project.folder / "rejected.jsonl").read_text().splitlines()]
    assert kept["reason"] == "id: it is missing"
