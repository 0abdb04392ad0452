"""Killed hard at any moment and run again, the loader ends as if it had not been killed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.target.command import settings, singer_lines
from tests.target.processes import processes
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.test_faults import ANN, EACH_PLACE, TODAY, TOMORROW, content

from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from tests.target.processes import Process, Processes

    from marketplace_sandbox.server import Sandbox

pytestmark = pytest.mark.long

PARALLEL = 3
SMALL_BATCHES = "import target_journy.target; target_journy.target.JournySink.MAX_SIZE_DEFAULT = 4\n"

# The n-th call of this function kills the process instead.
KILLED_AT = """
import importlib, os, signal, sys
owner, name, left = importlib.import_module({module!r}), {name!r}, {number}
*path, name = name.split(".")
for part in path:
    owner = getattr(owner, part)
original = getattr(owner, name)

def call(*args, **options):
    global left
    left -= 1
    if not left:
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **options)

setattr(owner, name, call)
"""


@pytest.fixture(scope="module")
def commands() -> Iterator[Processes]:
    with processes() as commands:
        yield commands


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running(rate_limit=10_000_000) as sandbox:
        yield sandbox


def states(process: Process) -> list[int]:
    return [json.loads(line) for line in process.out.splitlines()]


class Runs:
    """Runs of the loader, each fed by a tap that knows the last STATE of the one before."""

    def __init__(self, commands: Processes, folder: Path, sandbox: Sandbox, transport: str) -> None:
        self._commands = commands
        self._folder = folder
        self._config = {
            **settings(sandbox, folder, transport),
            "max_parallel_requests": PARALLEL,
            "max_rejected_percent": 50,
        }

    def start(self, messages: list[Any], *options: str, after: int = 0, first: str = "", **settings: Any) -> Process:
        text, config = singer_lines(messages, after=after), {**self._config, **settings}
        return self._commands.start(self._folder, text, config, *options, first=SMALL_BATCHES + first)

    def finish(self, messages: list[Any], *, after: int = 0) -> dict[str, Any]:
        """The report of a run that nothing happens to."""
        process = self.start(messages, after=after)
        assert process.wait() == 0, process.log
        assert states(process)[-1:] == [len(messages)][: len(messages) - after]
        report: dict[str, Any] = json.loads((self._folder / "report.json").read_text())
        assert report["waiting"] == 0
        return report


@pytest.fixture
def transport() -> str:
    return "journy"


@pytest.fixture
def runs(commands: Processes, tmp_path: Path, sandbox: Sandbox, transport: str) -> Runs:
    return Runs(commands, tmp_path, sandbox, transport)


_UNDISTURBED: dict[str, tuple[Any, Counter[str]]] = {}


@pytest.fixture
def undisturbed(
    commands: Processes, tmp_path_factory: pytest.TempPathFactory, transport: str
) -> tuple[Any, Counter[str]]:
    if transport not in _UNDISTURBED:
        with running(rate_limit=10_000_000) as sandbox:
            runs = Runs(commands, tmp_path_factory.mktemp("undisturbed"), sandbox, transport)
            runs.finish(TODAY)
            runs.finish(TOMORROW)
            _UNDISTURBED[transport] = content(sandbox)
    return _UNDISTURBED[transport]


def check(runs: Runs, sandbox: Sandbox, undisturbed: tuple[Any, Counter[str]], killed: Process, in_flight: int) -> None:
    """Go on from the last STATE; in the end all must be there, and what is there twice be named."""
    assert killed.wait() == -9
    passed = states(killed)
    report = runs.finish(TOMORROW, after=passed[-1] if passed else 0)
    (found, told), (expected, once) = content(sandbox), undisturbed
    assert found == expected
    assert not once - told  # none lost
    assert (told - once).total() <= report["possibly_repeated"] <= in_flight
    for service in (sandbox.journy_segment, sandbox.segment):
        assert (service.discarded, service.unused) == ([], [])
    sandbox.journal.clear()
    runs.finish(TOMORROW)
    assert sandbox.journal.calls == []


@pytest.mark.parametrize(("transport", "kind", "after"), EACH_PLACE)
@pytest.mark.parametrize(("when", "more"), [("before-store", 0), ("after-store", 1)])
def test_killed_while_a_call_is_under_way(
    runs: Runs,
    sandbox: Sandbox,
    undisturbed: tuple[Any, Counter[str]],
    when: str,
    more: int,
    transport: str,
    kind: str,
    after: int,
) -> None:
    runs.finish(TODAY)
    sandbox.gates.hold(when, side=transport, kind=kind, after=after + more)
    process = runs.start(TOMORROW)
    try:
        sandbox.gates.wait(20)
    finally:
        process.kill()
        sandbox.gates.release(drop=True)
        sandbox.gates.clear()
    check(runs, sandbox, undisturbed, process, PARALLEL if kind == "track" else 0)


EVERYWHERE: dict[str, tuple[int, ...]] = {
    "ledger.Ledger.transaction": (7, 23, 39),
    "calls.EntityCall.settle": (3,),
    "calls.MembersCall.settle": (2,),
    "calls.EventCall.settle": (1, 2),
    "target.TargetJourny._write_state_message": (1, 3),
}
POINTS = {
    "journy": EVERYWHERE,
    "segment": {**EVERYWHERE, "batches.Batch.begin": (2, 4), "batches.Batch.settle": (1, 3)},
}


@pytest.mark.parametrize(
    ("transport", "point", "number"),
    [(name, point, number) for name, points in POINTS.items() for point in points for number in points[point]],
)
def test_killed_between_answer_and_acknowledgement_or_before_a_state(
    runs: Runs, sandbox: Sandbox, undisturbed: tuple[Any, Counter[str]], transport: str, point: str, number: int
) -> None:
    runs.finish(TODAY)
    module, name = point.split(".", 1)
    first = KILLED_AT.format(module=f"target_journy.{module}", name=name, number=number)
    check(runs, sandbox, undisturbed, runs.start(TOMORROW, first=first), PARALLEL if transport == "journy" else 0)


@pytest.mark.parametrize(
    ("transport", "kind", "after", "calls"), [("journy", "upsert_account", 1, 2), ("journy_segment", "batch", 0, 1)]
)
def test_killed_at_the_first_load_with_all_calls_under_way(
    runs: Runs,
    sandbox: Sandbox,
    undisturbed: tuple[Any, Counter[str]],
    transport: str,
    kind: str,
    after: int,
    calls: int,
) -> None:
    sandbox.gates.hold("after-store", side=transport, kind=kind, times=None, after=after)
    process = runs.start(TODAY)
    try:
        sandbox.gates.wait(20, calls=calls)
    finally:
        process.kill()
        sandbox.gates.clear()
    assert (process.wait(), process.out) == (-9, "")
    runs.finish(TODAY)
    runs.finish(TOMORROW)
    assert content(sandbox) == undisturbed


@pytest.mark.parametrize("kind", ["upsert_user", "add_members"])
def test_killed_when_somebody_had_arrived_whom_the_next_input_forgets(runs: Runs, sandbox: Sandbox, kind: str) -> None:
    sandbox.gates.hold("after-store", side="journy", kind=kind)
    process = runs.start(license_messages(license_row(1, ANN)))
    try:
        sandbox.gates.wait(20)
    finally:
        process.kill()
        sandbox.gates.clear()
    assert process.wait() == -9
    assert sandbox.journy.users["ann@acme.com"].properties
    runs.finish(license_messages(license_row(1, person("RTBF", "RTBF"), lastUpdated="2026-03-02")))
    assert sandbox.journy.users["ann@acme.com"].properties == {}
    assert sandbox.journy.accounts["SEN-1"].users == []


@pytest.mark.parametrize("transport", ["journy", "segment"])
@pytest.mark.parametrize("number", [1, 4, 7])
def test_killed_while_it_adopts(runs: Runs, sandbox: Sandbox, number: int) -> None:
    """Nothing is adopted, and adopting once more does it all."""
    first = KILLED_AT.format(module="target_journy.calls", name="EntityCall.settle", number=number)
    process = runs.start(TODAY, "--adopt", first=first)
    assert (process.wait(), process.out) == (-9, "")
    assert runs.start(TODAY, require_ledger=True).wait() == 1
    assert runs.start(TODAY, "--adopt").wait() == 0
    runs.finish(TODAY)
    assert sandbox.journal.calls == []


def test_killed_before_a_record_that_cannot_be_mapped_was_kept(runs: Runs, tmp_path: Path) -> None:
    messages = [*TODAY, ("transactions", {**sale(9)[1], "purchaseDetails": {}})]
    killed = runs.start(
        messages, first=KILLED_AT.format(module="marketplace_singer.quarantine", name="Quarantine.add", number=1)
    )
    assert killed.wait() == -9
    assert not (tmp_path / "rejected.jsonl").exists()
    report = runs.finish(messages)
    assert (report["streams"]["transactions"]["rejected"], report["rejected_again"]) == (1, 0)
    assert len((tmp_path / "rejected.jsonl").read_text().splitlines()) == 1
    assert runs.finish(messages)["rejected_again"] == 1
