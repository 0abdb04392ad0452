"""Each rule of each field, at its borders."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from tests.licence_import.rows import row

from target_atlassian_marketplace import validation
from target_atlassian_marketplace.fields import ALL, OPTIONAL, REQUIRED, field_of, pick
from target_atlassian_marketplace.validation import Rules, check

TODAY = dt.date(2026, 3, 31)
RULES = Rules(today=lambda: TODAY)


def problems(rules: Rules = RULES, **fields: Any) -> list[str]:
    """The fields that are wrong."""
    return [problem.partition(": ")[0] for problem in check(row(**fields), rules).problems]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "a"),
        ("id", "x" * 500),
        ("id", "Zoë-7"),
        ("email", "a+b@sub.acme.example"),
        ("email", "jane@ACME.example"),
        ("email", "jane@xn--mnchen-3ya.example"),
        ("firstName", "Zoë 李"),
        ("firstName", "Zoe\u0308"),
        ("lastName", "می\u200cخواهم"),
        ("organisationName", "A & B <Ltd>"),
        ("isoCountryCode", "GB"),
        ("isoCountryCode", "AQ"),
        ("endDate", "9999-12-31"),
        ("endDate", "2028-02-29"),
        ("startDate", "2000-02-29"),
        ("licenseType", "ACADEMIC"),
        ("users", 1),
        ("users", "1"),
        ("users", -1),
        ("users", "-1"),
        ("users", 2**31 - 1),
        ("postcode", "02134"),
        ("expertEmail", "a@partner.example"),
    ],
)
def test_what_is_right(field: str, value: Any) -> None:
    checked = check(row(**{field: value}), RULES)
    assert (checked.problems, checked.warnings) == ([], [])
    assert checked.request[field] == (int(value) if field == "users" else value)


TEXT = ("id", "firstName", "lastName", "organisationName", "address1", "address2", "city", "state", "postcode")
NO_TEXT = [7, 1.5, True, [], ["a"], {}, {"a": 1}, " ", " a", "a ", "\u00a0", "a\nb", "a\x00", "a\u2028b", "\u200b"]
NO_TEXT += [
    "\ufeff",
    "\u2060\u200d",
    "a\u200bb",
    "a\u202eb",
    "\ufeffa",
    "\u200d",
    "\u3164",
    "\u2800\u200d",
    "M\ufffdller",
]


@pytest.mark.parametrize("field", [*TEXT, "email", "expertEmail", "isoCountryCode", "startDate", "licenseType"])
@pytest.mark.parametrize("value", NO_TEXT)
def test_what_is_no_text(field: str, value: Any) -> None:
    assert problems(**{field: value}) == [field]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        (
            "email",
            [
                *("jane", "@acme.example", "jane@", "jane@acme", "jane@@acme.example", "jane@acme..example"),
                *("jane doe@acme.example", "Jane <jane@acme.example>", "jane@acme.example, joe@acme.example"),
                *("jane@acme.example.", ".jane@acme.example", "jane@-acme.example", "mailto:jane@acme.example"),
                *("jane@[127.0.0.1]", "jane@127.0.0.1", '"jane doe"@acme.example', "jané@acme.example"),
                *("jane@acme。example", "jane@ａcme.example", "jane＠acme.example", f"{'x' * 65}@acme.example"),
                *("jane@test", "jane@acme.test", "jane@localhost", "jane@münchen.example", "jane@\u0430cme.example"),
            ],
        ),
        ("id", ["Zoe\u0308-7"]),
        ("isoCountryCode", ["us", "Us", "USA", "U", "XX", "UK", "EU", "XK", "D E", "276", "ＤＥ"]),
        (
            "startDate",
            [
                *("2026-02-29", "2020-02-30", "2020-13-01", "2020-00-10", "2020-1-1", "20200101", "2020/01/01"),
                *(
                    "01.01.2020",
                    "2020-01-01T00:00:00",
                    "2020-01-01 ",
                    "2020-W01-1",
                    44000,
                    20200101,
                    "1900-02-29",
                    "0000-01-01",
                    "٢٠٢٠-٠١-٠١",
                ),
            ],
        ),
        ("licenseType", ["commercial", "Academic", "COMMUNITY", "EVALUATION", "COMMERCIAL "]),
        (
            "users",
            [
                *(
                    0,
                    -2,
                    2**31,
                    10**400,
                    1.0,
                    25.0,
                    -0.0,
                    True,
                    "0",
                    "-0",
                    "-2",
                    "-01",
                    "+5",
                    "5.0",
                    "1e3",
                    "1,000",
                    "1 000",
                    " 5",
                    "٥",
                ),
                *("unlimited", "", [5], {"a": 5}, "99999999999"),
            ],
        ),
    ],
)
def test_what_is_wrong(field: str, values: list[Any]) -> None:
    assert [value for value in values if problems(**{field: value}) != [field]] == []


@pytest.mark.parametrize("field", REQUIRED)
def test_what_is_missing(field: str) -> None:
    assert problems(**{field: None}) == [field]


@pytest.mark.parametrize(
    ("days", "allow", "right"),
    [
        *((31, False, True), (30, False, False), (1, False, False), (0, False, False), (-1, False, False)),
        *((31, True, True), (30, True, False), (0, True, False), (-1, True, True), (-400, True, True)),
    ],
)
def test_the_start(days: int, allow: bool, right: bool) -> None:
    start = TODAY - dt.timedelta(days=days)
    rules = Rules(allow_future_start=allow, today=lambda: TODAY)
    assert problems(rules, startDate=start.isoformat()) == ["startDate"] * (not right)


@pytest.mark.parametrize(("end", "wrong"), [("2020-01-30", 1), ("2020-01-31", 1), ("2020-02-01", 0)])
def test_the_end_is_after_the_start(end: str, wrong: int) -> None:
    assert problems(startDate="2020-01-31", endDate=end) == ["endDate"] * wrong


@pytest.mark.parametrize(
    ("now", "today"),
    [
        ("2026-01-15T12:59:59+00:00", "2026-01-15"),  # eleven hours ahead in summer
        ("2026-01-15T13:00:00+00:00", "2026-01-16"),
        ("2026-07-15T13:59:59+00:00", "2026-07-15"),  # ten in winter
        ("2026-07-15T14:00:00+00:00", "2026-07-16"),
    ],
)
def test_a_day_begins_in_sydney(monkeypatch: pytest.MonkeyPatch, now: str, today: str) -> None:
    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return dt.datetime.fromisoformat(now).astimezone(tz)

    class Time:
        datetime, date = Clock, dt.date

    monkeypatch.setattr(validation, "dt", Time)
    day = dt.date.fromisoformat(today)
    expected = {1: [], 0: ["startDate"], -30: ["startDate"], -31: []}
    for days, wrong in expected.items():
        start = (day + dt.timedelta(days=days)).isoformat()
        assert problems(Rules(allow_future_start=True), startDate=start) == wrong, days


def test_all_problems_are_told_at_once_and_quote_nothing() -> None:
    values = {name: f" secret-{name}" for name in ALL}
    found = check(values, RULES).problems
    assert [problem.partition(": ")[0] for problem in found] == [*ALL]
    assert not [problem for problem in found if "secret" in problem]
    assert [problem.partition(": ")[0] for problem in check({}, RULES).problems] == [*REQUIRED]


def test_a_country_that_is_not_sold_to() -> None:
    rules = Rules(country_codes=frozenset({"DE", "FR"}), today=lambda: TODAY)
    assert problems(rules) == []
    assert problems(rules, isoCountryCode="US") == ["isoCountryCode"]
    assert problems(rules, isoCountryCode="fr") == ["isoCountryCode"]


@pytest.mark.parametrize(("users", "warnings"), [("25", 0), ("26", 1), ("-1", 1), ("x", 0)])
def test_a_number_of_users_that_is_no_tier_is_a_warning(users: str, warnings: int) -> None:
    checked = check(row(users=users), Rules(user_tiers=frozenset({10, 25}), today=lambda: TODAY))
    assert len(checked.warnings) == warnings
    assert bool(checked.problems) == (users == "x")


def test_columns() -> None:
    assert field_of("\ufeffid") == "id"  # as Excel begins a file
    assert [field_of(name) for name in ("firstName", "FIRST_NAME", "firstname", "name", "first name")] == [
        *("firstName",) * 3,
        None,
        None,
    ]
    assert len({name.lower() for name in ALL}) == len(ALL) == len(REQUIRED) + len(OPTIONAL) == 16
    assert pick({"id": "", "ID": "a", "city": None, "x": 1}) == ({"id": "a"}, [])
    values, found = pick({"id": "a", "Id": "b"})
    assert (values, len(found)) == ({"id": "a"}, 1)
