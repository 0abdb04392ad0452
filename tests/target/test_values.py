"""What a raw value becomes before it is sent."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_journy.values import to_json, to_scalar, to_time, to_value

UTC = dt.timezone.utc
LONG = Decimal("0.1234567890123456789012345678901234567")


@pytest.mark.parametrize(
    ("raw", "kind", "expected"),
    [
        (None, None, None),
        ("", None, None),
        ("", "number", None),
        (None, "list", None),
        ("text", None, "text"),
        (" as it is ", None, " as it is "),
        (True, None, True),
        (0, None, 0),
        (7, None, 7),
        (2**80, None, 2**80),
        (Decimal("12.50"), None, Decimal("12.5")),
        (Decimal("1200.00"), None, 1200),
        (Decimal("1.2E+3"), None, 1200),
        (LONG, None, LONG),
        (0.1, None, Decimal("0.1")),
        (["b", "a", "b"], None, ["a", "b"]),
        ([], None, None),
        (["", None], None, None),
        ([2, Decimal("1.5"), True], None, ["1.5", "2", "true"]),
        ([{"b": 1, "a": [1]}], None, ['{"a":[1],"b":1}']),
        ({"b": Decimal("1.10"), "a": None}, None, '{"a":null,"b":1.10}'),
        (dt.date(2026, 3, 1), None, "2026-03-01T00:00:00Z"),
        (dt.datetime(2026, 3, 1, 12, tzinfo=UTC), None, "2026-03-01T12:00:00Z"),
        ("12.50", "number", Decimal("12.5")),
        ("1,234,567.80", "number", Decimal("1234567.8")),
        (" 42 ", "number", 42),
        ("-0.0", "number", 0),
        ("1e3", "number", 1000),
        (7, "string", "7"),
        (Decimal("7.50"), "string", "7.50"),
        (False, "string", "false"),
        ({"a": 1}, "string", '{"a":1}'),
        ("Yes", "boolean", True),
        ("no", "boolean", False),
        ("TRUE", "boolean", True),
        (0, "boolean", False),
        (True, "boolean", True),
        ("2026-03-01", "datetime", "2026-03-01T00:00:00Z"),
        (" 2026-03-01 ", "datetime", "2026-03-01T00:00:00Z"),
        ("2026-03-01T01:00:00+02:00", "datetime", "2026-02-28T23:00:00Z"),
        ("2026-03-01T01:00:00Z", "datetime", "2026-03-01T01:00:00Z"),
        ("2026-03-01T01:00:00", "datetime", "2026-03-01T01:00:00Z"),
        ("2026-03-01T01:00:00.250+00:00", "datetime", "2026-03-01T01:00:00.250Z"),
        ("20260301", "datetime", "2026-03-01T00:00:00Z"),
        ("20260301T010000Z", "datetime", "2026-03-01T01:00:00Z"),
        ("2026-03-01T01", "datetime", "2026-03-01T01:00:00Z"),
        ("2026-03-01T01:00", "datetime", "2026-03-01T01:00:00Z"),
        ("2026-03-01 01:00:00+0200", "datetime", "2026-02-28T23:00:00Z"),
        ("2026-03-01T01:00:00-05", "datetime", "2026-03-01T06:00:00Z"),
        ("2026-03-01T01:00:00+05:30", "datetime", "2026-02-28T19:30:00Z"),
        ("2026-03-01T01:00:00.12z", "datetime", "2026-03-01T01:00:00.120Z"),
        ("2026-03-01T01:00:00,5", "datetime", "2026-03-01T01:00:00.500Z"),
        ("2026-03-01T01:00:00.123456789Z", "datetime", "2026-03-01T01:00:00.123Z"),
        ("one", "list", ["one"]),
        ([3, 1], "list", ["1", "3"]),
    ],
)
def test_coercion(raw: Any, kind: Any, expected: Any) -> None:
    value = to_value(raw, kind)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("many", "number"),
        ("1,5", "number"),
        ("12,34,567", "number"),
        ("NaN", "number"),
        ("Infinity", "number"),
        ("1e400", "number"),
        ("1e1000000", "number"),
        (Decimal("1e400"), None),
        (float("nan"), None),
        (float("inf"), None),
        (True, "number"),
        ([1], "number"),
        ({}, "number"),
        ("maybe", "boolean"),
        (2, "boolean"),
        ([], "boolean"),
        ("tomorrow", "datetime"),
        ("NA", "datetime"),
        ("2026-02-30", "datetime"),
        ("2026-3-1", "datetime"),
        ("2026-0301", "datetime"),
        ("2026-03-01T0100:00", "datetime"),
        ("2026-03-01T25:00:00Z", "datetime"),
        ("2026-03-01T01:00:00+25:00", "datetime"),
        (20260301, "datetime"),
        (["2026-03-01"], "datetime"),
        ("0001-01-01T00:00:00+05:00", "datetime"),
        ("9999-12-31T23:59:59-05:00", "datetime"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused_and_never_quoted(raw: Any, kind: Any) -> None:
    with pytest.raises(ValueError, match="expected") as refusal:
        to_value(raw, kind)
    assert str(raw) not in str(refusal.value)


def test_a_list_in_the_metadata_of_an_event_is_one_text() -> None:
    assert to_scalar(["b", "a"], "list") == "a, b"
    assert to_scalar([]) is None


def test_a_time_is_text_or_a_date() -> None:
    with pytest.raises(ValueError, match="expected a date"):
        to_time(None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(JSON)
def test_whatever_comes_out_is_something_that_the_server_takes(raw: Any) -> None:
    try:
        value = to_value(raw)
    except ValueError:
        return
    assert value != ""
    if isinstance(value, list):
        assert value
        assert value == sorted(set(value))
        assert all(isinstance(item, str) and item for item in value)
    else:
        assert value is None or isinstance(value, (str, bool, int, Decimal))
    assert json.loads(to_json(value), parse_float=Decimal) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_numbers_are_exact(number: Decimal) -> None:
    assert to_value(number) == number
    assert to_value(str(number), "number") == number
    assert json.loads(to_json(to_value(number)), parse_float=Decimal) == number
