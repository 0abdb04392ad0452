"""The SDK's own suite for targets, over the sandbox, and what the sandbox received."""

from __future__ import annotations

import importlib.resources
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import get_target_test_class, target_test_streams

from marketplace_sandbox import credentials
from target_journy.loader import Loader
from target_journy.target import TargetJourny

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

CONFIG: dict[str, Any] = {
    "api_key": credentials.JOURNY_KEY,
    "unknown_streams": "default",
    "requests_per_minute": 10_000_000,
}
Accounts = dict[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The suite closes no loader; from Python 3.13 on a connection that is left open is a warning."""
    opened: list[Noted] = []

    class Noted(Loader):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            opened.append(self)

        def close(self) -> None:
            opened.remove(self)
            super().close()

    monkeypatch.setattr("target_journy.target.Loader", Noted)
    yield
    for loader in [*opened]:
        loader.close()


def records(name: str) -> list[tuple[str, dict[str, Any]]]:
    lines = (importlib.resources.files(target_test_streams) / f"{name}.singer").read_text(encoding="utf-8").splitlines()
    messages = [json.loads(line) for line in lines]
    return [(message["stream"], message["record"]) for message in messages if message["type"] == "RECORD"]


def plain(name: str, key: str = "id") -> Accounts:
    """The accounts of a file whose records hold only texts and numbers."""
    return {f"{stream}:{record[key]}": record for stream, record in records(name)}


def contents(*found: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(found, key=str)


EXPECTED: dict[str, Accounts] = {
    "array_data": {
        "test_array_data:1": {"id": 1, "fruits": ["apple", "orange", "pear"]},
        "test_array_data:2": {"id": 2, "fruits": ["apple", "banana"]},
        "test_array_data:3": {"id": 3, "fruits": ["pear"]},
        "test_array_data:4": {"id": 4, "fruits": ["apple", "banana", "orange", "pear"]},
    },
    "camelcase": plain("camelcase", "Id"),
    "duplicate_records": {
        "test_duplicate_records:1": {"id": 1, "metric": 100},
        "test_duplicate_records:2": {"id": 2, "metric": 20},
    },
    "optional_attributes": plain("optional_attributes"),
    "record_missing_fields": plain("record_missing_fields"),
    "schema_updates": {
        "test_schema_updates:1": {"id": 1, "a1": 101, "a2": "string1"},
        "test_schema_updates:2": {"id": 2, "a1": 102, "a2": "string2", "a3": True},
        "test_schema_updates:3": {
            "id": 3,
            "a1": 103,
            "a2": "string3",
            "a3": False,
            "a4": '{"id":1,"value":1}',
            "a5": ["apple", "banana"],
        },
        "test_schema_updates:4": {
            "id": 4,
            "a1": 104,
            "a2": "string4",
            "a3": True,
            "a4": '{"id":2,"value":22}',
            "a5": ["orange", "pear"],
        },
        "test_schema_updates:5": {
            "id": 5,
            "a1": 105,
            "a2": "string5",
            "a3": False,
            "a4": '{"id":3,"value":33}',
            "a5": ["apple"],
            "a6": 985,
        },
        "test_schema_updates:6": {
            "id": 6,
            "a1": 106,
            "a2": "string6",
            "a3": True,
            "a4": '{"id":4,"value":444}',
            "a5": ["banana", "orange"],
            "a6": 341,
        },
    },
    "special_chars_in_attributes": {
        "test:SpecialChars!in?attributes:a2e98886": {
            "_id": "a2e98886",
            "d": '{"agent:os:version":"10.13.1","agent:type":"desktop","env":"prod"}',
        }
    },
    # These hold no record, or end with an error before one is delivered.
    "camelcase_complex_schema": {},
    "cli_prints": {},
    "invalid_schema": {},
    "record_before_schema": {},
    "record_missing_key_property": {},
}
BY_CONTENT = {
    "pk_updates": contents(*(record for _, record in records("pk_updates"))),  # its key stands where none is read
    "no_primary_keys": contents(*(record for _, record in records("no_primary_keys"))),
    "schema_no_properties": contents(
        *({"object_store": f'{{"id":{n},"metric":{metric}}}'} for n, metric in [(1, 187), (2, 203), (1, 1), (2, 2)])
    ),
    # singer-sdk 0.55 added it.
    "string_formats": contents(
        {
            "simple_string": "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
            "date_time": "2026-01-01T12:00:00Z",
            "date": "2026-01-01",
            "time": "12:00:00",
            "duration": "P1DT12H30M",
            "email": "test@example.com",
            "hostname": "example.com",
            "ipv4": "192.168.1.1",
            "uri": "https://example.com",
            "uuid": "550e8400-e29b-41d4-a716-446655440000",
        }
    ),
}


class TestStandardSuite(get_target_test_class(TargetJourny, config=CONFIG, parse_env_config=False)):  # type: ignore[misc]
    """Each test has a fresh ledger, and is followed by a look at what arrived."""

    @pytest.fixture(autouse=True)
    def arrived(self, request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Iterator[None]:
        CONFIG.update(
            api_url=sandbox.journy_url,
            ledger_url=f"sqlite:///{tmp_path}/ledger.db",
            rejected_path=str(tmp_path / "rejected.jsonl"),
        )
        yield
        name = request.node.name.removeprefix("test_target_")
        accounts = {key: account.properties for key, account in sandbox.journy.accounts.items()}
        if name == "encoded_string_data":
            check_texts(accounts)
        elif name in BY_CONTENT:
            assert contents(*accounts.values()) == BY_CONTENT[name]
        else:
            assert accounts == EXPECTED[name]
        assert sandbox.journy.users == {}
        assert not (tmp_path / "rejected.jsonl").exists()


def check_texts(accounts: Accounts) -> None:
    """Texts as they are, objects as JSON text, lists sorted."""
    found = records("encoded_string_data")
    assert len(accounts) == len(found) == 28
    for stream, record in found:
        account = accounts[f"{stream}:{record['id']}"]
        if "info" in record:
            info = account["info"]
            assert (json.loads(info) if isinstance(record["info"], dict) else info) == record["info"]
        else:
            assert account["strings"] == sorted(record["strings"])


def load(lines: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, **settings: Any) -> list[Any]:
    """Load lines, and return the STATE that came out."""
    config = {**CONFIG, "ledger_url": f"sqlite:///{tmp_path}/ledger.db", **settings}
    target = TargetJourny(config=config)
    assert target.load(io.StringIO("\n".join(lines) + "\n")) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


# The SDK keeps its TargetMultipleStateMessages out of its suite: which STATE lines come between depends on when a
# target drains. What holds of every target is that the last comes out, and none before what stands before it arrived.
@pytest.mark.parametrize(("rows", "count"), [(1, 5), (2, 5), (1000, 1)])
def test_state_comes_out_once_all_before_it_was_delivered(
    sandbox: Sandbox,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    rows: int,
    count: int,
) -> None:
    file = importlib.resources.files(target_test_streams) / "multiple_state_messages.singer"
    lines = file.read_text(encoding="utf-8").splitlines()
    early: list[Any] = []

    class Watched(TargetJourny):
        def _write_state_message(self, state: dict[str, Any]) -> None:
            for stream, last in state.items():
                early.extend(n for n in range(1, last + 1) if f"{stream}:{n}" not in sandbox.journy.accounts)
            super()._write_state_message(state)

    monkeypatch.setattr(f"{__name__}.TargetJourny", Watched)
    states = load(lines, capsys, tmp_path, api_url=sandbox.journy_url, batch_size_rows=rows)
    sent = [json.loads(line)["value"] for line in lines if '"STATE"' in line]
    assert early == []
    assert [state for state in sent if state in states] == states
    assert states[-1] == sent[-1]
    assert len(states) == count
    assert len(sandbox.journy.accounts) == 12


def test_state_with_nothing_before_it_comes_out_at_once(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [json.dumps({"type": "STATE", "value": {"at": n}}) for n in (1, 2, 2, 3)]
    assert load(lines, capsys, tmp_path, api_url=sandbox.journy_url) == [{"at": 1}, {"at": 2}, {"at": 3}]


def test_a_dry_run_passes_no_state_on(sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.dumps({"type": "STATE", "value": {"at": 1}})]
    assert load(lines, capsys, tmp_path, api_url=sandbox.journy_url, dry_run=True) == []
