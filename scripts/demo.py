"""`make demo`: the main job twice against the sandbox, a day apart, and what came of it."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from scripts.meltano_project import JOURNY, TAP, VENV, install, meltano, own_environment
from scripts.setup import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = ROOT / ".demo"
LOG = FOLDER / "meltano.log"
START_SECONDS = 20.0
STOP_SECONDS = 10.0
OUTCOMES = ("read", "delivered", "unchanged", "skipped", "waiting", "rejected", "failed")
EXAMPLES = 4
LAST_LINES = 12


class DemoError(Exception):
    """The demo cannot go on; the text says why."""


@contextlib.contextmanager
def sandbox() -> Iterator[str]:
    """Run the sandbox on a free port and give its base URL.

    Raises:
        DemoError: It did not start.
    """
    ready = FOLDER / "sandbox.url"
    with (FOLDER / "sandbox.log").open("w", encoding="utf-8") as log:
        command = [str(VENV / "marketplace-sandbox"), "--port", "0", "--ready-file", str(ready)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield wait_for(process, ready)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(process: subprocess.Popen[bytes], ready: Path) -> str:
    """Return the address that the sandbox writes once it accepts calls."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if ready.exists() and (url := ready.read_text(encoding="utf-8").strip()):
            return url
        time.sleep(0.05)
    raise DemoError("the sandbox did not start: see .demo/sandbox.log")


def ask(url: str, method: str = "GET") -> Any:
    """Return the JSON answer of one of the sandbox's control endpoints."""
    with urlopen(Request(url, method=method), timeout=60) as answer:  # noqa: S310 - the sandbox's own address
        return json.load(answer)


def run_job(url: str, number: int, today: str, log: IO[str]) -> dict[str, Any]:
    """Run the job `demo` over the sandbox on one of its days and return the loader's report.

    Raises:
        DemoError: The job failed.
    """
    report = FOLDER / f"report-{number}.json"
    # The sandbox's credentials stand in the environment `dev` of meltano.yml.
    settings = {
        "TAP_ATLASSIAN_MARKETPLACE_API_URL": f"{url}/marketplace",
        "TAP_ATLASSIAN_MARKETPLACE_AS_OF": today,
        "TARGET_JOURNY_API_URL": f"{url}/journy",
        "TARGET_JOURNY_LEDGER_URL": f"sqlite:///{FOLDER / 'ledger.db'}",
        "TARGET_JOURNY_REPORT_PATH": str(report),
        "TARGET_JOURNY_REJECTED_PATH": str(FOLDER / "rejected.jsonl"),
    }
    environment = own_environment(settings, FOLDER / "meltano")
    if install(TAP, JOURNY, environment=environment, output=log):
        raise DemoError("the plugins could not be installed")
    if meltano("--environment", "dev", "run", "demo", environment=environment, output=log):
        raise DemoError("the job failed")
    return dict(json.loads(report.read_text(encoding="utf-8")))


def show(report: dict[str, Any]) -> None:
    """Print what became of every record, and what journy.io gained."""
    streams = report["streams"]
    width = max(len(name) for name in streams)
    print(f"  {'':<{width}}" + "".join(f"{outcome:>11}" for outcome in OUTCOMES))
    for name, counts in streams.items():
        print(f"  {name:<{width}}" + "".join(f"{counts.get(outcome, 0):>11,}" for outcome in OUTCOMES))
    created = ", ".join(f"{kind} {count:,}" for kind, count in report["created"].items())
    print(f"  created in journy.io: {created}; calls: {sum(report['calls'].values()):,}")
    if report["waiting"]:
        print(f"  {report['waiting']} in the ledger wait for an account that is not there yet")
    print()


def show_accounts(journy: dict[str, Any]) -> None:
    """Print a few accounts as the people who look after customers see them."""
    words = {"lifecycle_stage": "", "tier": "", "country": "", "mrr": "MRR $", "renewal_date": "renewal "}
    # Accounts with the most people have the most to see.
    accounts = sorted(journy["accounts"].items(), key=lambda entry: (-len(entry[1]["users"]), entry[0]))
    print("A few of the accounts, as journy.io has them:")
    for account, content in accounts[:EXAMPLES]:
        properties = {name: str(value).split("T00:")[0] for name, value in content["properties"].items()}
        details = [word + properties[name] for name, word in words.items() if name in properties]
        people = f"{len(content['users'])} people"
        print(f"  {account}  {properties['name']}: {', '.join([people, *details])}")


def demonstrate(log: IO[str]) -> None:
    """Run both days and print what came of them."""
    with sandbox() as url:
        world = ask(f"{url}/_world")
        print(
            f"A sandbox plays Marketplace and journy.io at {url}. Its vendor has {len(world['licenses'])} licences.\n"
        )
        print("First run: everything is new to journy.io.", flush=True)
        show(run_job(url, 1, world["today"], log))
        step = ask(f"{url}/_step?days=1", "POST")
        print(
            f"A day later ({step['today']}) {len(step['changes'])} licences and sales are new or changed.", flush=True
        )
        show(run_job(url, 2, step["today"], log))
        journy = ask(f"{url}/_journy")
    held = FOLDER / "journy.json"
    held.write_text(json.dumps(journy, indent=2, ensure_ascii=False), encoding="utf-8")
    show_accounts(journy)


def last_lines() -> str:
    """Return the end of the log without the lines in which Meltano only says what it does."""
    lines = LOG.read_text(encoding="utf-8", errors="replace").splitlines()
    telling = [re.sub(r"^\S+Z \[(\w+)\s*\] ", r"\1 ", line) for line in lines if "[info     ] meltano " not in line]
    return "\n".join(f"  {line}" for line in telling[-LAST_LINES:])


def main() -> int:
    """Run the demo in a fresh `.demo`; return the exit code."""
    started = time.monotonic()
    # Terminated, leave by way of `finally`, so that the sandbox stops too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    try:
        with LOG.open("w", encoding="utf-8") as log:
            demonstrate(log)
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    except DemoError as error:
        print(f"demo: {error}\n{last_lines()}\nThe whole log: {LOG.relative_to(ROOT)}", file=sys.stderr)
        return 1
    print("\nWhere to look: .demo/journy.json (all that journy.io holds), .demo/report-1.json and report-2.json")
    print("(the figures), .demo/meltano.log. `make sandbox` serves the stand-ins; README: your own account.")
    print(f"Done in {time.monotonic() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
