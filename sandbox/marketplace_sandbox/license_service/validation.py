"""What the License Service refuses, and what it takes although the licence comes out faulty.

Like the real one, it refuses little: a wrong country, date or number of users is no reason for an error.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.license_service.countries import ISO_CODES, UNAUTHORISED
from marketplace_sandbox.world.ordinary import EXPERT_DOMAINS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUIRED = (
    "id",
    "email",
    "firstName",
    "lastName",
    "organisationName",
    "isoCountryCode",
    "startDate",
    "endDate",
    "licenseType",
    "users",
)
"""Fields without which nothing is imported; null and the empty text count as left out."""

OPTIONAL = ("address1", "address2", "city", "state", "postcode", "expertEmail")
"""The other fields that the API has."""

CLOSED_DAYS = 30
"""A licence may start before so many days before today, or after today, not between; both ends are closed."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LICENSE_TYPES = ("COMMERCIAL", "ACADEMIC")
_UNLIMITED = -1


def refusals(body: dict[str, Any], today: date) -> list[tuple[str, str]]:
    """Why a licence is not imported, as pairs of field and message; none if it is.

    Args:
        body: What is to be imported.
        today: The date in Sydney, where a licence starts at midnight.
    """
    found = [(field, f"{field} is required.") for field in REQUIRED if _is_left_out(body.get(field))]
    start = _day(body.get("startDate"))
    if start and today - timedelta(days=CLOSED_DAYS) <= start <= today:
        found.append(("startDate", f"startDate must not be within the last {CLOSED_DAYS} days."))
    expert = body.get("expertEmail")
    if not _is_left_out(expert) and not _is_experts(expert):
        found.append(("expertEmail", "expertEmail does not belong to an Atlassian Solution Partner."))
    return found


def flaws(body: dict[str, Any]) -> list[str]:
    """What makes an imported licence faulty, one line each that begins with the field; none if it is sound."""
    return [f"{field}: {flaw}" for field, flaw in _flaws(body)]


def _flaws(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for field, value in body.items():
        flaw = None if field == "users" or value is None else _flaw_of_text(value)
        if field not in (*REQUIRED, *OPTIONAL):
            flaw = "no field of the API"
        if flaw:
            yield field, flaw
    for field, (is_right, flaw) in _FORMATS.items():
        if not is_right(body[field]):
            yield field, flaw
    if _is_country(body["isoCountryCode"]) and body["isoCountryCode"] in UNAUTHORISED:
        yield "isoCountryCode", "the Marketplace does not sell there"
    start, end = _day(body["startDate"]), _day(body["endDate"])
    if start and end and end <= start:
        yield "endDate", "not after startDate"


def _flaw_of_text(value: Any) -> str | None:
    if not isinstance(value, str):
        return "not text"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "not Unicode"
    return "blank" if value and not value.strip() else None


def _is_left_out(value: Any) -> bool:
    return value is None or value == ""


def _is_email(value: Any) -> bool:
    return isinstance(value, str) and bool(_EMAIL.fullmatch(value))


def _is_experts(value: Any) -> bool:
    return _is_email(value) and value.rpartition("@")[2].lower() in EXPERT_DOMAINS


def _is_country(value: Any) -> bool:
    return isinstance(value, str) and value in ISO_CODES


def _is_number_of_users(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and (value >= 1 or value == _UNLIMITED)


def _day(value: Any) -> date | None:
    """The date that a text names; None if it is none as the API asks for it."""
    # `fromisoformat` alone also takes other spellings.
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


_FORMATS: dict[str, tuple[Callable[[Any], object], str]] = {
    "email": (_is_email, "no e-mail address"),
    "isoCountryCode": (_is_country, "not two capital letters of ISO 3166-1"),
    "startDate": (_day, "no date yyyy-MM-dd"),
    "endDate": (_day, "no date yyyy-MM-dd"),
    "licenseType": (_LICENSE_TYPES.__contains__, f"none of {', '.join(_LICENSE_TYPES)}"),
    "users": (_is_number_of_users, f"no whole number from 1 on, nor {_UNLIMITED}"),
}
