"""The loader's README leads a stranger from a CSV to journy.io: its files and commands do what it says."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from scripts.setup import ROOT
from tests.docs.stranger import Stranger, commands

from marketplace_sandbox.server import running
from target_journy.loader import Loader

if TYPE_CHECKING:
    from pathlib import Path

JOURNY = "target-journy"
HEADING = "A CSV of users in ten minutes"
README = (ROOT / JOURNY / "README.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file (\S+) -->\n```\w+\n(.*?)```", README, re.DOTALL))
USERS = list(csv.DictReader(io.StringIO(FILES["users.csv"])))


def test_what_is_written_for_meltano_names_what_the_mapping_names() -> None:
    (tap,) = yaml.safe_load(FILES["meltano.yml"])["plugins"]["extractors"]
    (file,) = tap["config"]["files"]
    (also,) = json.loads(FILES["tap.json"])["files"]
    mapping = yaml.safe_load(FILES["mapping.yml"])["streams"]
    assert (file["entity"], file["path"], file["keys"]) == ("users", "users.csv", ["id"])
    assert (also["table_name"], also["path"], also["primary_keys"]) == ("users", "users.csv", ["id"])
    assert {name: spec["key"] for name, spec in mapping.items()} == {"users": "id"}


def test_the_mapping_takes_rows_of_texts(tmp_path: Path) -> None:
    """As any tap emits them that does not guess at types."""
    (tmp_path / "mapping.yml").write_text(FILES["mapping.yml"], encoding="utf-8")
    config = {
        "api_key": "key",
        "mapping": str(tmp_path / "mapping.yml"),
        "ledger_url": f"sqlite:///{tmp_path / 'ledger.db'}",
        "report_path": str(tmp_path / "report.json"),
        "dry_run": True,
    }
    loader = Loader(config)
    loader.open_stream("users", {"properties": {name: {} for name in USERS[0]}}, ["id"])
    for user in USERS:
        loader.load("users", user)
    assert loader.finish() == 0
    loader.close()
    preview = json.loads((tmp_path / "report.json").read_text())["preview"]
    assert [call["call"] for call in preview].count("upsert_user") == len(USERS) == 3
    assert {
        "call": "upsert_user",
        "email": "ann@acme.example",
        "properties": {"full_name": "Ann Lee", "plan": "team", "registered_at": "2026-01-15T00:00:00Z"},
    } in preview


def counts(folder: Path) -> dict[str, Any]:
    """What the last run counted, without zeros."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return {name: number for name, number in report["streams"]["users"].items() if number}


@pytest.mark.long
def test_a_stranger_gets_there(tmp_path: Path) -> None:
    install, export_key, export_mapping, doctor, extract, dry_run, load = commands(JOURNY, HEADING).splitlines()
    begin = f"{export_key}\n{export_mapping}\n"
    load_and_tell = f"{begin}export TARGET_JOURNY_REPORT_PATH=report.json\n{load}"
    with running() as sandbox:
        stranger = Stranger(tmp_path, sandbox)
        stranger.paste(commands(JOURNY, "Install") + install)
        for name in ("users.csv", "tap.json", "mapping.yml"):
            (tmp_path / name).write_text(FILES[name], encoding="utf-8")

        looked = stranger.paste(f"{begin}{doctor}\n{extract}\n{dry_run}")
        assert [line.split(":")[0] for line in looked.splitlines()] == ["ok", "ok", "note"]
        preview = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["preview"]
        assert len(preview) == 7
        assert (sandbox.journy.accounts, sandbox.journy.users) == ({}, {})

        stranger.paste(load_and_tell)
        assert counts(tmp_path) == {"read": 3, "delivered": 3}
        assert sandbox.journy.users["ann@acme.example"].properties["full_name"] == "Ann Lee"
        assert sorted(sandbox.journy.accounts["acme"].users) == ["ann@acme.example", "bob@acme.example"]

        sandbox.journal.clear()
        stranger.paste(load_and_tell)
        assert counts(tmp_path) == {"read": 3, "unchanged": 3}
        assert sandbox.journal.calls == []

        other_plan = FILES["users.csv"].replace("Cem Su,free", "Cem Su,team")
        (tmp_path / "users.csv").write_text(other_plan, encoding="utf-8")
        stranger.paste(load_and_tell)
        assert counts(tmp_path) == {"read": 3, "delivered": 1, "unchanged": 2}
        (call,) = sandbox.journal.calls
        assert call["body"]["properties"] == {"plan": "team"}

        (tmp_path / "users.csv").write_text(f"{other_plan}4,nobody,No Body,free,2026-02-21,acme,Acme Ltd\n")
        assert stranger.paste(f"{load_and_tell} || echo exit code $?").endswith("exit code 3\n")
        assert counts(tmp_path) == {"read": 4, "unchanged": 3, "rejected": 1}
        (line,) = (tmp_path / "target-journy-rejected.jsonl").read_text(encoding="utf-8").splitlines()
        assert json.loads(line)["record"]["email"] == "nobody"

        (tmp_path / "users.csv").write_text(FILES["users.csv"].replace("name,plan", "nam,plan"), encoding="utf-8")
        assert "did you mean 'nam'?" in stranger.paste(f"{load_and_tell} 2>&1 || true")
    assert (tmp_path / "target-journy-ledger.db").exists()
