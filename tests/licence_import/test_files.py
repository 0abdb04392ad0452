"""Files that are torn, damaged, full or in use: nothing is lost, and nothing is sent that could not be kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.licence_import.rows import row, rows
from tests.licence_import.runs import Import
from tests.target.processes import processes

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = "license-results.jsonl"
ATTEMPTS = "license-results.attempts.jsonl"
IDS = [f"OLD-{number}" for number in range(1, 6)]


def damage(path: Path, kind: str) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    middle = json.loads(lines[1])
    changed = {
        "no JSON": b"{oops\n",
        "no object": b"[]\n",
        "empty": b"\n",
        "no text": b"\xff\xfe\n",
        "half a line": lines[1][:-20] + b"\n",
        "zeros": b"\0" * 40 + b"\n",
        "too deep": b"[" * 100_000 + b"\n",
        **{
            f"without {name}": json.dumps({key: value for key, value in middle.items() if key != name}).encode() + b"\n"
            for name in ("id", "app_key", "host", "request", "licenseKey")
        },
        "id of a wrong kind": json.dumps({**middle, "id": 7}).encode() + b"\n",
    }
    lines[1] = changed[kind]
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize(
    "kind",
    [
        *("no JSON", "no object", "empty", "no text", "half a line", "zeros", "too deep", "id of a wrong kind"),
        *("without id", "without app_key", "without host", "without request", "without licenseKey"),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"dry_run": True}])
def test_damaged_results_stop_the_run_before_anything_is_sent(
    work: Import, kind: str, settings: dict[str, bool]
) -> None:
    work.run(rows(3))
    path = work.folder / RESULTS
    damage(path, kind)
    before = path.read_bytes()
    work.calls.clear()
    run = work.run(rows(5), code=1, **settings)
    assert "'results_path'" in run.errors[0]
    assert "line 2" in run.errors[0]
    assert work.calls == []
    assert path.read_bytes() == before
    assert run.states == []


def test_damaged_attempts_stop_the_run_too(work: Import) -> None:
    work.run(rows(3))
    damage(work.folder / ATTEMPTS, "no JSON")
    assert ATTEMPTS in work.run(rows(5), code=1).errors[0]


# Notes what is forced to disk, and the state, in their order.
ORDER = """
import os
from target_atlassian_marketplace.target import TargetAtlassianMarketplace as Target
sync, write_state = os.fsync, Target._write_state_message

def note(what):
    with open("order.txt", "a") as file:
        file.write(what + "\\n")

def fsync(descriptor):
    sync(descriptor)
    path = os.readlink(f"/proc/self/fd/{descriptor}")
    note(f"{os.path.basename(path)} {os.path.getsize(path)}" if os.path.isfile(path) else "folder")

def _write_state_message(self, state):
    note("STATE")
    write_state(self, state)

os.fsync, Target._write_state_message = fsync, _write_state_message
"""


def test_each_licence_is_on_disk_before_the_state(work: Import) -> None:
    work.run([*rows(3), row("OLD-4", users="none")], first=ORDER, code=3)
    order = (work.folder / "order.txt").read_text().splitlines()
    lines = (work.folder / "license-results.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in order if line.startswith("license-results.jsonl ")]
    assert len(kept) == len(lines) == 3
    assert kept[-1] == f"license-results.jsonl {sum(map(len, lines))}"
    assert order.index("STATE") == len(order) - 1
    # That a licence is asked for is on disk before it is kept, and a new file's name too.
    assert order.index("folder") < order.index(kept[0])
    assert [line for line in order[: order.index(kept[0])] if line.startswith("license-results.attempts.jsonl ")]


@pytest.mark.parametrize(
    "tail", [b"{", b'{"id":"OLD-4","sen":"', b"\0\0\0", b'{"id":"OLD-4"', b" ", b"{" + b"x" * 9000]
)
def test_half_a_last_line_is_cut_off(work: Import, tail: bytes) -> None:
    work.run(rows(3))
    for name in (RESULTS, ATTEMPTS):
        with (work.folder / name).open("ab") as file:
            file.write(tail)
    assert work.run(rows(5)).counts() == {"delivered": 2, "unchanged": 3}
    work.check_keys(IDS)


def test_a_last_line_that_only_lost_its_end_is_kept(work: Import) -> None:
    """Some editors take the last line break away."""
    work.run(rows(3))
    for name in (RESULTS, ATTEMPTS):
        path = work.folder / name
        path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert work.run(rows(3)).counts() == {"unchanged": 3}
    work.calls.clear()
    assert work.run(rows(5)).counts() == {"delivered": 2, "unchanged": 3}
    assert len(work.calls) == 2
    work.check_keys(IDS)


def test_lost_results_are_found_again_by_the_attempts(work: Import) -> None:
    work.run(rows(3))
    (work.folder / RESULTS).unlink()
    run = work.run(rows(5))
    assert run.counts() == {"delivered": 5}
    assert "3 of them had been made before" in run.log
    work.check_keys(IDS)


# The limit is on each file of the process; the input, kept aside, and the log are among them.
FULL = """
import os, resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
"""


@pytest.mark.parametrize("size", range(2000, 4400, 150))
def test_a_full_disk_loses_no_licence(work: Import, size: int) -> None:
    """Wherever in the results or the attempts the disk ends."""
    process = work.start(rows(5), first=FULL.format(size=size))
    run = work.end(process)
    counts = run.counts()
    assert counts.get("delivered", 0) == len(work.results)
    if run.code:
        assert "'results_path'" in run.errors[0]
        assert run.states == []
    run = work.run(rows(5))
    assert run.states == [1]
    work.check_keys(IDS)


@pytest.mark.parametrize("when", ["attempts", "results"])
def test_a_disk_that_has_room_again_in_between_leaves_whole_lines(work: Import, when: str) -> None:
    """One line does not fit, those of the calls under way do."""
    first = f"""
