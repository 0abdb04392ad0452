"""What journy.io accepts as a request body; each finding names its field by a dotted path."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

MAX_MEMBERS = 100
"""Users that one membership call may name."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)
_EVENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})")

Errors = dict[str, str]


def upsert(body: dict[str, Any], identification: Callable[[Any, str, Errors], None]) -> Errors:
    """Findings in the body of an account or user upsert."""
    errors = _keys(body, required=("identification",), optional=("properties",))
    if "identification" in body:
        identification(body["identification"], "identification", errors)
    properties = body.get("properties", {})
    if not isinstance(properties, dict):
        errors["properties"] = "Expected an object."
        return errors
    for name, value in properties.items():
        if not name.strip():
            errors["properties"] = "A property needs a name."
        elif not _is_property(value):
            errors[f"properties.{name}"] = "Expected a string, boolean, number or an array of non-empty strings."
    return errors


def deletion(body: dict[str, Any], identification: Callable[[Any, str, Errors], None]) -> Errors:
    """Findings in the body that says which account or user to delete."""
    errors = _keys(body, required=("identification",))
    if "identification" in body:
        identification(body["identification"], "identification", errors)
    return errors


def membership(body: dict[str, Any]) -> Errors:
    """Findings in the body of a call that adds users to an account or removes them."""
    errors = _keys(body, required=("account", "users"))
    if "account" in body:
        account(body["account"], "account", errors)
    users = body.get("users", [])
    if not isinstance(users, list):
        errors["users"] = "Expected an array."
    elif len(users) > MAX_MEMBERS:
        errors["users"] = f"Expected at most {MAX_MEMBERS} users."
    else:
        for at, entry in enumerate(users):
            if not isinstance(entry, dict) or set(entry) != {"identification"}:
                errors[f"users.{at}"] = "Expected an object with identification."
            else:
                user(entry["identification"], f"users.{at}.identification", errors)
    return errors


def event(body: dict[str, Any]) -> Errors:
    """Findings in the body of an event."""
    errors = _keys(body, required=("identification", "name"), optional=("metadata", "triggeredAt"))
    if "identification" in body:
        _event_identification(body["identification"], errors)
    name = body.get("name")
    if "name" in body and not (isinstance(name, str) and _EVENT_NAME.fullmatch(name)):
        errors["name"] = "Expected an event name."
    if "triggeredAt" in body and not is_datetime(body["triggeredAt"]):
        errors["triggeredAt"] = "Expected a datetime (ISO 8601)."
    metadata = body.get("metadata", {})
    if not isinstance(metadata, dict):
        errors["metadata"] = "Expected an object."
        return errors
    for key, value in metadata.items():
        if not isinstance(value, (str, bool)) and not _is_number(value):
            errors[f"metadata.{key}"] = "Expected a string, boolean or number."
    return errors


def user(value: Any, path: str, errors: Errors) -> None:
    """Add what is wrong with a user's identification."""
    _identification(value, path, errors, {"userId": _is_id, "email": _is_email})


def account(value: Any, path: str, errors: Errors) -> None:
    """Add what is wrong with an account's identification."""
    _identification(value, path, errors, {"accountId": _is_id, "domain": _is_domain})


def is_datetime(value: Any) -> bool:
    """Whether a value is an ISO 8601 date with time and zone."""
    if not isinstance(value, str) or not _DATETIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value[:19] if len(value) > 19 and value[16] == ":" else value[:16])
    except ValueError:
        return False
    return True


def _event_identification(value: Any, errors: Errors) -> None:
    if not isinstance(value, dict) or not value or set(value) - {"user", "account"}:
        errors["identification"] = "Expected an object with user, account or both."
        return
    if "user" in value:
        user(value["user"], "identification.user", errors)
    if "account" in value:
        account(value["account"], "identification.account", errors)


def _identification(value: Any, path: str, errors: Errors, fields: dict[str, Callable[[Any], bool]]) -> None:
    if not isinstance(value, dict) or not value:
        errors[path] = f"Expected an object with {' or '.join(fields)}."
        return
    for key, given in value.items():
        if key not in fields:
            errors[f"{path}.{key}"] = "Unknown field."
        elif not fields[key](given):
            errors[f"{path}.{key}"] = f"Not a valid {key}."


def _keys(body: dict[str, Any], *, required: Collection[str], optional: Collection[str] = ()) -> Errors:
    errors = {key: "Required." for key in required if key not in body}
    errors.update({key: "Unknown field." for key in body if key not in (*required, *optional)})
    return errors


def _is_property(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(entry, str) and entry for entry in value)
    return value is None or isinstance(value, (str, bool)) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and value == value.strip()


def _is_email(value: Any) -> bool:
    return isinstance(value, str) and bool(_EMAIL.fullmatch(value))


def _is_domain(value: Any) -> bool:
    return isinstance(value, str) and bool(_DOMAIN.fullmatch(value))
