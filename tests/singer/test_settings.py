"""What is wrong with a configuration is said once for each setting, and never with a value."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from marketplace_singer.settings import without_value

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
