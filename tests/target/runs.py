"""Runs of the loader in this process, over a fake or the sandbox, each checked for what holds of every run."""

from __future__ import annotations

import json
import stat
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from marketplace_sandbox import credentials
from marketplace_sandbox.journy.state import JournyState
from marketplace_singer import InputError
from target_journy.ledger import LedgerError
from target_journy.loader import Loader
from target_journy.transports import DeliveryError, PayloadRejectedError, Receipt
from target_journy.values import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

Call = tuple[str, dict[str, Any]]
Message = tuple[str, dict[str, Any]]
OUTCOMES = ("delivered", "unchanged", "skipped", "rejected", "waiting", "failed")


class Door(Protocol):
    """Where a run delivers to."""

    state: JournyState
    settings: dict[str, Any]

    def take_calls(self) -> list[Call]: ...


def identified(user: str) -> dict[str, str]:
    return {"email" if "@" in user else "userId": user}


class FakeDoor:
    """A transport that keeps what it gets in a state like the sandbox's.

    `before` and `after` run around each call with its path and body; what they raise, the call raises.
    """

    knows_repeats = False
    can_delete = True

    def __init__(self, destination: str = "journy fake.example") -> None:
        self.state = JournyState()
        self.settings: dict[str, Any] = {}
        self.destination = destination
        self.before: Callable[[str, dict[str, Any]], None] = lambda path, body: None
        self.after: Callable[[str, dict[str, Any]], None] = lambda path, body: None
        self._calls: list[Call] = []

    def renew(self, host: str) -> None:
        """Be another door, with nothing behind it."""
        FakeDoor.__init__(self, f"journy {host}")

    def take_calls(self) -> list[Call]:
        calls, self._calls = self._calls, []
        return calls

    def upsert_account(self, account: str, properties: Any, revision: int) -> Receipt:
        body = {"identification": {"accountId": account}, "properties": dict(properties)}
        return self._call("/accounts/upsert", body, lambda b: self.state.upsert_account(*b.values()))

    def upsert_user(self, user: str, properties: Any, revision: int) -> Receipt:
        body = {"identification": identified(user), "properties": dict(properties)}
        return self._call("/users/upsert", body, lambda b: self.state.upsert_user(*b.values()))

    def add_members(self, account: str, users: Any) -> Receipt:
        return self._members("add", account, users, self.state.add_members)

    def remove_members(self, account: str, users: Any) -> Receipt:
        return self._members("remove", account, users, self.state.remove_members)

    def delete_account(self, account: str) -> Receipt:
        body = {"identification": {"accountId": account}}
        return self._call("/accounts", body, lambda b: self.state.delete_account(b["identification"]))

    def delete_user(self, user: str) -> Receipt:
        body = {"identification": identified(user)}
        return self._call("/users", body, lambda b: self.state.delete_user(b["identification"]))

    def track(
        self,
        event_id: str,
        name: str,
        account: str | None,
        triggered_at: str,
        metadata: Any,
        user: str | None = None,
    ) -> Receipt:
        body = {
            "identification": {
                **({"user": identified(user)} if user else {}),
                **({"account": {"accountId": account}} if account else {}),
            },
            "name": name,
            "triggeredAt": triggered_at,
            "metadata": dict(metadata),
        }
        return self._call("/track", body, lambda b: self.state.track(b, ""))

    def close(self) -> None:
        pass

    def _members(self, verb: str, account: str, users: Any, apply: Callable[[Any, Any], None]) -> Receipt:
        members = [{"identification": identified(user)} for user in users]
        body = {"account": {"accountId": account}, "users": members}
        return self._call(
            f"/accounts/users/{verb}",
            body,
            lambda b: apply(b["account"], [user["identification"] for user in b["users"]]),
        )

    def _call(self, path: str, body: dict[str, Any], apply: Callable[[dict[str, Any]], Any]) -> Receipt:
        body = json.loads(to_json(body))
        self._calls.append((path, body))
        self.before(path, body)
        rejected = apply(body) or {}
        self.after(path, body)
        return Receipt(f"request-{len(self._calls)}", rejected)


