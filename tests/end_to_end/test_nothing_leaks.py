"""However much is logged and whatever goes wrong: the loader tells nobody the key, nor anything about people."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.command import settings, singer_lines
from tests.target.processes import processes
from tests.target.rows import license_messages, license_row, person, sale

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.target.processes import Processes

    from marketplace_sandbox.server import Sandbox

WRONG_KEY = "very-secret-and-wrong-key"
ANN = person("ann.lee@private.example", "Ann Quibble", phone="+49 30 1234567", address1="Long Street 17")
BAD = person("bad address of jane@private.example", "Jane Quobble", phone="+49 30 7654321", city="Oddtown")
SECRETS = [
    credentials.JOURNY_KEY,
    credentials.JOURNY_DISABLED_KEY,
    WRONG_KEY,
    *(str(value) for who in (ANN, BAD) for value in who.values()),
    "private.example",
    "Quibble",
    "Quobble",
]
ROWS = [
    *license_messages(
        license_row(1, ANN, BAD),
        # Refused for its type, refused as a whole, and not to be mapped.
        license_row(2, ANN, tier="Per Unit Pricing (5 Users)", inGracePeriod=ANN["name"]),
        license_row(3, BAD, hosting={"jane@private.example": "Jane Quobble"}),
        license_row(4, ANN, maintenanceEndDate="Ann Quibble, ann.lee@private.example"),
    ),
    sale(1),
    sale(2, None, "jane@private.example"),
    ("transactions", {**sale(3)[1], "purchaseDetails": ANN}),
]
# The tap drops what is no address; another one may not.
MESSAGES = [(stream, {**row, "email": BAD["email"]} if row.get("name") == BAD["name"] else row) for stream, row in ROWS]

CRASH = """
import {module} as module
def crash(*parts, **names): raise {error}(str(parts), {texts!r})
setattr(module.{owner}, {name!r}, crash)
"""


def crash(module: str, owner: str, name: str, error: str = "RuntimeError") -> str:
    return CRASH.format(module=module, owner=owner, name=name, error=error, texts=SECRETS)


BROKEN_LEDGER = f"""
import target_journy.ledger.ledger as module
from sqlalchemy.exc import IntegrityError
def fail(*parts): raise IntegrityError("INSERT " + {SECRETS[3]!r}, {SECRETS!r}, Exception({SECRETS!r}))
module.LedgerTransaction.save_events = fail
"""
QUICK = "import marketplace_http.retry as retry; retry.RetryPolicy.pause = lambda *_: None\n"


@pytest.fixture(scope="module")
def commands() -> Iterator[Processes]:
    with processes() as commands:
        yield commands


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(rate_limit=10_000_000) as sandbox:
        sandbox.journy.types["accounts"]["tier_users"] = "list"
        yield sandbox


Expected = tuple[int, str]
SCENARIOS: dict[str, tuple[Expected, dict[str, Any], str]] = {
    "refused and unmappable records": ((3, ""), {}, ""),
    "nothing refused is too much": ((0, ""), {"max_rejected_percent": 100}, ""),
    "a wrong key": ((1, "'api_key'"), {"api_key": WRONG_KEY}, ""),
    "a disabled key": ((1, "'api_key'"), {"api_key": credentials.JOURNY_DISABLED_KEY}, ""),
    "an address with the key in it": ((1, "'api_url'"), {"api_url": f"http://u:{WRONG_KEY}@127.0.0.1"}, ""),
    "a key of a wrong kind": ((1, "'api_key'"), {"api_key": [WRONG_KEY]}, ""),
    "a ledger with a password": ((1, "'ledger_url'"), {"ledger_url": f"postgresql://u:{WRONG_KEY}@127.0.0.1:9/x"}, ""),
    "a ledger that fails": ((1, "'ledger_url'"), {}, BROKEN_LEDGER),
    "a crash in the mapping": ((1, "Unexpected"), {}, crash("target_journy.mapping", "StreamMapping", "operations")),
    "a crash in a thread": (
        (1, "Unexpected"),
        {},
        crash("target_journy.transports.journy", "JournyRest", "upsert_user"),
    ),
    "a crash at an answer": ((1, "Unexpected"), {}, crash("target_journy.calls", "EntityCall", "settle", "KeyError")),
    "a crash at the end": (
        (1, "Unexpected"),
        {"max_rejected_percent": 100},  # that too many are refused is a line of its own
        crash("target_journy.report", "Report", "as_dict", "ValueError"),
    ),
    "a crash in quarantine": (
        (1, "Unexpected"),
        {},
        crash("marketplace_singer.quarantine", "Quarantine", "add", "UnicodeError"),
    ),
    "a dry run": ((0, ""), {"dry_run": True, "report_path": None, "max_rejected_percent": 100}, ""),
}


def check(folder: Path) -> None:
    """No file but ledger, refused records, page and the run's own input tells a secret; each is for its owner."""
    allowed = {"ledger.db", "ledger.db-wal", "ledger.db-shm", "rejected.jsonl", "report.html", "in", "config.json"}
    for path in folder.iterdir():
        if path.name not in {"in", "config.json"}:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        if path.name not in allowed:
            text = path.read_text()
            assert not [secret for secret in SECRETS if secret in text], path
        if path.name not in {"in", "config.json"}:
            assert not [key for key in SECRETS[:3] if key.encode() in path.read_bytes()], path


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_log_report_or_state_tells_a_secret(
    commands: Processes, sandbox: Sandbox, tmp_path: Path, scenario: str
) -> None:
    (code, says), changed, first = SCENARIOS[scenario]
    config = {**settings(sandbox, tmp_path), **changed}
    process = commands.start(
        tmp_path,
        singer_lines(MESSAGES),
        {name: value for name, value in config.items() if value is not None},
        first=QUICK + first,
        env={"TARGET_JOURNY_LOGLEVEL": "DEBUG"},
    )
    assert process.wait() == code, process.log
    assert "DEBUG" in process.log or says == "'api_key'"  # some keys are refused before anything else is done
    assert "Traceback" not in process.log
    if code == 1:
        (line,) = process.errors
        assert says in line
        assert process.out == "" or scenario == "a crash at the end"  # when all was delivered
    check(tmp_path)
    if scenario.startswith("refused"):
        kept = [json.loads(line) for line in (tmp_path / "rejected.jsonl").read_text().splitlines()]
        assert {line["stream"] for line in kept} == {"licenses", "contacts", "transactions"}
        assert not [secret for line in kept for secret in SECRETS if secret in line["reason"]]


