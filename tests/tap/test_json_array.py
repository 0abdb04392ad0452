from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_atlassian_marketplace import json_array
from tap_atlassian_marketplace.errors import MarketplaceError
from tap_atlassian_marketplace.json_array import read_checked, read_rows
from tap_atlassian_marketplace.row_kinds import ROW_KINDS

TRICKY = st.sampled_from(["},{", "]", "}]", '"', "\\", '\\"}', "[{", "}", "é€😀", "\r\n", "\x00"])
TEXT = st.lists(st.one_of(TRICKY, st.text(st.characters(exclude_categories=["Cs"]), max_size=4)), max_size=4).map(
    "".join
)
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
ROWS = st.lists(st.dictionaries(TEXT, VALUE, max_size=4), max_size=8)


def read(content: bytes, chunk: int = json_array.CHUNK) -> list:
    return list(read_rows(io.BytesIO(content), chunk=chunk))


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, chunk=st.integers(1, 60), indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_reads_any_array_with_chunks_cut_anywhere(rows, chunk, indent, ascii_only):
    content = json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode()
    assert read(content, chunk) == rows


@settings(max_examples=100, deadline=None)
@given(rows=ROWS, chunk=st.integers(1, 60), name=st.sampled_from(["licenses", "_"]))
def test_reads_an_array_wrapped_in_an_object(rows, chunk, name):
    assert read(json.dumps({name: rows, "totalCount": 3}).encode(), chunk) == rows


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize(
    "content", [b'{"errors": [{"message": "try later"}]}', b'{"": []}', b' {"licences" : [{"a": 1}]}']
)
def test_an_array_of_another_name_holds_no_rows(content, chunk):
    with pytest.raises(MarketplaceError, match="not readable: it holds something else than an array of `licenses`"):
        list(read_checked(io.BytesIO(content), ROW_KINDS["licenses"].decoder, "licenses", chunk=chunk))


@pytest.mark.parametrize("report", ROW_KINDS)
def test_an_array_may_be_called_as_its_rows_are(report):
    kind = ROW_KINDS[report]
    content = f'{{"{kind.name}": [{{}}], "totalCount": 1}}'.encode()
    assert len(list(read_checked(io.BytesIO(content), kind.decoder, kind.name))) == 1


@settings(max_examples=100, deadline=None)
@given(rows=ROWS.filter(bool), data=st.data(), chunk=st.integers(1, 60))
def test_a_file_cut_off_anywhere_is_an_error(rows, data, chunk):
    content = json.dumps(rows).encode()
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(MarketplaceError, match=r"cut off|is empty|malformed"):
        read(content[:cut], chunk)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   ",
        b"null",
        b"<html>sign in</html>",
        b'{"code": 401, "message": "no"}',
        b"addonKey,licenseId\na,b",
        b'[{"a": 1} {"b": 2}]',
        b'[{"a": 1},, {"b": 2}]',
        b'[{"a": 1},]',
        b'[{"a": nul}, {"b": 2}]',
        b'[{"a": 1}, 2, {"b": 2}]',
        b'[1, {"a": 1}]',
        b'[["a"]]',
        b'[{"a": "\xff"}]',
        b'[{"a": 1}',
    ],
)
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_what_is_no_array_of_rows_is_an_error(content, chunk):
    with pytest.raises(MarketplaceError, match=r"not readable|cut off"):
        read(content, chunk)


def test_numbers_stay_exact():
    (row,) = read(b'[{"a": 1234.56, "b": 0.1, "c": 1e2, "d": 12345678901234.56, "e": -7, "f": 1.10}]')
    assert row == {
        "a": Decimal("1234.56"), "b": Decimal("0.1"), "c": Decimal("1E+2"),
        "d": Decimal("12345678901234.56"), "e": -7, "f": Decimal("1.10"),
    }  # fmt: skip
    assert type(row["e"]) is int


@pytest.mark.parametrize("inner", [b"}", b"{", b"}}]", b'\\"},{', b"\\\\"])
def test_a_long_text_of_brackets_is_read_in_reasonable_time(inner, monkeypatch):
    decoded = [0]

    class Counting:
        def decode(self, text):
            decoded[0] += len(text)
            return split.decode(text)

    split = json_array.ENCODED_ROWS
    monkeypatch.setattr(json_array, "ENCODED_ROWS", Counting())
    content = b'[{"a": {"b": "' + inner * 20_000 + b'"}},\n {"a": 1}]'
    assert len(read(content, 10_000)) == 2
    assert decoded[0] < 300 * len(content)


@pytest.mark.parametrize("chunk", [1, 5, 8, 1000])
@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (rb"Caf\u00e9 \ud83d", "Caf\u00e9 \ufffd"),
        (rb"\uD83Dx\ud83d\n", "\ufffdx\ufffd\n"),
        (rb"\ude00\ud83d\u0041", "\ufffd\ufffdA"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\ud83d\uDE00\ude00", "\U0001f600\ufffd"),
        (rb"\\ud83d", r"\ud83d"),
        (rb"\\\ud83d", "\\\ufffd"),
    ],
)
def test_half_a_character_is_replaced(text, meant, chunk):
    assert read(b'[{"a": "' + text + b'"}, {"b": 1}]', chunk) == [{"a": meant}, {"b": 1}]


def test_a_number_that_nobody_can_hold_is_an_error():
    with pytest.raises(MarketplaceError, match="not readable"):
        read(b'[{"a": 1e99999999999999999999}]')


def test_a_byte_order_mark_is_passed_over():
    assert read("\ufeff[{}]".encode()) == [{}]


def test_a_file_without_an_end_of_row_is_not_read_for_ever(monkeypatch):
    monkeypatch.setattr(json_array, "LONGEST_ROW", 100)
    with pytest.raises(MarketplaceError, match="no JSON array of rows"):
        read(b'[{"a": "' + b"x" * 5000, 10)


def test_memory_does_not_grow_with_the_file(tmp_path):
    import tracemalloc

    path = tmp_path / "big.json"
    row = json.dumps({"addonKey": "x" * 500, "contactDetails": {"company": "y" * 400}})
    with path.open("w") as file:
        file.write("[" + ",".join([row] * 20_000) + "]")
    tracemalloc.start()
    with path.open("rb") as file:
        assert sum(1 for _ in read_rows(file)) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * json_array.CHUNK < path.stat().st_size
