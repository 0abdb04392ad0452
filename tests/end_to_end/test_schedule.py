"""The schedule on machines that keep nothing: one fresh checkout after the other, all memory in one PostgreSQL."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from scripts.meltano_project import JOURNY, TAP, VENV
from tests.end_to_end.checkouts import bare_environment, clone, kill_all, lend, repository
from tests.end_to_end.journy_content import exact, held, unlike

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.checkouts import Checkout
    from tests.end_to_end.conftest import Project

    from marketplace_sandbox.server import Sandbox

PARALLEL = 8
CUSTOMERS = {"contacts", "accounts", "people", "account_events"}  # as the job of journy.io selects them


def settings_of(sandbox: Sandbox, url: str) -> dict[str, str]:
    """What the secrets of a CI job hold; one that it does not have is empty."""
    return {
        "CI": "true",
        "TAP_ATLASSIAN_MARKETPLACE_API_URL": sandbox.marketplace_url,
        "TAP_ATLASSIAN_MARKETPLACE_EMAIL": credentials.VENDOR_EMAIL,
        "TAP_ATLASSIAN_MARKETPLACE_API_TOKEN": credentials.API_TOKEN,
        "TAP_ATLASSIAN_MARKETPLACE_VENDOR_ID": str(credentials.VENDOR_ID),
        "TARGET_JOURNY_API_URL": sandbox.journy_url,
        "TARGET_JOURNY_API_KEY": credentials.JOURNY_KEY,
        "TARGET_JOURNY_LEDGER_URL": url.replace("postgresql:", "postgresql+psycopg:"),
        "TARGET_JOURNY_EVENTS_SINCE": "",
        "MELTANO_DATABASE_URI": url.replace("postgresql:", "postgresql+psycopg:"),
        "MELTANO_STATE_BACKEND_URI": "",
    }


def report_of(checkout: Checkout) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((checkout.folder / "output" / "marketplace-to-journy.json").read_text())
    return report


def writes(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [call for call in sandbox.journal.calls if call["side"] == "journy" and call["method"] != "GET"]


def told_nothing_new(before: dict[str, Any], calls: list[dict[str, Any]]) -> list[Any]:
    """The writes, property by property, of what journy.io held already."""
    found: list[Any] = []
    for call in calls:
        body, path = call["body"], call["path"].removeprefix("/journy")
        if path in {"/accounts/upsert", "/users/upsert"}:
            kind, key = ("accounts", "accountId") if "accounts" in path else ("users", "email")
            known = before[kind].get(body["identification"][key])
            news = exact(body["properties"])
            is_erasure = bool(news) and not any(value is not None for value in news.values())  # of all there ever was
            if known is not None and not is_erasure:
                found += [(path, name) for name, value in news.items() if known.get(name) == value]
                found += [path] if not news else []
        elif path == "/track":
            found += [path] if body["metadata"]["event_id"] in before["events"] else []
        else:
            account = body["account"]["accountId"]
            members = {(account, user["identification"]["email"]) for user in body["users"]}
            there = members & before["members"].keys()
            found += [(path, member) for member in (there if path.endswith("add") else members - there)]
    return found


def once(content: dict[str, Any]) -> dict[str, Any]:
    """The content with each event once; what was told twice must be the same both times."""
    assert all(event == told[0] for told in content["events"].values() for event in told)
    return {**content, "events": {key: told[0] for key, told in content["events"].items()}}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("source"))


@pytest.mark.parametrize(
    "lent", [pytest.param(True, id="lent"), pytest.param(False, id="bare", marks=pytest.mark.long)]
)
def test_fresh_checkouts_lose_nothing_and_send_nothing_twice(
    lent: bool, source: Path, project: Project, postgres: str, tmp_path: Path
) -> None:
    settings = settings_of(project.sandbox, postgres)
    sandbox = project.sandbox

    def fresh(name: str) -> Checkout:
        checkout = clone(source, tmp_path / name, settings)
        if lent:
            lend(checkout.folder)
        sandbox.journal.clear()
        return checkout

    # The first day.
    first = fresh("first")
    if not lent:
        check_refusal(first, "the ledger is empty")
    assert first.run(TARGET_JOURNY_EVENTS_SINCE="all") == 0, first.log
    assert writes(sandbox)

    # The second day: the machine goes down while events are on their way.
    sandbox.world.step()
    before = held(sandbox)
    second = fresh("second")
    sandbox.gates.hold("after-store", side="journy", kind="track", times=None, after=1)
    process = second.start()
    try:
        assert sandbox.gates.wait(120), second.log
    finally:
        kill_all(process)
        sandbox.gates.release(drop=True)
        sandbox.gates.clear()
    assert writes(sandbox)
    assert told_nothing_new(before, writes(sandbox)) == []

    third = fresh("third")
    if not lent:  # for some minutes Meltano takes the second run for alive
        check_refusal(third, "already running")

    # The third day.
    with psycopg.connect(postgres) as connection:
        connection.execute("UPDATE runs SET last_heartbeat_at = last_heartbeat_at - INTERVAL '1 day'")
    sandbox.world.step()
    before = held(sandbox)
    sandbox.journal.clear()
    assert third.run() == 0, third.log
    after, report = held(sandbox), report_of(third)
    doubles = sum(len(told) - 1 for told in after["events"].values())
    assert doubles <= report["possibly_repeated"] <= PARALLEL
    again = told_nothing_new(before, writes(sandbox))
    assert again == ["/track"] * doubles

    # Once more, on the same day.
    fourth = fresh("fourth")
    assert fourth.run() == 0, fourth.log
    assert writes(sandbox) == []
    assert report_of(fourth)["streams"]["accounts"]["unchanged"] > 0

    undisturbed = content_of_undisturbed_runs(tmp_path)
    assert unlike(once(after), once(undisturbed)) == {}
    assert all(len(told) == 1 for told in undisturbed["events"].values())
    check_pages(sandbox, settings, [first, second, third, fourth])


def check_refusal(checkout: Checkout, reason: str) -> None:
    """A run that is refused fails, says why on its page, and sends nothing."""
    assert checkout.run() != 0
    page = checkout.page.read_text(encoding="utf-8")
    assert page.startswith("## marketplace-to-journy: failed")
    assert reason in page
    checkout.page.unlink()


def content_of_undisturbed_runs(folder: Path) -> dict[str, Any]:
    """What journy.io holds after three days on which nothing went wrong, without Meltano, state or PostgreSQL."""
    with running(customers=20) as sandbox:
        settings = settings_of(sandbox, "")
        settings |= {
            "TARGET_JOURNY_LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}",
            "TARGET_JOURNY_EVENTS_SINCE": "all",
        }
        environment = {**bare_environment(), **settings, "TARGET_JOURNY_PRESET": "marketplace"}
        catalog = TapAtlassianMarketplace(validate_config=False).catalog_dict
        for stream in catalog["streams"]:
            root = next(entry for entry in stream["metadata"] if not entry["breadcrumb"])
            root["metadata"]["selected"] = stream["tap_stream_id"] in CUSTOMERS
        (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
        for day in range(3):
            if day:
                sandbox.world.step()
            tap, loader = VENV / TAP, VENV / JOURNY
            rows = subprocess.run(
                [tap, "--config=ENV", "--catalog", "catalog.json"],
                env=environment,
                cwd=folder,
                check=True,
                stdout=subprocess.PIPE,
            )
            subprocess.run([loader, "--config=ENV"], env=environment, cwd=folder, check=True, input=rows.stdout)
        return held(sandbox)


def check_pages(sandbox: Sandbox, settings: dict[str, str], checkouts: list[Checkout]) -> None:
    """Pages and logs tell figures and reasons, and no secret and nobody's name."""
    secrets = [
        settings[name] for name in settings if name.endswith(("_TOKEN", "_KEY", "_URL", "_URI")) and settings[name]
    ]
    people = {
        str(contact.get(field))
        for row in sandbox.world.licenses
        for contact in row["contactDetails"].values()
        if isinstance(contact, dict)
        for field in ("email", "name")
    }
    private = [*(url for url in secrets if not url.startswith("http")), *(name for name in people if len(name) > 8)]
    assert len(private) > 20
    for checkout in checkouts:
        shown = checkout.log + (checkout.page.read_text(encoding="utf-8") if checkout.page.exists() else "")
        assert not [word for word in private if word in shown]
    page = checkouts[-1].page.read_text(encoding="utf-8")
    assert re.search(r"^## marketplace-to-journy: ok", page)
    assert re.search(r"^\| accounts \| \d+ \| 0 \|", page, re.MULTILINE)
