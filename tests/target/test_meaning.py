"""A release that makes something else of the same record: it is noticed like a changed mapping."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from target_journy import mapping_file
from target_journy.expressions import Compiler, ExpressionError
from target_journy.values import to_json, to_value

if TYPE_CHECKING:
    import pytest
    from tests.target.runs import Message, World

    from target_journy.values import Type

KNOWN = {"value": "known(region)"}
MAPPING = {"streams": {"clients": {"key": "id", "account": {"id": "id", "properties": {"region": KNOWN}}}}}
CLIENT: list[Message] = [("clients", {"id": "C1", "region": "NA"})]

TEXTS = [None, "", " x ", "NA", "None", "pending", "Ann Lee", "Ann", "ann@Mail.acme.com", "ann@gmail.com"]
TIERS = ["Per Unit Pricing (593 Users)", "25 users", "Unlimited Users", "1,000", "1.50", "-0.0", "yes", "off", "1"]
TIMES = ["2026-03-01", "2026-03-01T01:00:00+02:00", "2026-03-01T01:00:00.250Z", "03/01/2026"]
OTHERS = [True, 0, 12.5, [2, "b", "b", None], [], {"b": 1, "a": [None]}]
KINDS: list[Type | None] = [None, "string", "number", "boolean", "datetime", "list"]
EXPRESSIONS = [
    "a",
    "to_number(a)",
    "to_string(a)",
    "known(a)",
    "tier_users(a)",
    "first_name(a)",
    "last_name(a)",
    "email_domain(a)",
    "business_domain([a], ['x@other.com'])",
    "link('https://{value}.example', a)",
    "remove_suffix(a, 'x ')",
]
OUTCOMES = "f1d8e738dc399318"


def test_what_was_unchanged_is_looked_at_anew(fake: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.settings.update(preset=None, mapping=MAPPING)
    assert fake.load(CLIENT).counts["clients"] == {"delivered": 1}
    assert fake.load(CLIENT).counts["clients"] == {"unchanged": 1}
    monkeypatch.setattr("target_journy.expressions._NOTHING", frozenset())
    assert fake.load(CLIENT).counts["clients"] == {"unchanged": 1}
    monkeypatch.setattr(mapping_file, "MEANING", mapping_file.MEANING + 1)
    run = fake.load(CLIENT)
    assert run.counts["clients"] == {"delivered": 1}
    assert fake.state.accounts["C1"].properties == {"region": "NA"}
    assert [*run.report["changed_mapping"]] == ["clients"]


def test_values_come_out_as_this_meaning_has_it() -> None:
    """If this fails, a value comes out otherwise than in releases before: raise MEANING, then both numbers here."""
    found = [[str(kind), raw, outcome(to_value, raw, kind)] for kind in KINDS for raw in TEXTS + TIERS + TIMES + OTHERS]
    compiler = Compiler({})
    for expression in EXPRESSIONS:
        evaluate = compiler.compile(expression)
        found += [[expression, raw, outcome(evaluate, {"a": raw})] for raw in TEXTS + TIERS + TIMES + OTHERS]
    digest = sha256(to_json(found).encode()).hexdigest()[:16]
    assert (mapping_file.MEANING, digest) == (1, OUTCOMES)


def outcome(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (ExpressionError, ValueError):
        return "refused"