@pytest.mark.parametrize("fault", ["401", "500", "502-after", "non-json", "cut-body", "drop-before", "redirect"])
def test_no_fault_makes_it_tell_a_secret(commands: Processes, sandbox: Sandbox, tmp_path: Path, fault: str) -> None:
    sandbox.faults.add(fault, side="journy", kind="upsert_user", after=1)
    process = commands.start(
        tmp_path,
        singer_lines(MESSAGES),
        settings(sandbox, tmp_path),
        first=QUICK,
        env={"TARGET_JOURNY_LOGLEVEL": "DEBUG"},
    )
    code = process.wait()
    sandbox.faults.clear()
    assert code == 1, process.log
    assert len(process.errors) == 1
    check(tmp_path)
    assert sandbox.foreign.calls == []


@pytest.mark.parametrize("line", [f'{{"email": "{ANN["email"]}"', f'{{"type": "{ANN["email"]}"}}', '"Ann Quibble"'])
def test_no_line_of_the_input_is_quoted(commands: Processes, sandbox: Sandbox, tmp_path: Path, line: str) -> None:
    text = singer_lines(MESSAGES) + line + "\n"
    process = commands.start(tmp_path, text, settings(sandbox, tmp_path), env={"TARGET_JOURNY_LOGLEVEL": "DEBUG"})
    assert process.wait() == 1
    assert len(process.errors) == 1
    check(tmp_path)
