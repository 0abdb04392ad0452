"""How far a run is: lines in a log, a bar on a person's terminal, and nothing on stdout."""

from __future__ import annotations

import io
import logging
import threading

import pytest

from marketplace_singer import HowFar, telling, told

LOGGER = logging.getLogger("a-plugin")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def at_a_desk(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_line_for_a_log(caplog, capsys):
    caplog.set_level(logging.INFO)
    with told(lambda: HowFar("1 of 3 exports are here"), LOGGER, to=io.StringIO()) as (seconds, tell):
        assert seconds == 15
        assert not caplog.records
        tell()
    (record,) = caplog.records
    assert record.getMessage() == "Waiting for 0 s: 1 of 3 exports are here."
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("total", [4, None])
def test_a_bar_for_a_person_that_vanishes(caplog, capsys, total):
    caplog.set_level(logging.INFO)
    terminal = Terminal()
    with told(lambda: HowFar("2 of [4] are here", 2, total), LOGGER, to=terminal) as (seconds, tell):
        assert seconds < 1
        tell()
    assert "2 of [4] are here" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")  # the line is empty again
    assert not caplog.records
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("variable", "value"), [("CI", "true"), ("TERM", "dumb")])
def test_no_bar_where_nobody_looks(caplog, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    caplog.set_level(logging.INFO)
    terminal = Terminal()
    with told(lambda: HowFar("all is here"), LOGGER, to=terminal) as (seconds, tell):
        assert seconds == 15
        tell()
    assert terminal.getvalue() == ""
    assert len(caplog.records) == 1


def test_it_is_told_beside_the_work_and_not_after_it(caplog, monkeypatch):
    monkeypatch.setattr("marketplace_singer.progress._SECONDS_BETWEEN_LINES", 0.01)
    caplog.set_level(logging.INFO)
    asked, before = threading.Event(), set(threading.enumerate())

    def how_far():
        asked.set()
        return HowFar("7 records read")

    with telling(how_far, LOGGER, doing="Loading", to=io.StringIO()):
        assert asked.wait(20)
    assert set(threading.enumerate()) <= before
    lines = {record.getMessage() for record in caplog.records}
    assert "Loading for 0 s: 7 records read." in lines


def test_what_is_wrong_with_the_work_comes_out(caplog):
    with pytest.raises(KeyError), telling(lambda: HowFar(""), LOGGER, doing="Loading", to=io.StringIO()):
        raise KeyError
