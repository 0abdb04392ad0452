"""The fault matrix: whatever goes wrong, journy.io holds the same, or one clear line says so and STATE stays behind."""

from __future__ import annotations

import copy
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.command import command, settings, singer_lines
from tests.target.rows import license_messages, license_row, person, sale

from marketplace_http import ApiSession
from marketplace_sandbox.faults.catalogue import FAULTS
from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.target.command import Result

    from marketplace_sandbox.server import Sandbox

pytestmark = pytest.mark.long

ANN, BOB, CAT, DAN = (person(f"{name}@acme.com", name) for name in ("ann", "bob", "cat", "dan"))
TODAY = [*license_messages(license_row(1, ANN, BOB), license_row(2, ANN, CAT), license_row(3, DAN)), sale(1), sale(2)]
TOMORROW = [
    sale(3, "Upgrade", "2026-03-02"),
    *license_messages(
        license_row(1, BOB, DAN, lastUpdated="2026-03-02", status="inactive"),
        license_row(2, ANN, BOB, lastUpdated="2026-03-02", status="inactive"),
        license_row(4, person("eve@acme.com"), CAT, lastUpdated="2026-03-02"),
    ),
    sale(4, "Renewal", "2026-03-02", addonLicenseId="4"),
    sale(5, "Renewal", "2026-03-03", addonLicenseId="2"),
    sale(6, "Refund", "2026-03-03"),
]

