"""The files in `schedules/` are what the schedulers take, call one command, and leave it the time that it needs."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from typing import Any

import pytest
import yaml
from meltano.core.project import Project
from scripts.meltano_project import VENV
from scripts.settings import TO_FILL_IN, settings_of
from scripts.setup import ROOT

from target_journy.settings import DEFAULT_REJECTED

FOLDER = ROOT / "schedules"
GITHUB = FOLDER / "github-actions.yml"
GITLAB = FOLDER / "gitlab-ci.yml"
UNITS = sorted((FOLDER / "systemd").iterdir())
FIELDS = (range(60), range(24), range(1, 32), range(1, 13), range(7))
SPARE_MINUTES = 5  # for setting up, and for the calls under way at the end


@pytest.fixture(scope="module")
def github() -> Any:
    return yaml.safe_load(GITHUB.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def gitlab() -> Any:
    return yaml.safe_load(GITLAB.read_text(encoding="utf-8"))


def unit(suffix: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(FOLDER / "systemd" / f"marketplace-to-journy.{suffix}")
    return parser


def minutes_of_a_run() -> int:
    return int(re.findall(r"^MINUTES \?= (\d+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[0])


@pytest.mark.parametrize(
    "command",
    [
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", GITHUB),
        ("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", GITLAB),
        ("zizmor", "--offline", "--no-progress", "IN-ITS-PLACE"),
    ],
    ids=["github", "gitlab", "zizmor"],
)
def test_the_linters_have_nothing_to_say(command: tuple[Any, ...], tmp_path: Any) -> None:
    place = tmp_path / ".github" / "workflows" / "marketplace.yml"
    place.parent.mkdir(parents=True)
    shutil.copy(GITHUB, place)
    words = [place if word == "IN-ITS-PLACE" else word for word in command[1:]]
    done = subprocess.run([VENV / command[0], *words], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["boto3", "google.cloud.storage", "azure.storage.blob", "azure.identity", "psycopg"])
def test_what_a_state_backend_needs_is_installed(module: str) -> None:
    assert importlib.util.find_spec(module)


def test_no_schedule_runs_but_in_a_vendors_copy() -> None:
    workflows = [path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    scheduled = [text for text in workflows if "schedule:" in text or "make run" in text]

    assert scheduled in ([], [GITHUB.read_text(encoding="utf-8")])
    copy = ROOT / ".gitlab-ci.yml"
    assert not copy.exists() or copy.read_bytes() == GITLAB.read_bytes()


def test_github_uses_the_actions_of_the_other_workflows(github: Any) -> None:
    pinned = re.compile(r"uses: (actions/\S+@[0-9a-f]{40} # \S+)")
    folder = ROOT / ".github" / "workflows"
    others = pinned.findall("".join(path.read_text(encoding="utf-8") for path in folder.glob("*.yml")))
    steps = [step for job in github["jobs"].values() for step in job["steps"]]
    used = pinned.findall(GITHUB.read_text(encoding="utf-8"))

    assert len(used) == len([step for step in steps if "uses" in step])
    assert set(used) <= set(others)


def test_github_lets_the_run_write_nothing(github: Any) -> None:
    assert github["permissions"] == {}
    assert [job["permissions"] for job in github["jobs"].values()] == [{"contents": "read"}]


def test_github_gives_the_run_every_secret_that_it_needs(github: Any) -> None:
    (step,) = (step for step in github["jobs"]["marketplace-to-journy"]["steps"] if "run" in step)
    needed = {
        f"{plugin.upper().replace('-', '_')}_{setting.name.upper()}"
        for plugin in ("tap-atlassian-marketplace", "target-journy")
        for setting in settings_of(plugin)
        if setting.required or setting.name in TO_FILL_IN
    }
    stay = {"TARGET_JOURNY_LEDGER_URL", "MELTANO_DATABASE_URI"}
    secret = {name for name, value in step["env"].items() if value == f"${{{{ secrets.{name} }}}}"}
    told = set(re.findall(r"`([A-Z0-9_]+)`", (ROOT / "docs" / "schedules.md").read_text().partition("\n## CI")[2]))

    needed |= {"TARGET_JOURNY_WRITE_KEY"}  # in place of the key of the REST API
    warehouse = {"TARGET_POSTGRES_SQLALCHEMY_URL"}
    variables = {name for name, value in step["env"].items() if value == f"${{{{ vars.{name} }}}}"}

    assert len(needed) == 5
    stores = {name for name in secret if name.startswith("MELTANO_STATE_BACKEND_")}
    assert needed | stay | warehouse == secret - stores
    known = {setting.name for setting in Project(ROOT).settings.definitions()}
    assert {name.removeprefix("MELTANO_").lower() for name in stores} <= {name.replace(".", "_") for name in known}
    assert {name.split("_")[3] for name in stores} == {"URI", "S3", "GCS", "AZURE"}
    assert variables == {"TARGET_JOURNY_TRANSPORT", "TARGET_JOURNY_SEGMENT_REGION"}
    assert secret | variables <= told
    others = {"TASK", "JOB", "FULL", "TARGET_JOURNY_EVENTS_SINCE", "TARGET_JOURNY_MASK_REJECTED"}
    assert step["env"].keys() - secret - variables == others
    assert step["env"]["JOB"] == "marketplace-to-journy"
    assert step["run"] == 'make "$TASK"'
    assert step["env"]["TASK"] == "${{ inputs.task || 'run' }}"
    assert step["env"]["FULL"] == "${{ inputs.full && '1' || 'sunday' }}"
    # YAML 1.1 reads the key `on` as true.
    inputs = github[True]["workflow_dispatch"]["inputs"]
    assert (inputs["task"]["options"], inputs["full"]["type"]) == (["run", "adopt"], "boolean")


def test_ci_lets_a_second_run_wait_and_cancels_none(github: Any, gitlab: Any) -> None:
    job = gitlab["marketplace-to-journy"]

    assert github["concurrency"] == {"group": "marketplace-to-journy", "cancel-in-progress": False}
    assert (job["resource_group"], job["interruptible"]) == ("marketplace-to-journy", False)
    settings_of_the_run = {
        "TASK": "run",
        "JOB": "marketplace-to-journy",
        "FULL": "sunday",
        "TARGET_JOURNY_MASK_REJECTED": "true",
    }
    assert (job["script"], job["variables"]) == (['make "$TASK"'], settings_of_the_run)
    assert all("$CI_PIPELINE_SOURCE" in rule["if"] for rule in job["rules"])


def test_ci_keeps_what_was_refused_without_people(github: Any, gitlab: Any) -> None:
    steps = github["jobs"]["marketplace-to-journy"]["steps"]
    (run,) = (step for step in steps if "run" in step)
    kept, job = steps[-1], gitlab["marketplace-to-journy"]

    assert kept["if"] == "always()"
    assert kept["with"]["path"] == DEFAULT_REJECTED
    assert run["env"]["TARGET_JOURNY_MASK_REJECTED"] == "true"
    assert job["artifacts"]["paths"] == ["output/*.md", DEFAULT_REJECTED]
    assert job["artifacts"]["when"] == "always"


def test_the_schedulers_give_more_time_than_a_run_takes(github: Any, gitlab: Any) -> None:
    hours, minutes = re.findall(r"\d+", gitlab["marketplace-to-journy"]["timeout"])
    limits = {
        "github": github["jobs"]["marketplace-to-journy"]["timeout-minutes"],
        "gitlab": 60 * int(hours) + int(minutes),
        "systemd": int(unit("service")["Service"]["TimeoutStartSec"].removesuffix("min")),
    }
    least = minutes_of_a_run() + SPARE_MINUTES

    assert {name for name, limit in limits.items() if not least <= limit <= 130} == set()


def test_the_times_of_day_are_times(github: Any) -> None:
    crontab = [line for line in (FOLDER / "crontab").read_text().splitlines() if not line.startswith("#")]
    times = [entry["cron"] for entry in github[True]["schedule"]] + [" ".join(line.split()[:5]) for line in crontab]

    assert len(times) == 2
    for time in times:
        for field, allowed in zip(time.split(), FIELDS, strict=True):
            assert field == "*" or int(field) in allowed, time
    assert (FOLDER / "crontab").read_text().endswith("\n")  # cron ignores a last line without an end
    assert "%" not in crontab[0]  # a line's end to cron
    assert "make run JOB=marketplace-to-journy FULL=sunday" in crontab[0]


def test_systemd_takes_the_units() -> None:
    service, timer = unit("service"), unit("timer")

    assert [path.suffix for path in UNITS] == [".service", ".timer"]
    assert shlex.split(service["Service"]["ExecStart"]) == [
        "/usr/bin/make",
        "run",
        "JOB=marketplace-to-journy",
        "FULL=sunday",
    ]
    assert service["Service"]["WorkingDirectory"] == "/srv/marketplace"
    assert timer["Timer"]["Persistent"] == "true"
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("no systemd-analyze on this machine: the units were only parsed")
    done = subprocess.run([analyze, "verify", *UNITS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    calendar = [analyze, "calendar", timer["Timer"]["OnCalendar"]]
    assert subprocess.run(calendar, capture_output=True, check=False).returncode == 0
