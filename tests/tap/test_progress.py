"""How far the exports are is told while the tap waits: lines in a log, a bar on a terminal."""

from __future__ import annotations

import io
import logging

import pytest

from tap_atlassian_marketplace.progress import HowFar, told

server = pytest.importorskip("marketplace_sandbox.server", reason="the sandbox is not installed")


@pytest.fixture(scope="module")
def sandbox():
    with server.running() as running:
        yield running


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_line_for_a_log(caplog):
    caplog.set_level(logging.INFO)
    with told(lambda: HowFar(1, 3, 12_345_678), to=io.StringIO()) as (seconds, tell):
        assert seconds == 15
        assert not caplog.records
        tell()
    (record,) = caplog.records
    assert record.getMessage() == "Waiting for 0 s: 1 of 3 exports are here, 12.3 MB so far."


def test_a_bar_for_a_person_that_vanishes(caplog):
    terminal = Terminal()
    with told(lambda: HowFar(2, 4, 500_000), to=terminal) as (seconds, tell):
        assert seconds < 1
        tell()
    assert "2 of 4 exports are here, 0.5 MB so far" in terminal.getvalue()
    assert not caplog.records


def test_a_run_tells_while_it_waits(tap, config, sandbox, monkeypatch):
    monkeypatch.setattr("tap_atlassian_marketplace.progress._SECONDS_BETWEEN_LINES", 0.05)
    sandbox.gates.hold("mid-answer", kind="download", times=1)
    told_lines = []

    def count(spool):
        told_lines.append(spool)
        if len(told_lines) == 3:
            sandbox.gates.release()
        return HowFar(0, 3, 0)

    monkeypatch.setattr("tap_atlassian_marketplace.spool.Spool._how_far", count)
    try:
        result = tap(config)
    finally:
        sandbox.gates.clear()
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("0 of 3 exports are here") >= 3
    assert "exports are here" not in result.stdout


def test_what_came_is_counted_by_file_and_by_export(tap, config, sandbox, monkeypatch):
    monkeypatch.setattr("tap_atlassian_marketplace.progress._SECONDS_BETWEEN_LINES", 0.05)
    sandbox.faults.add("slow", kind="download", path="/sales/", times=1, seconds=0.5)
    try:
        result = tap(config)
    finally:
        sandbox.faults.clear()
    assert result.returncode == 0, result.stderr
    assert "2 of 3 exports are here, 0." in result.stderr
