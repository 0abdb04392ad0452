"""How far the exports are is told while the tap waits."""

from __future__ import annotations

import pytest

from marketplace_singer import HowFar

server = pytest.importorskip("marketplace_sandbox.server", reason="the sandbox is not installed")


@pytest.fixture(scope="module")
def sandbox():
    with server.running() as running:
        yield running


def test_a_run_tells_while_it_waits(tap, config, sandbox, monkeypatch):
    monkeypatch.setattr("marketplace_singer.progress._SECONDS_BETWEEN_LINES", 0.05)
    sandbox.gates.hold("mid-answer", kind="download", times=1)
    told_lines = []

    def count(spool):
        told_lines.append(spool)
        if len(told_lines) == 3:
            sandbox.gates.release()
        return HowFar("0 of 3 exports are here")

    monkeypatch.setattr("tap_atlassian_marketplace.spool.Spool._how_far", count)
    try:
        result = tap(config)
    finally:
        sandbox.gates.clear()
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("0 of 3 exports are here") >= 3
    assert "exports are here" not in result.stdout


def test_what_came_is_counted_by_file_and_by_export(tap, config, sandbox, monkeypatch):
    monkeypatch.setattr("marketplace_singer.progress._SECONDS_BETWEEN_LINES", 0.05)
    sandbox.faults.add("slow", kind="download", path="/sales/", times=1, seconds=0.5)
    try:
        result = tap(config)
    finally:
        sandbox.faults.clear()
    assert result.returncode == 0, result.stderr
    assert "2 of 3 exports are here, 0." in result.stderr
