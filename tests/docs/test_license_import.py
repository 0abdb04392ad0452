"""The way from a list to the keys, as the README of the licence import tells it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
from pathlib import Path

import pytest
import yaml
from scripts.setup import ROOT

from target_atlassian_marketplace.fields import ALL, REQUIRED
from target_atlassian_marketplace.results import License, Results, fingerprint
from target_atlassian_marketplace.settings import DEFAULT_REJECTED, DEFAULT_RESULTS
from target_atlassian_marketplace.validation import LICENSE_TYPES, Rules, check

README = (ROOT / "target-atlassian-marketplace" / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return str(found)


ROWS = list(csv.DictReader(io.StringIO(block("csv"))))


def test_the_list_is_accepted_where_a_start_may_be_in_the_future() -> None:
    assert len(ROWS) == 2
    for row in ROWS:
        checked = check(row, Rules(allow_future_start=True))
        assert (checked.problems, checked.warnings) == ([], [])
        assert checked.request.keys() == row.keys()


def run_the_letters() -> list[list[str]]:
    # What is left open is closed when the names go.
    code = block("python").replace('open("license-results.jsonl")', '(kept := open("license-results.jsonl"))')
    usual = os.umask(0o022)
    try:
        exec(compile(code + "\nkept.close()\n", "README", "exec"), {})
    finally:
        os.umask(usual)
    assert stat.S_IMODE(Path("letters.csv").stat().st_mode) == 0o600
    with Path("letters.csv").open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_key_and_address_come_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """As the second licence was not imported and another app has its id, only the first customer gets a letter."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "licenses.csv").write_text(block("csv"), encoding=encoding)
    example = json.loads(block("json"))
    for app, id_ in ((example["app_key"], "ACME-7"), ("com.example.other", "HOOLI-3")):
        results = Results(tmp_path / DEFAULT_RESULTS, app, example["host"])
        licence = License(id_, "SEN-L1", f"key of {id_}")
        results.keep(licence, fingerprint({"id": id_}), status=200, verified=True)
        results.close()
    assert run_the_letters() == [["jane@acme.example", "Jane", "Doe", "key of ACME-7"]]


def test_a_key_whose_answer_was_lost_is_not_handed_out_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The service may have had a licence of another customer under that id."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "licenses.csv").write_text(block("csv"), encoding="utf-8")
    example = json.loads(block("json"))
    results = Results(tmp_path / DEFAULT_RESULTS, example["app_key"], example["host"])
    for id_, status in (("ACME-7", 409), ("HOOLI-3", 200)):
        results.keep(License(id_, f"SEN of {id_}", f"key of {id_}"), "0" * 64, status=status, verified=True)
    results.close()
    assert run_the_letters() == [["gavin@hooli.example", "Gavin", "Belson", "key of HOOLI-3"]]
    assert capsys.readouterr().out == "look at it first, its answer was lost: ACME-7 SEN of ACME-7\n"


def test_a_result_looks_as_it_is_shown(tmp_path: Path) -> None:
    example = json.loads(block("json"))
    results = Results(tmp_path / DEFAULT_RESULTS, example["app_key"], example["host"])
    results.keep(License("ACME-7", "SEN-L1", "key"), "0" * 64, status=200, verified=True)
    results.close()
    line = json.loads((tmp_path / DEFAULT_RESULTS).read_text())
    assert line.keys() == example.keys()
    assert {name: line[name] for name in ("app_key", "host", "status", "http_status")} == {
        name: example[name] for name in ("app_key", "host", "status", "http_status")
    }


def test_each_field_is_told_and_whether_it_is_required() -> None:
    table = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (required|) ?\| (.*) \|$", README, re.MULTILINE)
    told = {field: required for names, required, _ in table for field in re.findall(r"`(\w+)`", names)}
    assert {field for field in told if field in ALL} == set(ALL)
    assert {field for field in ALL if told[field]} == set(REQUIRED)
    assert [kind for kind in LICENSE_TYPES if f"`{kind}`" in README] == list(LICENSE_TYPES)


def test_files_and_job_are_named_as_they_are() -> None:
    for name in (DEFAULT_RESULTS, DEFAULT_REJECTED):
        assert f"`{name}`" in README
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    tap = next(found for found in project["plugins"]["extractors"] if found["name"] == "tap-spreadsheets")
    assert [file["path"] for file in tap["config"]["files"]] == re.findall(r"reads `(\w+\.csv)`", README)
    assert f"`{tap['config']['files'][0]['table_name']}`" in README
    assert "import-licenses" in {job["name"] for job in project["jobs"]}
