"""What the License Service does not check itself: a faulty record makes a faulty licence, not an error."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pycountry
from email_validator import EmailNotValidError, validate_email

from target_atlassian_marketplace.fields import OPTIONAL, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LICENSE_TYPES = ("COMMERCIAL", "ACADEMIC")
UNLIMITED_USERS = -1
REFUSED_DAYS = 30
"""The service refuses licences that began in the last so many days."""

RECENT_START = f"startDate: it is within the last {REFUSED_DAYS} days or today (in Sydney), which the service refuses"
"""The problem that a record comes to have with time."""

_SYDNEY = ZoneInfo("Australia/Sydney")
_MOST_USERS = 2**31 - 1
_JOINERS = "\u200c\u200d"  # invisible, but part of how some languages are written
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters by their class, but nothing to be seen
_LOST = "\ufffd"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"-1|[0-9]{1,10}")


@dataclass(frozen=True)
class Rules:
    """What depends on the settings.

    Attributes:
        country_codes: The countries that may buy, as alpha-2 codes; empty for all.
        user_tiers: The tiers of the host product, in users; another number is worth a warning. Empty for any.
        allow_future_start: Licences may begin after today.
        today: Gives the day on which the check is made, in Sydney, where the service's midnight is.
    """

    country_codes: frozenset[str] = frozenset()
    user_tiers: frozenset[int] = frozenset()
    allow_future_start: bool = False
    today: Callable[[], dt.date] = lambda: dt.datetime.now(_SYDNEY).date()


@dataclass(frozen=True)
class Checked:
    """The outcome of a check.

    Attributes:
        request: What to send, if there is no problem.
        problems: Why it must not be sent: each names its field and quotes no value.
        warnings: What is odd, but no reason to hold the record back.
    """

    request: dict[str, Any]
    problems: list[str]
    warnings: list[str]


class _ProblemError(Exception):
    """A value breaks its rule."""


def check(values: Mapping[str, Any], rules: Rules) -> Checked:
    """Check the fields of a licence against all rules at once.

    Args:
        values: The fields that have a value, by their documented names.
        rules: What depends on the settings.
    """
    request: dict[str, Any] = {}
    problems: list[str] = []
    for field in (*REQUIRED, *OPTIONAL):
        if field not in values:
            if field in REQUIRED:
                problems.append(f"{field}: it is missing")
            continue
        value_of: Callable[[Any], Any] = _CHECKS.get(field, _text)
        try:
            request[field] = value_of(values[field])
        except _ProblemError as problem:
            problems.append(f"{field}: {problem}")
    problems += _problems_of_country(request, rules) + _problems_of_dates(request, rules)
    return Checked(request, problems, _warnings(request, rules))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _ProblemError("expected text")
    if value != value.strip() or not value:
        raise _ProblemError("it has blanks at its ends")
    if any(character not in _JOINERS and _is_no_text(unicodedata.category(character)) for character in value):
        raise _ProblemError("it holds characters that are no text, such as a line break or an invisible one")
    if _LOST in value:
        raise _ProblemError("a letter was lost when it was read: save the list as UTF-8")
    if not value.strip(_JOINERS + _BLANKS):
        raise _ProblemError("it holds nothing that can be seen")
    return value


def _is_no_text(category: str) -> bool:
    """Control and other invisible characters, unassigned ones, separators of lines and paragraphs."""
    return category[0] == "C" or category in {"Zl", "Zp"}


def _id(value: Any) -> str:
    text = _text(value)
    if not unicodedata.is_normalized("NFC", text):  # written the other way it would be another licence
        raise _ProblemError("expected accents that are one with their letters (Unicode NFC)")
    return text


def _email(value: Any) -> str:
    text = _text(value)
    try:
        validate_email(text, strict=True, allow_smtputf8=False, check_deliverability=False)
    except EmailNotValidError:
        raise _ProblemError("expected an e-mail address") from None
    if not text.isascii():  # a domain of other letters may only look like the customer's
        raise _ProblemError("expected an e-mail address in plain letters; a domain of others has a form in xn--")
    return text


def _country(value: Any) -> str:
    text = _text(value)
    if text not in _countries():
        raise _ProblemError("expected a country code of ISO 3166 with two capital letters, such as DE")
    return text


@cache
def _countries() -> frozenset[str]:
    return frozenset(country.alpha_2 for country in pycountry.countries)


def is_country(code: str) -> bool:
    """Whether a text is an alpha-2 code of ISO 3166."""
    return code in _countries()


def _date(value: Any) -> str:
    text = _text(value)
    if not _DATE.fullmatch(text):
        raise _ProblemError("expected a date such as 2026-01-31")
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        raise _ProblemError("there is no such day") from None
    return text


def _license_type(value: Any) -> str:
    if value not in LICENSE_TYPES:
        raise _ProblemError(f"expected {' or '.join(LICENSE_TYPES)}")
    return str(value)


def _users(value: Any) -> int:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = int(value)
    if type(value) is not int or not (1 <= value <= _MOST_USERS or value == UNLIMITED_USERS):
        raise _ProblemError(f"expected a number of users from 1, or {UNLIMITED_USERS} for no limit")
    return value


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "id": _id,
    "email": _email,
    "expertEmail": _email,
    "isoCountryCode": _country,
    "startDate": _date,
    "endDate": _date,
    "licenseType": _license_type,
    "users": _users,
}


def _problems_of_country(request: Mapping[str, Any], rules: Rules) -> list[str]:
    code = request.get("isoCountryCode")
    if code is None or not rules.country_codes or code in rules.country_codes:
        return []
    return ["isoCountryCode: it is none of the setting 'country_codes'"]


def _problems_of_dates(request: Mapping[str, Any], rules: Rules) -> list[str]:
    problems = []
    start, end = (
        dt.date.fromisoformat(request[name]) if name in request else None for name in ("startDate", "endDate")
    )
    if start:
        age = (rules.today() - start).days
        if 0 <= age <= REFUSED_DAYS:
            problems.append(RECENT_START)
        elif age < 0 and not rules.allow_future_start:
            problems.append("startDate: it is in the future; if that is meant, set 'allow_future_start'")
    if start and end and end <= start:
        problems.append("endDate: it is not after startDate")
    return problems


def _warnings(request: Mapping[str, Any], rules: Rules) -> list[str]:
    users = request.get("users")
    if users is None or not rules.user_tiers or users in rules.user_tiers:
        return []
    return ["users: the number is none of the setting 'user_tiers'"]