import os, threading
original, left = os.write, [2]

def write(descriptor, content):
    if "{RESULTS if when == "results" else ATTEMPTS}" in os.readlink(f"/proc/self/fd/{{descriptor}}"):
        left[0] -= 1
        if left[0] == 0:
            return original(descriptor, content[:50])
        if left[0] == -1:
            raise OSError(28, "No space left on device")
    return original(descriptor, content)

os.write = write
"""
    run = work.run(rows(5), first=first, code=1)
    assert "No space left" in run.errors[0]
    assert run.counts().get("delivered", 0) == len(work.results)
    work.run(rows(5))
    work.check_keys(IDS)


def test_a_full_disk_loses_no_rejected_record(work: Import) -> None:
    records = [row("OLD-1"), *(row(f"BAD-{number}", users="x") for number in range(8)), row("OLD-2")]
    run = work.run(records, first=FULL.format(size=2900), code=1)
    assert "'rejected_path'" in run.errors[0]
    assert run.states == []
    assert run.counts()["rejected"] == len(work.rejected) < 8  # each a whole line
    assert work.run(records, code=3).states == [1]
    assert {kept["key"] for kept in work.rejected} == {f"BAD-{number}" for number in range(8)}
    work.check_keys(["OLD-1", "OLD-2"])


def test_a_refusal_that_cannot_be_kept_stops_the_run(work: Import) -> None:
    records = [row("OLD-1", expertEmail="nobody@acme.example"), *rows(4, 2)]
    (work.folder / "rejected").mkdir()
    run = work.run(records, rejected_path="rejected", code=1)
    assert "'rejected_path'" in run.errors[0]
    assert (run.states, run.counts()["failed"]) == ([], 1)
    assert work.run(records, code=3).counts()["rejected"] == 1


def test_half_a_line_of_rejected_records_spoils_no_other(work: Import) -> None:
    path = work.folder / "license-rejected.jsonl"
    path.write_bytes(b'{"time":"2026')
    work.run([row(users="x")], code=3)
    first, second = path.read_text().splitlines()
    assert first == '{"time":"2026'
    assert json.loads(second)["key"] == "OLD-1"


def test_input_that_does_not_fit_is_told(work: Import) -> None:
    records = [row(f"OLD-{number}", city="x" * 2000) for number in range(20)]
    run = work.end(work.start(records, first=FULL.format(size=16_000)))
    assert run.code == 1
    (line,) = run.errors
    assert "cannot keep the input" in line
    assert work.calls == []


@pytest.mark.parametrize("link", [False, True])
def test_two_runs_at_once_import_once(work: Import, link: bool) -> None:
    work.sandbox.gates.hold("after-store", kind="license")
    one = work.start(rows(5))
    work.sandbox.gates.wait(20)
    folder = work.folder / "second"
    folder.mkdir()
    path = work.folder / RESULTS
    if link:
        (folder / RESULTS).symlink_to(path)
        path = folder / RESULTS
    with processes("target-atlassian-marketplace", ()) as others:
        second = Import(others, folder, work.sandbox)
        refused = second.run(rows(5), results_path=str(path), code=1)
        assert "another run uses" in refused.errors[0]
        assert len(work.sandbox.license_service.licenses) == 1
        assert second.run(rows(5), results_path=str(path), dry_run=True).states == []
        work.sandbox.gates.clear()
        assert work.end(one).counts() == {"delivered": 5}
        assert second.run(rows(5), results_path=str(path)).counts() == {"unchanged": 5}
    work.check_keys(IDS)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"rejected_path": RESULTS}, "'rejected_path'"),
        ({"rejected_path": f"x/../{ATTEMPTS}"}, "'rejected_path'"),
        ({"rejected_path": "license-results.unverified.jsonl"}, "'rejected_path'"),
        ({"results_path": "results"}, "'results_path'"),
        ({"results_path": "/dev/null/results.jsonl"}, "'results_path'"),
        ({"results_path": "folder.jsonl"}, "'results_path'"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_before_anything_is_sent(
    work: Import, settings: dict[str, str], says: str
) -> None:
    (work.folder / "folder.jsonl").mkdir()
    assert says in work.run(rows(1), code=1, **settings).errors[0]
    assert work.calls == []


def test_files_that_others_could_read_are_taken_from_them(work: Import) -> None:
    names = [RESULTS, ATTEMPTS, "license-rejected.jsonl", "license-results.dry-run.jsonl"]
    for name in names:
        (work.folder / name).touch(0o644)
        (work.folder / name).chmod(0o644)
    work.run([row("OLD-1"), row("OLD-2", users="x")], code=3)
    work.run([row("OLD-3")], dry_run=True)
    assert {oct((work.folder / name).stat().st_mode & 0o777) for name in names} == {"0o600"}
