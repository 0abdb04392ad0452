"""Records that name a person who has to be forgotten are erased from the file, and nothing else is."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from marketplace_singer import SettingsError
from marketplace_singer.quarantine import Quarantine

if TYPE_CHECKING:
    from pathlib import Path

ANN = "ann@acme.com"


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("text", "is_hers"),
    [
        (ANN, True),
        ("Ann@Acme.com", True),
        (f"Ann Lee <{ANN}>, urgent", True),
        (f"see {ANN}.", True),
        (f"people:{ANN}", True),
        (f"jo{ANN}", False),
        (f"jo.{ANN}", False),
        (f"x+{ANN}", False),
        (f"{ANN}.au", False),
        (f"{ANN}-x", False),
        ("annXacmeXcom", False),
        (f"Acme Ltd\n{ANN}", True),
        (f"Acme Ltd\t{ANN}\r\n", True),
        (f"C:\\n{ANN}", False),
    ],
)
def test_who_is_meant(tmp_path: Path, text: str, is_hers: bool) -> None:
    quarantine = Quarantine(tmp_path / "rejected.jsonl")
    quarantine.add("s", "1", {"contact": {"email": text}}, "No.")
    before = lines(quarantine.path or tmp_path)
    assert quarantine.forget([ANN]) == is_hers
    assert ("erased" in lines(tmp_path / "rejected.jsonl")[0]["reason"]) == is_hers
    assert is_hers or lines(tmp_path / "rejected.jsonl") == before


@pytest.mark.parametrize(
    ("record", "is_theirs"),
    [
        ({"user": "7"}, True),
        ({"users": ["8", "7"]}, True),
        ({"size": 7, "street": "Main 7"}, False),
        ({"7": "a size", "quoted": 'say "7", "7"', "like": "77"}, False),
    ],
)
def test_an_id_is_meant_only_where_it_is_a_whole_value(tmp_path: Path, record: dict[str, Any], is_theirs: bool) -> None:
    quarantine = Quarantine(tmp_path / "rejected.jsonl")
    quarantine.add("clients", "C7", record, "No 7.")
    assert quarantine.forget(["7"]) == is_theirs


@pytest.mark.parametrize("record", [{"user": "JÜRGEN@acme.com"}, {"jürgen@Acme.com": 1}, [["Jürgen@acme.com\n"]]])
def test_letters_beyond_ascii_are_meant_in_any_case(tmp_path: Path, record: Any) -> None:
    path = tmp_path / "rejected.jsonl"
    Quarantine(path).add("clients", "1", record, "No.")
    with path.open("ab") as file:
        file.write('{"torn": "JÜRGEN@acme.com'.encode())
    assert Quarantine(path).forget(["jürgen@acme.com"]) == 2


def test_what_asks_for_something_to_be_done_by_hand_stays(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "rejected.jsonl")
    quarantine.add("roles", "1", {"user": ANN}, "Delete her by hand.", by_hand=True)
    quarantine.add("roles", "2", {"user": ANN}, "No.")
    assert quarantine.forget([ANN]) == 1
    first, second = lines(tmp_path / "rejected.jsonl")
    assert (first["record"], "record" in second) == ({"user": ANN}, False)


def test_all_else_stays_byte_for_byte_and_the_file_its_own(tmp_path: Path) -> None:
    path = tmp_path / "rejected.jsonl"
    for number, email in enumerate([ANN, "bob@acme.com", f"jo{ANN}", ANN, 'o"neil@acme.com']):
        Quarantine(path).add("people", email, {"email": email, "number": number}, "No.")
    with path.open("ab") as file:
        file.write(b'{"torn": "ann@acme.com')
    before, node = path.read_bytes().split(b"\n"), path.stat().st_ino
    assert Quarantine(path).forget([ANN, 'o"neil@acme.com']) == 4
    after = path.read_bytes().split(b"\n")
    assert (path.stat().st_ino, path.stat().st_mode & 0o777) == (node, 0o600)
    assert [len(line) for line in after] == [len(line) for line in before]
    assert [after[1], after[2]] == [before[1], before[2]]
    assert ANN.encode() not in path.read_bytes().replace(f"jo{ANN}".encode(), b"")
    assert Quarantine(path).forget([ANN]) == 0


def test_others_may_add_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "rejected.jsonl"

    def add() -> None:
        for number in range(100):
            Quarantine(path).add("people", str(number), {"email": ANN if number % 2 else "bob@acme.com"}, "No.")

    others = [threading.Thread(target=add) for _ in range(2)]
    for other in others:
        other.start()
    while any(other.is_alive() for other in others):
        Quarantine(path).forget([ANN])
        others[0].join(0.001)
    Quarantine(path).forget([ANN])
    found = lines(path)
    assert len(found) == 200
    assert [line["record"]["email"] for line in found if "record" in line] == ["bob@acme.com"] * 100


OTHER = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_APPEND)
fcntl.flock(descriptor, fcntl.LOCK_EX)
os.write(descriptor, b'{"reason": "%b", "user": "ann@' % (b"No. " * 20))
print(flush=True)
sys.stdin.readline()
os.write(descriptor, b'acme.com"}' + bytes([10]))
"""


@pytest.mark.parametrize("what", ["add", "forget"])
def test_half_a_line_of_another_process_is_waited_for(tmp_path: Path, what: str) -> None:
    path = tmp_path / "rejected.jsonl"
    Quarantine(path).add("s", "1", {}, "No.")
    arguments = {"add": ("s", "2", {}, "No."), "forget": ([ANN],)}[what]
    mine = threading.Thread(target=getattr(Quarantine(path), what), args=arguments)
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin
        assert other.stdout
        other.stdout.readline()
        mine.start()
        mine.join(0.3)
        assert mine.is_alive()
        other.stdin.write("\n")
        other.stdin.flush()
        mine.join(30)
        assert not mine.is_alive()
        assert other.wait(30) == 0
    found = lines(path)
    assert len(found) == (3 if what == "add" else 2)
    assert ("erased" in str(found[1])) == (what == "forget")


def test_half_a_line_of_a_killed_process_stays_on_its_own(tmp_path: Path) -> None:
    path = tmp_path / "rejected.jsonl"
    path.write_bytes(b'{"torn": "x')
    Quarantine(path).add("s", "1", {}, "No.")
    first, second = path.read_text().splitlines()
    assert (first, json.loads(second)["key"]) == ('{"torn": "x', "1")


def test_a_full_disk_leaves_no_half_of_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rejected.jsonl"
    Quarantine(path).add("s", "1", {}, "No.")
    before, cut = path.read_bytes(), os.ftruncate
    held = []

    def truncate(descriptor: int, size: int) -> None:
        with path.open() as other, suppress(BlockingIOError):
            held.append(path.stat().st_size > len(before))
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            pytest.fail("another process could have added a line by now")
        cut(descriptor, size)

    monkeypatch.setattr(os, "ftruncate", truncate)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, hard))
    try:
        with pytest.raises(SettingsError, match=r"'rejected_path': cannot write .*File too large"):
            Quarantine(path).add("s", "2", {}, "No.")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert held == [True]  # some of it was written
    assert path.read_bytes() == before


def test_nothing_to_do(tmp_path: Path) -> None:
    assert Quarantine(None).forget([ANN]) == 0
    assert Quarantine(tmp_path / "none.jsonl").forget([ANN]) == 0
    assert not (tmp_path / "none.jsonl").exists()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "rejected.jsonl").mkdir()
    with pytest.raises(SettingsError, match="'rejected_path'"):
        Quarantine(tmp_path / "rejected.jsonl").forget([ANN])