class SandboxDoor:
    """The sandbox's journy.io over a real socket."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.state = sandbox.journy
        self.settings = {"api_url": sandbox.journy_url, "api_key": credentials.JOURNY_KEY}
        self._journal = sandbox.journal

    def take_calls(self) -> list[Call]:
        calls = [
            (call["path"].removeprefix("/journy"), call.get("body", {}))
            for call in self._journal.calls
            if call["side"] == "journy" and call["method"] != "GET"
        ]
        self._journal.clear()
        return calls


class SegmentDoor:
    """The sandbox's journy.io over the Segment protocol; `take_calls` gives the messages of each batch.

    Args:
        sandbox: With an empty Segment.
        transport: `journy_segment` or `segment`.
    """

    def __init__(self, sandbox: Sandbox, transport: str) -> None:
        self.state = sandbox.journy
        self.settings = segment_settings(sandbox, transport)
        self._journal = sandbox.journal
        self._side = transport

    def take_calls(self) -> list[Call]:
        calls = [
            (message["type"], message)
            for call in self._journal.calls
            if call["side"] == self._side
            for message in call["body"]["batch"]
        ]
        self._journal.clear()
        return calls


def segment_settings(sandbox: Sandbox, transport: str) -> dict[str, Any]:
    """What the loader has to be told to deliver to a sandbox over the Segment protocol."""
    url = sandbox.segment_url if transport == "segment" else sandbox.journy_segment_url
    return {"transport": transport, "api_url": url, "api_key": "unused-api-key", "write_key": credentials.WRITE_KEY}


@dataclass
class Run:
    """What came of a run.

    Attributes:
        exit_code: As the process would have it.
        error: The message that ended the run, if one did.
        calls: Path and body of each write.
        counts: Outcomes of the records of each stream, without zeros.
        quarantined: Lines that the run added to the file of rejected records.
    """

    exit_code: int
    error: str
    calls: list[Call]
    report: dict[str, Any]
    counts: dict[str, dict[str, int]]
    quarantined: list[dict[str, Any]]

    @property
    def paths(self) -> Counter[str]:
        """Number of calls by path."""
        return Counter(path for path, _ in self.calls)


@dataclass
class World:
    """A folder with the files of the loader, and the door that it delivers to."""

    folder: Path
    door: Any
    ledger_url: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> JournyState:
        """What journy.io holds."""
        state: JournyState = self.door.state
        return state

    def config(self, **settings: Any) -> dict[str, Any]:
        return {
            "api_key": "key",
            "preset": "marketplace-raw",
            "ledger_url": self.ledger_url,
            "report_path": str(self.folder / "report.json"),
            "rejected_path": str(self.folder / "rejected.jsonl"),
            "requests_per_minute": 10_000_000,
            **self.door.settings,
            **self.settings,
            **settings,
        }

    def load(
        self,
        messages: Iterable[Message],
        *,
        adopt: bool = False,
        flush_every: int = 0,
        version: int | None = None,
        whole: Iterable[str] = (),
        keys: Sequence[str] = ("id",),
        **settings: Any,
    ) -> Run:
        """Load records as one run, and check what holds of every run.

        Args:
            messages: Streams and records; a record with `_sdc_deleted_at` is deleted.
            adopt: As `--adopt`.
            flush_every: Records after which to deliver; 0 only at the end.
            version: Version of the streams.
            whole: Streams of which all records in this version have come when the input ends.
            keys: Key properties of the streams.
            settings: Settings of this run.
        """
        before = len(self.quarantine())
        offered = list(messages)
        loader = Loader(self.config(**settings), adopt=adopt)
        exit_code, error = 1, ""
        try:
            for stream in dict.fromkeys(stream for stream, _ in offered):
                loader.open_stream(stream, {}, keys)
            for number, (stream, record) in enumerate(offered, 1):
                is_deleted = record.get("_sdc_deleted_at") is not None
                loader.load(stream, record, version=version, is_deleted=is_deleted)
                if flush_every and number % flush_every == 0:
                    loader.flush()
            for stream in whole:
                loader.activate(stream, version or 0)
            exit_code = loader.finish()
        except (DeliveryError, InputError, LedgerError) as failure:
            error = str(failure)
        finally:
            loader.close()
        report = json.loads((self.folder / "report.json").read_text())
        assert_counts_add_up(report)
        if not error:
            assert sum(counts["read"] for counts in report["streams"].values()) == len(offered)
        for path in self.folder.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        counts = {
            stream: {name: n for name, n in row.items() if n and name != "read"}
            for stream, row in report["streams"].items()
        }
        return Run(exit_code, error, self.door.take_calls(), report, counts, self.quarantine()[before:])

    def quarantine(self) -> list[dict[str, Any]]:
        path = self.folder / "rejected.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def assert_counts_add_up(report: dict[str, Any]) -> None:
    for stream, counts in report["streams"].items():
        assert all(counts[name] >= 0 for name in OUTCOMES), (stream, counts)
        assert counts["read"] == sum(counts[name] for name in OUTCOMES), (stream, counts)


def refuse(reason: str = "No.", **fields: str) -> PayloadRejectedError:
    return PayloadRejectedError(reason, "request-x", {name.replace("__", "."): text for name, text in fields.items()})
