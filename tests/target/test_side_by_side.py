"""Calls side by side: in order for each account and user, stopped cleanly, and one run at a time on a ledger."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.test_cli import GOOD

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running
from target_journy.ledger import LedgerError
from target_journy.loader import Loader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.target.runs import Message, World

    from marketplace_sandbox.server import Sandbox

MANY: list[Message] = [
    *license_messages(
        *(
            license_row(number, person(f"p{number % 7}@acme.com", "Ann Lee"), person(f"b{number}@acme.com"))
            for number in range(1, 41)
        )
    ),
    *(
        sale(number, addonLicenseId=str(number % 40 + 1), licenseId=f"SEN-{number % 40 + 1}", date=f"2026-03-{day:02}")
        for number, day in ((n, n % 28 + 1) for n in range(100, 220))
    ),
]


def subjects(path: str, body: dict[str, Any]) -> set[str]:
    """The accounts and users that a call is about."""
    if path == "/track":
        return {body["identification"]["account"]["accountId"]}
    if path in {"/accounts/upsert", "/users/upsert"}:
        return set(body["identification"].values())
    return {body["account"]["accountId"], *(user["identification"]["email"] for user in body["users"])}


def test_never_two_calls_about_the_same_and_everything_in_order(fake: World) -> None:
    lock, under_way, most = threading.Lock(), [], 0
    chance = random.Random(1)

    def begin(path: str, body: dict[str, Any]) -> None:
        nonlocal most
        about = subjects(path, body)
        with lock:
            assert not [other for other in under_way if other & about]
            under_way.append(about)
            most = max(most, len(under_way))
        time.sleep(chance.random() / 200)

    def end(path: str, body: dict[str, Any]) -> None:
        with lock:
            under_way.remove(subjects(path, body))

    fake.door.before, fake.door.after = begin, end
    run = fake.load(MANY, max_parallel_requests=8)
    assert run.exit_code == 0
    assert 3 <= most <= 8
    kinds = ["entity" if path.endswith("upsert") else path for path, _ in run.calls]
    assert kinds == sorted(kinds, key=["entity", "/accounts/users/add", "/track"].index)
    told: dict[str, list[str]] = {}
    for event in fake.state.events:
        told.setdefault(event["account"], []).append(event["triggeredAt"])
    assert all(times == sorted(times) for times in told.values())
    assert fake.load(MANY).calls == []


def test_what_max_minutes_leaves_waits_and_the_next_run_goes_on(fake: World) -> None:
    fake.door.before = lambda path, body: time.sleep(0.05)
    run = fake.load(MANY, max_minutes=0.03, max_parallel_requests=2)
    assert run.exit_code == 0
    assert run.report["out_of_time"]
    assert 0 < len(run.calls) < 120
    waiting = sum(row.get("waiting", 0) for row in run.counts.values())
    assert waiting
    assert not any("failed" in row for row in run.counts.values())
    fake.door.before = lambda path, body: None
    rest = fake.load([])
    assert rest.report["waiting"] == 0
    assert not rest.report["out_of_time"]
    assert len(fake.state.accounts) == 40
    assert len(fake.state.events) == 120
    assert fake.load(MANY).calls == []


@pytest.fixture
def slow_sandbox() -> Iterator[Sandbox]:
    with running(rate_limit=100_000, latency_ms=300) as sandbox:
        yield sandbox


def test_a_signal_lets_the_calls_under_way_end(slow_sandbox: Sandbox, tmp_path: Path) -> None:
    config = {
        "api_key": credentials.JOURNY_KEY,
        "api_url": slow_sandbox.journy_url,
        "preset": "marketplace-raw",
        "ledger_url": f"sqlite:///{tmp_path}/ledger.db",
        "report_path": str(tmp_path / "report.json"),
        "rejected_path": str(tmp_path / "rejected.jsonl"),
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    schemas = [message for message in GOOD if message["type"] == "SCHEMA"]
    records = [{"type": "RECORD", "stream": stream, "record": record} for stream, record in MANY]
    lines = "".join(f"{json.dumps(m)}\n" for m in [*schemas, *records, {"type": "STATE", "value": {"at": 1}}])
    command = [str(Path(os.sys.executable).parent / "target-journy"), "--config", str(tmp_path / "config.json")]
    environment = {name: value for name, value in os.environ.items() if name != "CI"}

    def load() -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True, env=environment, cwd=tmp_path)
        assert process.stdin
        process.stdin.write(lines)
        process.stdin.close()
        process.stdin = None
        return process

    process = load()
    deadline = time.monotonic() + 30
    while len(slow_sandbox.journal.calls) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, log = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out == ""
    assert "Stopped before everything was delivered" in log
    report = json.loads((tmp_path / "report.json").read_text())
    accepted = slow_sandbox.journal.accepted()
    assert report["created"]["accounts"] + report["created"]["users"] == sum(accepted.values()) > 0

    slow_sandbox.latency_ms = 0
    process = load()
    out, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert json.loads(out.splitlines()[-1]) == {"at": 1}
    journy = slow_sandbox.journy
    assert len(journy.accounts) == 40
    assert len(journy.events) == 120  # each once: nothing was cut off in the middle
    assert json.loads((tmp_path / "report.json").read_text())["possibly_repeated"] == 0


def test_refused_calls_come_again_on_request_only(world: World) -> None:
    world.settings.update(
        preset=None,
        max_parallel_requests=1,
        mapping={
            "streams": {
                "clients": {"key": "id", "account": {"id": "id", "properties": {"size": "size"}}},
            }
        },
    )
    clients = [("clients", {"id": "1", "size": 5}), ("clients", {"id": "2", "size": "large"})]
    assert world.load(clients).counts == {"clients": {"delivered": 1, "rejected": 1}}
    assert world.load(clients).calls == []
    world.state.types["accounts"].clear()  # somebody mends it in journy.io
    assert world.load(clients).calls == []
    loader = Loader(world.config(), retry_rejected=True)
    loader.finish()
    loader.close()
    assert [body["properties"] for _, body in world.door.take_calls()] == [{"size": "large"}]
    assert world.load(clients).counts == {"clients": {"unchanged": 2}}


def test_one_run_at_a_time_on_a_ledger(world: World) -> None:
    first = Loader(world.config())
    with pytest.raises(LedgerError, match="another run is using the ledger"):
        Loader(world.config())
    first.finish()
    first.close()
    Loader(world.config()).close()


def test_one_run_at_a_time_by_whatever_name_the_file_goes(fake: World) -> None:
    (fake.folder / "link.db").symlink_to("ledger.db")
    first = Loader(fake.config())
    with pytest.raises(LedgerError, match="another run is using the ledger"):
        Loader(fake.config(ledger_url=f"sqlite:///{fake.folder}/link.db"))
    first.close()


def test_a_value_that_comes_back_is_sent_again(world: World) -> None:
    rows = [license_messages(license_row(1, status=status)) for status in ("active", "inactive", "active")]
    for messages in rows:
        assert len(world.load(messages).calls) == 1
    assert world.state.accounts["SEN-1"].properties["license_status"] == "active"
    assert len(world.load([*rows[1], *rows[0]]).calls) <= 1  # both in one batch: the last one stands
    assert world.state.accounts["SEN-1"].properties["license_status"] == "active"
    assert world.load(rows[0]).calls == []


def test_a_record_that_was_cut_short_is_not_taken_for_dealt_with(fake: World) -> None:
    """A, then B that fails on the way, then A again: journy.io must end up with A, whatever arrived of B."""
    a, b = (license_messages(license_row(1, status=status)) for status in ("active", "inactive"))
    fake.load(a)

    def fail(path: str, body: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    fake.door.after = fail
    with pytest.raises(KeyboardInterrupt):
        fake.load(b)
    assert fake.state.accounts["SEN-1"].properties["license_status"] == "inactive"
    fake.door.after = lambda path, body: None
    fake.load(a)
    assert fake.state.accounts["SEN-1"].properties["license_status"] == "active"


def test_half_an_answer_is_no_delivery(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.target.runs import SandboxDoor, World

    monkeypatch.setattr("marketplace_http.retry.RetryPolicy.pause", lambda *_: None)
    sandbox.faults.add("half-answer", side="journy", kind="track", times=1)
    world = World(tmp_path, SandboxDoor(sandbox), f"sqlite:///{tmp_path}/ledger.db")
    run = world.load([*license_messages(license_row(1)), sale(1)])
    assert run.exit_code == 0
    assert run.report["possibly_repeated"] == 1
    assert len(sandbox.journy.events) in {1, 2}
