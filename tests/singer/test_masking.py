"""What is kept of a refused record when people's data must not be kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_singer import Quarantine
from marketplace_singer.masking import MASK, masked_key, masked_quotes, masked_record

RECORD = {
    "id": "SEN-17",
    "email": "Ann.Lee@acme.com",
    "Full name": "Ann Lee",
    "phone": 32475123456,
    "vip": True,
    "left": None,
    "contact": {"city": "Ghent", "tags": ["blue", None, {"size": 1.5}], "ann.lee@acme.com": "admin"},
}


def test_a_record_keeps_its_shape_and_nothing_else():
    assert masked_record(RECORD) == {
        "id": MASK,
        "email": MASK,
        "Full name": MASK,
        "phone": MASK,
        "vip": True,
        "left": None,
        "contact": {"city": MASK, "tags": [MASK, None, {"size": MASK}], MASK: MASK},
    }


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        ("SEN-17", "SEN-17"),
        ("4711|technical", "4711|technical"),
        ("E-1H1-GMZ-Y0K-UJY", "E-1H1-GMZ-Y0K-UJY"),
        ("tx:AT-1|1", "tx:AT-1|1"),
        ("17|", "17|"),
        ("ann.lee@acme.com", MASK),
        ("SEN-17|ann.lee@acme.com", f"SEN-17|{MASK}"),
        ("login:ann.lee@acme.com", MASK),
        ("Ann Lee", MASK),
        ("+32 475 12 34 56", MASK),
        ("Müller", MASK),
    ],
)
def test_a_key_stays_as_far_as_it_is_an_id(key, kept):
    assert masked_key(key) == kept


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("phone: It is too long.", "phone: It is too long."),
        ("name: 'Ann Lee' is taken.", "name: '***' is taken."),
        ("name: 'ANN' is taken.", "name: '***' is taken."),
        ("name: annlee is taken.", "name: *** is taken."),
        ("name: 'Anne…' is too short.", "name: '***…' is too short."),
        ("phone: +32 475-123456 is no number.", "phone: +32 *** is no number."),
        ("phone: 3247512 is cut.", "phone: *** is cut."),
        ("phone: +32475123456 is no number.", "phone: +*** is no number."),
        ("city: ghent, blue.", "city: ***."),
        ('{"contact": {"city": "Ghent"}}', '{"contact": {"city": "***"}}'),
        ("Ann.Lee@acme.com", "***"),
    ],
)
def test_a_reason_quotes_nothing(reason, kept):
    assert masked_quotes(reason, RECORD) == kept


def test_letters_with_accents_however_they_are_written():
    assert masked_quotes("name: Jose\u0301 is taken", {"name": "Jos\u00e9"}) == "name: *** is taken"
    assert masked_quotes("street: STRASSE 5", {"street": "Straße 5"}) == "street: ***"


LEAVES = st.text(max_size=30) | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from(["id", "email", "extra"]), VALUES), st.text(max_size=10))
def test_whatever_a_reason_repeats_of_a_record_is_gone(record, between):
    text = between.join(json.dumps(value, ensure_ascii=False) for value in record.values())
    left = masked_quotes(text, record)
    words = masked_quotes(left, record)
    assert words == left
    for value in record.values():
        if isinstance(value, str) and len(value) > 2 and value.isalnum():
            assert value not in left


def test_the_file(tmp_path):
    path = tmp_path / "rejected.jsonl"
    Quarantine(path, is_masked=True).add(
        "people", "ann.lee@acme.com", RECORD, "name: Bob Ray is not Ann Lee", "request-1", sent={"name": "Bob Ray"}
    )
    line = json.loads(path.read_text())
    assert (line["stream"], line["key"], line["request_id"]) == ("people", MASK, "request-1")
    assert line["reason"] == "name: *** is not ***"
    assert line["record"] == masked_record(RECORD)


def test_as_it_is_unless_it_is_asked_for(tmp_path):
    path = tmp_path / "rejected.jsonl"
    Quarantine(path).add("people", "ann.lee@acme.com", RECORD, "name: Ann Lee is taken")
    line = json.loads(path.read_text())
    assert (line["key"], line["record"], line["reason"]) == ("ann.lee@acme.com", RECORD, "name: Ann Lee is taken")
