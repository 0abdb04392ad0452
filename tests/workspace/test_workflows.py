"""The workflows are what GitHub takes, give no more rights than needed, and publish only the package of the tag."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

import pytest
import yaml
from scripts import publisher
from scripts.meltano_project import VENV
from scripts.setup import PACKAGES, ROOT

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def content_of(name: str) -> Any:
    # YAML 1.1 reads the key `on` as true.
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "command",
    [("check-jsonschema", "--builtin-schema", "vendor.github-workflows"), ("zizmor", "--offline", "--no-progress")],
    ids=lambda command: command[0],
)
def test_the_linters_have_nothing_to_say(command: tuple[str, ...]) -> None:
    done = subprocess.run([VENV / command[0], *command[1:], *FILES], capture_output=True, text=True, check=False)

    assert FILES
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_actions_are_pinned_and_jobs_have_an_end(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    content = content_of(path.name)

    assert [line for line in text.splitlines() if "uses:" in line and not PINNED.search(line)] == []
    assert content["permissions"] == {}
    assert "concurrency" in content
    assert all("timeout-minutes" in job for job in content["jobs"].values())
    # Only PyPI is told who publishes, and nothing may be written.
    allowed = [{"id-token": "write"}] if path.name == "publish.yml" else []
    assert all(job["permissions"] in [{"contents": "read"}, *allowed] for job in content["jobs"].values())
    steps = [step for job in content["jobs"].values() for step in job["steps"]]
    checkouts = [step["with"] for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert all(given["persist-credentials"] is False for given in checkouts)


def test_a_tag_of_any_package_but_the_sandbox_publishes() -> None:
    tags = content_of("publish.yml")[True]["push"]["tags"]

    assert sorted(tags) == sorted(f"{package}-v*" for package in PACKAGES if package != "sandbox")


@pytest.mark.parametrize("package", ["marketplace-http", "target-journy"])
def test_the_tag_names_the_package_and_the_version(package: str, tmp_path: Any) -> None:
    steps = content_of("publish.yml")["jobs"]["build"]["steps"]
    script = next(step["run"] for step in steps if step.get("env", {}).get("TAG"))
    # In place of uv: leaves what it was asked for as the file of version 1.2.3.
    uv = tmp_path / ".venv" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text('#!/bin/sh\nmkdir dist; touch "dist/$(echo "$3" | tr - _)-1.2.3.tar.gz"\n')
    uv.chmod(0o755)
    command = ["bash", "-e", "-c", script]

    def code(tag: str) -> int:
        subprocess.run(["rm", "-rf", "dist"], cwd=tmp_path, check=True)
        return subprocess.run(command, cwd=tmp_path, env={"TAG": tag, "PATH": "/usr/bin:/bin"}, check=False).returncode

    assert code(f"{package}-v1.2.3") == 0
    assert [path.name for path in (tmp_path / "dist").iterdir()] == [f"{package.replace('-', '_')}-1.2.3.tar.gz"]
    assert code(f"{package}-v1.2.4") != 0


@pytest.mark.parametrize("name", ["test.yml", "build.yml"])
def test_the_copies_of_vendors_spend_no_minutes(name: str) -> None:
    here = f"github.repository == '{publisher.REPOSITORY.removeprefix('https://github.com/')}'"

    assert [job["if"] for job in content_of(name)["jobs"].values()] == [here] * len(content_of(name)["jobs"])


def test_the_name_of_the_publisher_is_written_into_each_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "REPOSITORY", "https://github.com/acme/marketplace")

    written = publisher.documents()

    for name in ("test.yml", "build.yml"):
        jobs = yaml.safe_load(written[f".github/workflows/{name}"])["jobs"].values()
        assert {job["if"] for job in jobs} == {"github.repository == 'acme/marketplace'"}


def test_packages_that_name_another_repository_are_not_published() -> None:
    step = next(step for step in content_of("publish.yml")["jobs"]["build"]["steps"] if "HERE" in step.get("env", {}))

    def refused(here: str) -> str:
        environment = {**os.environ, "HERE": here}
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        return done.stderr if done.returncode else ""

    assert refused(publisher.REPOSITORY.upper()) == ""
    assert "say in scripts/publisher.py who you are" in refused("https://github.com/someone/else")
