"""Rows that are passed on as they came say what they would say if each had been made anew."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from tap_atlassian_marketplace.json_array import BrokenArrayError, whole_row
from tap_atlassian_marketplace.plain_rows import PlainRow, PlainRowReader
from tap_atlassian_marketplace.streams import Licenses, Transactions

STREAMS = (Licenses, Transactions)
SCHEMAS = {
    stream: json.loads(files("tap_atlassian_marketplace.schemas").joinpath(f"{stream.name}.json").read_text("utf-8"))
    for stream in STREAMS
}
READERS = {stream: PlainRowReader(schema, stream.added_fields) for stream, schema in SCHEMAS.items()}
KEYS = {"transactionId": "1", "transactionLineItemId": "1"}  # rows without them are left out earlier
ADDED = {"id": "1", "account_id": "É-1", "aliases": ["É-1", "1"]}

TEXTS = st.text(max_size=8) | st.sampled_from(["2026-02-30", "2026-02-28", "NA", 'q"\\/', "\u2028"])
NUMBERS = st.integers() | st.decimals(allow_nan=False, allow_infinity=False)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


def written(value, space):
    """Write JSON in another way than the tap does, with numbers as they are."""
    if isinstance(value, dict):
        return "{" + f",{space}".join(f"{json.dumps(k)}:{space}{written(v, space)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + f",{space}".join(written(item, space) for item in value) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=space == " ")


@st.composite
def rows(draw, stream):
    schema = SCHEMAS[stream]

    def fields(properties):
        names = draw(st.lists(st.sampled_from(sorted(properties)) | st.just("new"), max_size=4, unique=True))
        return {name: inner(properties.get(name, {})) for name in names}

    def inner(field):
        if "properties" in field and draw(st.booleans()):
            return fields(field["properties"])
        return draw(ANYTHING)

    return fields(schema["properties"])


@pytest.mark.parametrize("stream", STREAMS)
@given(data=st.data(), space=st.sampled_from(["", " ", "\n", "\r\n  "]))
def test_a_plain_row_says_what_the_row_says(stream, data, space):
    content = written(data.draw(rows(stream)), space).encode("utf-8", "replace")
    row = READERS[stream].read(content)
    whole = whole_row(content)
    if not isinstance(row, PlainRow):
        assert row == whole
        return
    record = row.after(ADDED)
    assert not {b"\n"[0], b"\r"[0]} & set(record)
    assert json.loads(record, parse_float=Decimal) == {**ADDED, **whole}
    Draft202012Validator(SCHEMAS[stream], format_checker=FormatChecker()).validate({**whole, **KEYS, **ADDED})
    assert all(row.get(name) == value for name, value in whole.items() if not isinstance(value, (dict, list)))


@pytest.mark.parametrize(
    "content",
    [
        {"addonLicenseId": "1", "lastUpdated": "2026-02-28", "maintenanceEndDate": None},
        {"evaluationSaleDate": "NA", "contactDetails": {"billingContact": {"email": "a@b.example"}}, "tier": "3"},
        {"cloudComplianceBoundaries": ["commercial", None], "contactDetails": None},
    ],
)
def test_plain_licences(content):
    assert isinstance(READERS[Licenses].read(json.dumps(content).encode()), PlainRow)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"id": "7"},
        {"aliases": []},
        {"lastUpdated": "2026-02-30"},
        {"lastUpdated": 20260228},
        {"new": None},
        {"contactDetails": {"new": 1}},
        {"contactDetails": "none"},
        {"contactDetails": {"billingContact": {"new": 1}}},
        {"contactDetails": {"billingContact": {"email": 1}}},
        {"tier": 3},
        {"tier": ["3"]},
        {"cloudComplianceBoundaries": "commercial"},
        {"cloudComplianceBoundaries": [1]},
    ],
)
def test_licences_that_need_a_closer_look(content):
    assert READERS[Licenses].read(json.dumps(content).encode()) == content


def test_what_cannot_be_read_is_an_error():
    with pytest.raises(BrokenArrayError):
        READERS[Licenses].read(b"[" * 100_000)
