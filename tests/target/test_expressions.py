"""Expressions of a mapping: the functions of our own, and JMESPath with exact numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from target_journy.expressions import Compiler, ExpressionError, MappingFunctions, fields_of

COMPILER = Compiler({"vendor_id": 77, "empty": None})


def value(expression: str, **record: Any) -> Any:
    return COMPILER.compile(expression)(record)


@pytest.mark.parametrize(
    ("expression", "record", "expected"),
    [
        ("a", {"a": 1}, 1),
        ("a", {}, None),
        ("a.b.c", {"a": {"b": {"c": 1}}}, 1),
        ("a.b", {"a": [1]}, None),
        ("a.b", {"a": None}, None),
        ("known(a)", {"a": "NA"}, None),
        ("known(a)", {"a": " n/a "}, None),
        ("known(a)", {"a": "Pending"}, None),
        ("known(a)", {"a": "null"}, None),
        ("known(a)", {"a": "Unknown"}, None),
        ("known(a)", {"a": "RTBF"}, "RTBF"),
        ("known(a)", {"a": 0}, 0),
        ("known(a)", {}, None),
        ("tier_users(a)", {"a": "Per Unit Pricing (593 Users)"}, 593),
        ("tier_users(a)", {"a": "Per Unit Pricing (1 User)"}, 1),
        ("tier_users(a)", {"a": "10,000 Users"}, 10_000),
        ("tier_users(a)", {"a": "500 Users"}, 500),
        ("tier_users(a)", {"a": "Per Unit Pricing (-1 Users)"}, 0),
        ("tier_users(a)", {"a": "Unlimited Users"}, 10_001),
        ("tier_users(a)", {"a": "Evaluation"}, None),
        ("tier_users(a)", {"a": ""}, None),
        ("tier_users(a)", {}, None),
        ("first_name(a)", {"a": " Ada  King Lovelace "}, "Ada King"),
        ("last_name(a)", {"a": "Ada King Lovelace"}, "Lovelace"),
        ("first_name(a)", {"a": "Ada"}, "Ada"),
        ("last_name(a)", {"a": "Ada"}, None),
        ("first_name(a)", {}, None),
        ("last_name(a)", {"a": " "}, None),
        ("email_domain(a)", {"a": "x@Support.ACME.com "}, "support.acme.com"),
        ("email_domain(a)", {"a": "nobody"}, None),
        ("email_domain(a)", {}, None),
        ("lower(a)", {"a": "Ann@Acme.com"}, "ann@acme.com"),
        ("lower(a)", {}, None),
        ("business_domain([a], [b])", {"a": "x@mail.acme.co.uk"}, "acme.co.uk"),
        ("remove_suffix(a, '.net')", {"a": "acme.net"}, "acme"),
        ("remove_suffix(a, '.net')", {"a": "acme.com"}, "acme.com"),
        ("remove_suffix(a, '.net')", {"a": ".net"}, None),
        ("remove_suffix(a, '.net')", {}, None),
        ("business_domain([a, c], [b])", {"a": "x@gmail.com", "c": "y@acme.com"}, "acme.com"),
        ("business_domain([a, c], [b])", {"a": "x@reseller.com", "b": "z@mail.reseller.com"}, None),
        ("business_domain([a], [b])", {"a": "x@mailinator.com"}, None),
        ("business_domain([a], [b])", {"a": "x@atlassian.com"}, None),
        ("business_domain([a], [b])", {"a": "x@hey.com"}, None),
        ("business_domain([a], [b])", {"a": "x@localhost"}, None),
        ("business_domain([a], [b])", {"a": "RTBF"}, None),
        ("link('https://x.com/{vendor_id}?q={value}', a)", {"a": "E-1 ü/"}, "https://x.com/77?q=E-1%20%C3%BC%2F"),
        ("link('https://x.com/{empty}', a)", {"a": "E-1"}, None),
        ("link('https://x.com/{nobody}', a)", {"a": "E-1"}, None),
        ("link('https://x.com/{value}', a)", {}, None),
        ("link('https://x.com/{}{a.b}/{value}', a)", {"a": "1"}, "https://x.com/{}{a.b}/1"),
        ("total(a)", {"a": [1, Decimal("0.1"), None, Decimal("0.2")]}, Decimal("1.3")),
        ("total(a)", {"a": []}, None),
        ("total(a)", {}, None),
        ("sum(a)", {"a": [Decimal("0.1"), Decimal("0.2"), 1]}, Decimal("1.3")),
        ("max(a)", {"a": [Decimal("0.1"), 1]}, 1),
        ("abs(a)", {"a": Decimal("-1.5")}, Decimal("1.5")),
        ("max_by(a, &b).c", {"a": [{"b": Decimal("1.5"), "c": "x"}, {"b": Decimal("2.5"), "c": "y"}]}, "y"),
        ("a[?b > `1`].b", {"a": [{"b": Decimal("1.5")}, {"b": Decimal("0.5")}]}, [Decimal("1.5")]),
        ("to_number(a)", {"a": Decimal("1234.56")}, Decimal("1234.56")),
        ("to_number(a)", {"a": "1234.56"}, Decimal("1234.56")),
        ("to_number(a)", {"a": "many"}, None),
        ("to_number(a)", {"a": True}, None),
        ("to_number(a)", {"a": ""}, None),
        ("to_string(a)", {"a": Decimal("1.5")}, "1.5"),
        ("to_string(a)", {"a": "x"}, "x"),
    ],
)
def test_an_expression(expression: str, record: dict[str, Any], expected: Any) -> None:
    found = value(expression, **record)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "record"),
    [
        ("join(', ', a)", {"a": "text"}),
        ("join(', ', a)", {"a": [1]}),
        ("tier_users(a)", {"a": 5}),
        ("first_name(a)", {"a": ["x"]}),
        ("business_domain([a], [b])", {"a": 5}),
        ("business_domain([a], [b])", {"a": {"x": 1}}),
        ("link('{value}', a)", {"a": 5}),
        ("total(a)", {"a": ["secret"]}),
        ("total(a)", {"a": 5}),
        ("nothing(a)", {"a": 5}),
        ("sum(a)", {"a": ["secret"]}),
    ],
)
def test_data_that_does_not_fit_is_told_without_being_quoted(expression: str, record: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError) as error:
        value(expression, **record)
    assert "failed on this record" in str(error.value)
    assert "secret" not in str(error.value)


def test_what_is_no_expression_is_told_at_once() -> None:
    with pytest.raises(ExpressionError, match="'a\\[' is no JMESPath expression") as error:
        COMPILER.compile("a[")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("a", {"a"}),
        ("a.b", {"a.b"}),
        ("a.b || c", {"a.b", "c"}),
        ("join(' ', [a, b.c][?@])", {"a", "b.c"}),
        ("a[].b", {"a"}),
        ("a[?b == c].d", {"a"}),
        ("a[0].b", {"a"}),
        ("a | b", {"a"}),
        ("max_by(a.list, &b)", {"a.list"}),
        ("{x: a, y: b}", {"a", "b"}),
        ("'literal'", set()),
        ('"a b".c', {"a b.c"}),
        ("a && !b", {"a", "b"}),
    ],
)
def test_the_fields_that_an_expression_reads(expression: str, paths: set[str]) -> None:
    assert {".".join(path) for path in fields_of(expression)} == paths


OPTIONS = jmespath.Options(custom_functions=MappingFunctions({}))
SCALARS = st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from(["", "x", "NA", "a@acme.com"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner), max_leaves=8
)


@pytest.mark.parametrize(
    "expression",
    [
        "join(' ', [a, known(b.c), 'x'][?@ && @ != 'x'])",
        "[[a, b][?@] | [0], c][?@]",
        "a[?b].c",
        "a[?b == c]",
        "a[*].[b, c]",
        "a.[b, c]",
        "a || b && !c",
        "a.b | c",
        "a[0].b",
        "a[].b",
        "{x: a, y: length(b)}",
        "sort_by(a, &b)[0]",
        "link('https://{value}', business_domain([a, b.c], [c]))",
        "@",
    ],
)
@given(record=st.fixed_dictionaries({}, optional=dict.fromkeys("abc", VALUES)))
def test_an_expression_means_what_jmespath_says(expression: str, record: dict[str, Any]) -> None:
    try:
        expected = repr(jmespath.search(expression, record, OPTIONS))
    except (JMESPathError, AttributeError, LookupError, TypeError, ValueError):
        with pytest.raises(ExpressionError):
            value(expression, **record)
        return
    assert repr(value(expression, **record)) == expected
