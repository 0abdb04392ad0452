"""What is wrong with a configuration is said once for each setting, and never with a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator

from marketplace_singer import SettingsError
from marketplace_singer.settings import misspelt, without_value

if TYPE_CHECKING:
    import logging

PLUGINS = {
    "tap_atlassian_marketplace.tap": "TapAtlassianMarketplace",
    "target_journy.target": "TargetJourny",
    "target_atlassian_marketplace.target": "TargetAtlassianMarketplace",
}
SCHEMA = {
    "required": ["email", "email_password"],
    "properties": {"days": {"type": ["integer", "null"]}, "kind": {"enum": ["a", "b"]}},
}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, ["setting 'email' is missing", "setting 'email_password' is missing"]),
        ({"email": "secret"}, ["setting 'email_password' is missing"]),
        ({"email_password": "secret"}, ["setting 'email' is missing"]),
        ({"email": "", "email_password": "", "days": "secret"}, ["setting 'days': expected integer"]),
        ({"email": "", "email_password": "", "kind": "secret"}, ["setting 'kind': expected one of a, b"]),
    ],
)
def test_each_setting_is_named_once(config: dict[str, Any], said: list[str]) -> None:
    assert [without_value(error) for error in Draft7Validator(SCHEMA).iter_errors(config)] == said


@pytest.fixture(params=PLUGINS)
def plugin(request: pytest.FixtureRequest) -> type[Any]:
    found = pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    return getattr(found, PLUGINS[request.param])


REQUIRED = {"email": "me@example.com", "api_token": "none", "app_key": "com.example.one", "api_key": "none"}


@pytest.mark.parametrize("wrong", ["apiurl", "API_URL", "api_urll"])
def test_a_setting_that_is_written_wrong_is_refused(plugin: type[Any], wrong: str) -> None:
    config = {name: value for name, value in REQUIRED.items() if name in plugin.config_jsonschema["properties"]}
    with pytest.raises(SettingsError, match=f"setting '{wrong}' is not known; did you mean 'api_url'") as refused:
        plugin(config={**config, wrong: "secret"})
    assert "secret" not in str(refused.value)


def test_a_setting_that_is_like_none_is_told_and_ignored(plugin: type[Any], caplog: pytest.LogCaptureFixture) -> None:
    config = {name: value for name, value in REQUIRED.items() if name in plugin.config_jsonschema["properties"]}
    plugin(config={**config, "zzz": "secret", "add_record_metadata": True})
    assert [told(record) for record in caplog.records if "zzz" in told(record) or "metadata" in told(record)] == [
        "Setting 'zzz' is not known and has no effect."
    ]


def test_a_name_that_is_only_alike_was_not_meant() -> None:
    assert misspelt("app_key", ["api_key", "transport"]) is None


def told(record: logging.LogRecord) -> str:
    return record.getMessage()
