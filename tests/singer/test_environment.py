from __future__ import annotations

import os

import pytest

from marketplace_singer import SettingsError
from marketplace_singer.environment import settings_from_environment

SCHEMA = {
    "properties": {
        "name": {"type": ["string", "null"]},
        "wanted": {"type": ["boolean", "null"]},
        "days": {"type": ["integer", "null"]},
        "share": {"type": "number"},
        "names": {"type": ["array", "null"], "items": {"type": "string"}},
        "mapping": {"type": ["object", "string", "null"]},
    }
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("name", "12", "12"),
        ("name", "", ""),
        ("wanted", " Yes ", True),
        ("wanted", "0", False),
        ("days", "-3", -3),
        ("share", "2.5", 2.5),
        ("names", '["a"]', ["a"]),
        ("mapping", "map.yml", "map.yml"),
        ("mapping", ' {"streams": {}}', {"streams": {}}),
    ],
)
def test_values(monkeypatch, name, text, value):
    monkeypatch.setenv(f"X_{name.upper()}", text)
    assert settings_from_environment(SCHEMA, "X_") == {name: value}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("wanted", "maybe", "true or false"),
        ("days", "3.5", "a number"),
        ("share", "half", "a number"),
        ("names", "[secret", "JSON"),
        ("mapping", "{secret", "JSON"),
    ],
)
def test_what_does_not_fit_is_refused_and_not_quoted(monkeypatch, name, text, expected):
    monkeypatch.setenv(f"X_{name.upper()}", text)
    with pytest.raises(SettingsError) as caught:
        settings_from_environment(SCHEMA, "X_")
    assert str(caught.value) == f"environment variable X_{name.upper()}: expected {expected}"


@pytest.mark.parametrize(("wrong", "right"), [("X_WANTEDD", "X_WANTED"), ("X_MAP_PING", "X_MAPPING")])
def test_a_variable_that_is_written_wrong_is_refused(tmp_path, monkeypatch, wrong, right):
    said = f"environment variable {wrong} is not known; did you mean {right}[?]"
    (tmp_path / ".env").write_text(f"{wrong}=secret\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=said):
        settings_from_environment(SCHEMA, "X_")
    (tmp_path / ".env").unlink()
    monkeypatch.setenv(wrong, "secret")
    with pytest.raises(SettingsError, match=said):
        settings_from_environment(SCHEMA, "X_")


@pytest.mark.parametrize("variable", ["X__SELECT", "X_CUSTOMERS_DAYS", "X_LOGLEVEL"])
def test_a_variable_of_somebody_else_is_left_alone(monkeypatch, variable):
    monkeypatch.setenv(variable, "anything")
    assert settings_from_environment(SCHEMA, "X_") == {}


@pytest.mark.parametrize("name", ["wanted", "days", "share", "names"])
def test_a_line_that_nobody_filled_in_is_not_set(monkeypatch, name):
    monkeypatch.setenv(f"X_{name.upper()}", " ")
    assert settings_from_environment(SCHEMA, "X_") == {}


def test_the_file_env_gives_what_the_environment_does_not(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("X_DAYS=1\nX_SHARE=2\n", encoding="utf-8")
    monkeypatch.setenv("X_DAYS", "7")
    monkeypatch.delenv("X_SHARE", raising=False)
    assert settings_from_environment(SCHEMA, "X_") == {"days": 7, "share": 2.0}


def test_nothing_else_is_taken_from_the_file_env(tmp_path, monkeypatch):
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    (tmp_path / ".env").write_text("HTTPS_PROXY=http://evil.example\nX_NAME=a\n", encoding="utf-8")
    assert settings_from_environment(SCHEMA, "X_") == {"name": "a"}
    assert "HTTPS_PROXY" not in os.environ
    assert "X_NAME" not in os.environ


def test_no_file_of_a_directory_above_is_read(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("X_NAME=planted\n", encoding="utf-8")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert settings_from_environment(SCHEMA, "X_") == {}


def test_a_file_that_is_no_text_is_named_and_not_quoted(tmp_path):
    (tmp_path / ".env").write_bytes(b"X_NAME=\xff\xfesecret\n")
    with pytest.raises(SettingsError, match=r"^\.env cannot be read \(UnicodeDecodeError\)"):
        settings_from_environment(SCHEMA, "X_")
