"""What the documents say is so: made from code, with living links, commands and names, and an example that works."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from scripts import docs
from scripts.setup import ROOT

import marketplace_http
from tap_atlassian_marketplace.customers.event_rows import _ORDER
from target_journy.loader import Loader
from target_journy.mapping_file import listed
from target_journy.mapping_reading import load_mapping
from target_journy.settings import DEFAULT_LEDGER

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "*/README.md", "plugins/*/README.md", "docs/*.md")
    for path in ROOT.glob(pattern)
    if not path.relative_to(ROOT).parts[0].startswith(".")
)
PREFIXES = (
    "TAP_ATLASSIAN_MARKETPLACE",
    "TARGET_JOURNY",
    "TARGET_ATLASSIAN_MARKETPLACE",
    "TARGET_DUCKDB",
    "TARGET_POSTGRES",
    "TARGET_SNOWFLAKE",
)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def code_of(text: str) -> str:
    """The code in a document: fenced, indented and inline."""
    inline = re.findall(r"`([^`\n]+)`", text)
    return "\n".join([*re.findall(r"^```.*?^```", text, re.DOTALL | re.MULTILINE), *inline]) + "\n".join(
        line for line in text.splitlines() if line.startswith("    ")
    )


def all_code() -> str:
    return "\n".join(code_of(text_of(name)) for name in DOCUMENTS)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.fixture(scope="module")
def project() -> Any:
    return yaml.safe_load(text_of("meltano.yml"))


def names(entries: Any) -> set[str]:
    return {entry["name"] for entry in entries}


def test_documents_are_as_the_code_makes_them() -> None:
    stale = [name for name, text in docs.documents().items() if text_of(name) != text]

    assert not stale, "run `make docs`"


def test_each_package_and_the_whole_have_a_readme() -> None:
    members = re.findall(r"members = \[(.*)\]", text_of("pyproject.toml"))[0]

    assert {"README.md", *(f"{name}/README.md" for name in re.findall(r'"(.+?)"', members))} <= set(DOCUMENTS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_relative_links_lead_somewhere(name: str) -> None:
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(name)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, place = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE) if place else []
        if not target.exists() or (place and place not in map(anchor, headings)):
            dead.append(link)

    assert not dead


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = re.findall(r"\bmake (?:[A-Z]+=\S+ )*([a-z-]+)", code_of(text_of(name)))

    assert set(named) <= targets
    assert named or name not in {"README.md", "CONTRIBUTING.md"}


def test_every_meltano_command_names_what_there_is(project: Any) -> None:
    code = all_code()
    jobs = re.findall(r"meltano (?:--\S+ prod )?run (?:--[\w=-]+ )*([\w-]+)", code)
    plugins = {plugin for kind in project["plugins"].values() for plugin in names(kind)}

    assert set(jobs) <= names(project["jobs"]) | plugins  # `meltano run` takes a tap and a loader, too
    assert "marketplace-to-journy" in jobs
    assert set(re.findall(r"marketplace-to-[\w-]+", code)) <= names(project["jobs"]) | names(project["schedules"])
    assert set(re.findall(r"--environment (\w+)", code)) <= names(project["environments"])
    assert set(re.findall(r"schedule run ([\w-]+)", code)) <= names(project["schedules"])
    assert set(re.findall(r"meltano invoke ([\w-]+)", code)) <= plugins
    assert {"dev", "prod"} <= names(project["environments"])


def test_every_variable_is_one_of_the_example() -> None:
    known = set(re.findall(r"^#?([A-Z_]+)=", text_of(".env.example"), re.MULTILINE))
    named = set(re.findall(rf"\b(?:{'|'.join(PREFIXES)})_[A-Z_]*[A-Z]\b", all_code()))

    assert named
    assert named <= known


def preset_of(job: str, project: Any) -> str:
    """The preset of the loader that a job ends with."""
    (task,) = next(found for found in project["jobs"] if found["name"] == job)["tasks"]
    loader = next(found for found in project["plugins"]["loaders"] if found["name"] == task.split()[-1])
    return str(loader["config"]["preset"])


def test_what_is_said_to_be_in_journy_is_sent(project: Any) -> None:
    (job,) = set(re.findall(r"meltano run (?:--\S+ )*([a-z-]+)", text_of("docs/from-the-guide.md")))
    preset = preset_of(job, project)
    assert preset == docs.COMPUTED
    sent: set[str] = set(_ORDER)  # whose events go by the names that the tap gives them
    for spec in load_mapping(preset, None)[0].streams.values():
        for part in (*listed(spec.account), *listed(spec.user)):
            sent |= part.properties.keys()
        for event in listed(spec.event):
            sent |= {*event.metadata, *event.names.values(), event.other_name or ""}
    stages = docs.schema_of("accounts")["properties"]["lifecycle_stage"]["description"]
    text = text_of("docs/from-the-guide.md")
    table = text.partition("| stage | `lifecycle_stage` is |")[2].partition("\n\n")[0]
    told = text.partition("What the guide gets from formulas")[2].partition("\n\n")[0]
    told += text.partition("## In journy.io")[2].replace(table, "")
    named = re.findall(r"`(_?[a-z]+(?:_[a-z]+)*)`", told)

    assert len(named) > 40
    assert [name for name in named if name not in sent and f"subscription{name}" not in sent] == []
    known = re.findall(r"(\w+)(?=, | or |\.$)|(?<= or )(\w+)", stages.partition(": ")[2])
    assert sorted(re.findall(r"`(\w+)`", table)) == sorted("".join(pair) for pair in known)


def test_the_fields_of_a_stream_are_sent_or_listed_as_not_sent() -> None:
    page = text_of(docs.PAGE)
    not_sent = page.partition("## What is not sent")[2]
    for name, spec in load_mapping(docs.PRESET, None)[0].streams.items():
        fields = {".".join(leaf) for leaf, _ in docs.leaves(docs.schema_of(name))}
        unread = {field for field, _ in docs.unread(spec, docs.schema_of(name))}
        section = not_sent.partition(f"### `{name}`")[2].partition("###")[0]

        assert unread < fields
        assert set(re.findall(r"^\| `(.+?)` \|", section, re.MULTILINE)) == unread


@pytest.mark.parametrize(
    ("stream", "field", "is_read"),
    [
        ("licenses", "contactDetails.company", True),
        ("licenses", "contactDetails.technicalContact.phone", False),
        ("licenses", "cloudComplianceBoundaries", True),
        ("transactions", "purchaseDetails.discounts.amount", True),
        ("transactions", "purchaseDetails.discounts.code", False),
        ("contacts", "forgotten", True),
        ("contacts", "postcode", False),
    ],
)
def test_a_field_that_is_read_is_told_from_one_that_is_not(stream: str, field: str, is_read: bool) -> None:
    spec = load_mapping(docs.PRESET, None)[0].streams[stream]
    unread = {name for name, _ in docs.unread(spec, docs.schema_of(stream))}

    assert (field not in unread) is is_read


def test_the_example_of_a_mapping_does_what_it_says(tmp_path: Path) -> None:
    readme = text_of("target-journy/README.md")
    found = {
        what: re.findall(rf"<!-- example {what} -->\n```\w+\n(.*?)```", readme, re.DOTALL)[0]
        for what in ("mapping", "record", "preview")
    }
    (tmp_path / "mapping.yml").write_text(found["mapping"], encoding="utf-8")
    record = json.loads(found["record"])
    config = {
        "api_key": "key",
        "api_url": "http://127.0.0.1:9",  # a dry run asks journy.io; nobody answers here
        "mapping": str(tmp_path / "mapping.yml"),
        "ledger_url": f"sqlite:///{tmp_path / 'ledger.db'}",
        "rejected_path": str(tmp_path / "rejected.jsonl"),
        "report_path": str(tmp_path / "report.json"),
        "dry_run": True,
    }
    nested = {key: {"properties": dict(value)} for key, value in record.items() if isinstance(value, dict)}
    schema = {"properties": {key: nested.get(key, {}) for key in record}}

    loader = Loader(config)
    loader.open_stream("tickets", schema, ["id"])
    loader.load("tickets", record)
    code = loader.finish()
    loader.close()

    assert code == 0
    assert json.loads((tmp_path / "report.json").read_text())["preview"] == json.loads(found["preview"])


def test_files_are_named_as_the_configuration_names_them(project: Any) -> None:
    duckdb = next(found for found in project["plugins"]["loaders"] if found["name"] == "target-duckdb")
    readme = text_of("README.md")

    assert re.findall(r"`([^`]+\.duckdb)`", readme) == [duckdb["config"]["path"]]
    assert f"`{DEFAULT_LEDGER.removeprefix('sqlite:///')}`" in readme


def test_the_shared_package_tells_all_that_it_offers() -> None:
    told = re.findall(r"`(\w+)`", text_of("marketplace-http/README.md"))

    assert set(marketplace_http.__all__) <= set(told)


def test_the_help_of_make_lists_every_command() -> None:
    printed = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert set(re.findall(r"^make ([a-z-]+)", printed, re.MULTILINE)) == set(
        re.findall(r"^\.PHONY: (.+)$", text_of("Makefile"), re.MULTILINE)[0].split()
    )