PLACES = {
    "journy": [(kind, 0) for kind in ("upsert_account", "upsert_user", "add_members", "remove_members", "track")],
    "journy_segment": [("batch", number) for number in (0, 2, 4)],
    "segment": [("batch", number) for number in (1, 3)],
}
"""By transport the kinds of call, and how many of them pass before one is hit."""
EACH_PLACE = [(transport, *place) for transport, places in PLACES.items() for place in places]
JOURNY_FAULTS = [name for name, trouble in FAULTS.items() if trouble.kinds is None]
REFUSED = {"401", "403", "410", "redirect"}
HARMLESS = {"slow", "slow-body"}
ABOUT_BODIES = {
    "cut-body",
    "cut-body-chunked",
    "empty",
    "half-answer",
}  # that an end of memberships is answered with none
SAYS = {"401": "_key'", "403": "_key'", "redirect": "'api_url'", "429-plain": "'requests_per_minute'"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(rate_limit=10_000_000) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _quick(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    door = "target_journy.transports.http"
    monkeypatch.setattr(f"{door}.interruptible_sleep", lambda stop: lambda seconds: time.sleep(min(seconds, 0.01)))
    monkeypatch.setattr(f"{door}.ApiSession", partial(ApiSession, patience=0.02))
    monkeypatch.setattr("marketplace_http.limiter._AFTER_REFUSAL", 0.02)
    monkeypatch.setattr("target_journy.target.JournySink.MAX_SIZE_DEFAULT", 4)
    yield
    sandbox.faults.clear()
    sandbox.foreign.calls.clear()


@pytest.fixture
def load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, sandbox: Sandbox, transport: str
) -> Iterator[Callable[..., Result]]:
    """Run the loader as the tap would feed it that knows the last STATE."""
    with command(tmp_path, monkeypatch, capsys) as run:

        def load(messages: list[Any], after: int = 0) -> Result:
            result = run(singer_lines(messages, after=after), settings(sandbox, tmp_path, transport))
            assert "@" not in result.stderr
            return result

        yield load


def content(sandbox: Sandbox) -> tuple[Any, Counter[str]]:
    """Accounts and users of journy.io, and how often it was told each event."""
    snapshot = copy.deepcopy(sandbox.journy.snapshot())
    accounts = {
        name: (row["properties"], sorted(row["users"]), sorted(row["removed"]))
        for name, row in snapshot["accounts"].items()
    }
    return (accounts, snapshot["users"]), Counter(event["metadata"]["event_id"] for event in snapshot["events"])


class Days:
    """What the ledger and the services hold after the first day, and journy.io after both, without any fault."""

    def __init__(self, load: Callable[..., Result], sandbox: Sandbox, ledger: Path) -> None:
        for held in vars(sandbox.journy).values():
            held.clear()
        sandbox.journy.types = {"accounts": {}, "users": {}}
        sandbox.journy_segment.clear()
        sandbox.segment.clear()
        assert load(TODAY).states[-1] == len(TODAY)
        self._ledger, self._services = ledger.read_bytes(), [_held(service) for service in _services(sandbox)]
        assert load(TOMORROW).states[-1] == len(TOMORROW)
        self.expected = content(sandbox)

    def begin(self, sandbox: Sandbox, ledger: Path) -> None:
        """Go back to the end of the first day."""
        ledger.write_bytes(self._ledger)
        for service, held in zip(_services(sandbox), self._services, strict=True):
            vars(service).update(copy.deepcopy(held))
        sandbox.journal.clear()


def _services(sandbox: Sandbox) -> tuple[Any, ...]:
    return sandbox.journy, sandbox.journy_segment, sandbox.segment


def _held(service: Any) -> dict[str, Any]:
    return copy.deepcopy({name: held for name, held in vars(service).items() if not callable(held)})


_DAYS: dict[str, Days] = {}


@pytest.fixture
def days(load: Callable[..., Result], sandbox: Sandbox, tmp_path: Path, transport: str) -> Days:
    ledger = tmp_path / "ledger.db"
    if transport not in _DAYS:
        _DAYS[transport] = Days(load, sandbox, ledger)
    _DAYS[transport].begin(sandbox, ledger)
    return _DAYS[transport]


def check(sandbox: Sandbox, days: Days, transport: str, *runs: Result) -> None:
    """All is there, and what is there twice was named by the runs; over the Segment protocol nothing is."""
    (found, told), (expected, once) = content(sandbox), days.expected
    named = sum(run.report["possibly_repeated"] for run in runs)
    assert found == expected
    assert not once - told  # none lost
    assert (told - once).total() <= named
    assert named == 0 or transport == "journy"
    for service in (sandbox.journy_segment, sandbox.segment):
        assert (service.discarded, service.unused) == ([], [])
    assert sandbox.foreign.calls == []


@pytest.mark.parametrize(("transport", "kind", "after"), EACH_PLACE)
@pytest.mark.parametrize("fault", JOURNY_FAULTS)
def test_a_fault_that_lasts(
    load: Callable[..., Result], sandbox: Sandbox, days: Days, fault: str, transport: str, kind: str, after: int
) -> None:
    seconds = 0 if fault == "429-seconds" else 0.02
    trouble = sandbox.faults.add(fault, side=transport, kind=kind, after=after, seconds=seconds)
    result = load(TOMORROW)
    sandbox.faults.clear()
    assert trouble.hits
    if fault in HARMLESS or (fault in ABOUT_BODIES and kind == "remove_members"):
        assert (result.returncode, result.states[-1]) == (0, len(TOMORROW)), result.stderr
        check(sandbox, days, transport, result)
        return
    assert result.returncode == 1
    (line,) = result.errors
    assert len(line) < 400
    assert SAYS.get(fault, "") in line
    reached = result.states[-1] if result.states else 0
    assert reached < len(TOMORROW)
    assert result.report["possibly_repeated"] == 0 or kind == "track"
    resumed = load(TOMORROW, after=reached)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.report["waiting"] == 0
    check(sandbox, days, transport, result, resumed)


@pytest.mark.parametrize("transport", PLACES)
@pytest.mark.parametrize("fault", [fault for fault in JOURNY_FAULTS if fault not in REFUSED])
def test_a_fault_that_passes(
    load: Callable[..., Result], sandbox: Sandbox, days: Days, fault: str, transport: str
) -> None:
    """It hits one call of each kind, while others are under way."""
    troubles = [
        sandbox.faults.add(fault, side=transport, kind=kind, after=after, times=1, seconds=0)
        for kind, after in PLACES[transport]
    ]
    result = load(TOMORROW)
    assert all(trouble.hits for trouble in troubles)
    assert (result.returncode, result.errors) == (0, [])
    assert result.states[-1] == len(TOMORROW)
    check(sandbox, days, transport, result)
    sandbox.journal.clear()
    assert load(TOMORROW).returncode == 0
    assert sandbox.journal.calls == []
