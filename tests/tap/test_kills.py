"""Killed hard at any point and run again, the tap ends as if it had not been killed, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.tap.command import settings
from tests.tap.fake_marketplace import Output

pytestmark = pytest.mark.long

server = pytest.importorskip("marketplace_sandbox.server", reason="the sandbox is not installed")

# Runs the tap, and kills it the moment it is about to write its n-th message of a kind.
KILLED_BEFORE = """
import os, signal, sys
from tap_atlassian_marketplace.__main__ import main
from tap_atlassian_marketplace.writing import RecordWriter

kind, left = sys.argv.pop(1), int(sys.argv.pop(1))
write = RecordWriter.write_message

def write_message(self, message):
    global left
    left -= message.type.value == kind
    if not left:
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, message)

RecordWriter.write_message = write_message
main()
"""

KEYS = {
    "licenses": ["id"],
    "contacts": ["license_id", "role"],
    "transactions": ["transactionId", "transactionLineItemId"],
}


@pytest.fixture(scope="module")
def sandbox():
    with server.running(customers=2) as running:
        yield running


@pytest.fixture
def begin(config, tmp_path):
    """Start the tap in a process of its own."""
    processes = []

    def start(state, *program):
        for name, content in (("config", config), ("state", state)):
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        command = [sys.executable, *program, "--config", f"{tmp_path}/config.json", "--state", f"{tmp_path}/state.json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=20)


def content(*outputs):
    """What a loader that overwrites by key holds after some outputs."""
    return {
        (name, tuple(record[key] for key in keys)): record
        for output in outputs
        for name, keys in KEYS.items()
        for record in output.records(name)
    }


@pytest.fixture(scope="module")
def undisturbed(sandbox, tmp_path_factory):
    """Content and bookmarks of a run that nothing happened to."""
    directory = tmp_path_factory.mktemp("undisturbed")
    path = directory / "config.json"
    path.write_text(json.dumps(settings(sandbox, directory)))
    command = [sys.executable, "-m", "tap_atlassian_marketplace", "--config", str(path)]
    output = Output(subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout)
    return content(output), output.bookmarks


def resume(begin, killed, undisturbed, spool):
    """Run the tap again from the last state that the killed run wrote; its content and bookmarks must be as ever."""
    assert len(list(spool.iterdir())) == 1
    again = begin(killed.state, "-m", "tap_atlassian_marketplace")
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    output = Output(out)
    assert (content(killed, output), output.bookmarks) == undisturbed
    # A table is activated once, by the run that has read all of it.
    assert {*activated(killed), *activated(output)} == set(KEYS)
    assert set(activated(output)) == {*KEYS} - {*moved(killed)}
    assert list(spool.iterdir()) == []


def activated(output):
    """The streams whose older rows were declared gone."""
    return [message["stream"] for message in output.messages if message["type"] == "ACTIVATE_VERSION"]


def moved(output):
    """The streams that have a bookmark."""
    return [name for name, entry in output.state.get("bookmarks", {}).items() if entry]


@pytest.mark.parametrize("report", ["licenses", "sales/transactions"])
def test_killed_during_a_download(begin, sandbox, undisturbed, tmp_path, report):
    sandbox.gates.hold("mid-answer", side="marketplace", kind="download", path=f"/{report}/")
    try:
        process = begin({}, "-m", "tap_atlassian_marketplace")
        assert sandbox.gates.wait(20)
        lines = [process.stdout.readline()]
        # The stream that needs no more of the download is complete by then, with its bookmark.
        while report == "sales/transactions" and '"contacts":{"replication_key"' not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1]
        process.kill()
        rest = process.stdout.read()  # communicate() would pass over what readline() has taken in
        process.wait(20)
    finally:
        sandbox.gates.clear()
    assert process.returncode == -9
    killed = Output("".join(lines) + rest)
    assert moved(killed) == (["licenses", "contacts"] if report == "sales/transactions" else [])
    resume(begin, killed, undisturbed, tmp_path / "spool")


@pytest.mark.parametrize(
    ("kind", "number", "bookmarks"),
    [
        ("SCHEMA", 1, 0),  # before anything
        ("ACTIVATE_VERSION", 1, 0),  # all licences, and not yet that they are all
        ("STATE", 1, 0),  # and not yet their bookmark
        ("SCHEMA", 2, 1),  # between licences and contacts
        ("STATE", 2, 1),
        ("SCHEMA", 3, 2),  # between contacts and transactions
        ("STATE", 3, 2),
    ],
)
def test_killed_between_messages(begin, undisturbed, tmp_path, kind, number, bookmarks):
    process = begin({}, "-c", KILLED_BEFORE, kind, str(number))
    out, err = process.communicate(timeout=60)
    assert process.returncode == -9, err
    killed = Output(out)
    assert moved(killed) == list(KEYS)[:bookmarks]
    resume(begin, killed, undisturbed, tmp_path / "spool")
