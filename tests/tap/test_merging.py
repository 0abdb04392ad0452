from __future__ import annotations

import json
import random
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from tap_atlassian_marketplace import hash_index
from tap_atlassian_marketplace.exports import SpooledRows
from tap_atlassian_marketplace.hash_index import HashIndex, hash64
from tap_atlassian_marketplace.merging import MergedRows
from tap_atlassian_marketplace.row_index import key_hashes
from tap_atlassian_marketplace.row_kinds import LICENSES, ROW_KINDS, TRANSACTIONS


def merged(files, report):
    kind = ROW_KINDS[report]
    return MergedRows([SpooledRows(file, key_hashes(file, kind)) for file in files], kind)


def merged_licenses(files):
    return merged(files, LICENSES)


def merged_transactions(files):
    return merged(files, TRANSACTIONS)


def spool(tmp_path, *exports):
    paths = []
    for number, rows in enumerate(exports):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps(rows))
    return paths


def licence(key, updated="2026-01-01", **fields):
    return {"addonLicenseId": key, "lastUpdated": updated, **fields}


INSIGHT = {"evaluationOpportunitySize": "NA"}


def test_the_row_with_insights_wins_over_a_newer_one(tmp_path):
    files = spool(tmp_path, [licence("1", **INSIGHT)], [licence("1", "2026-02-02"), licence("2")])
    assert [(row["addonLicenseId"], row["lastUpdated"]) for row in merged_licenses(files)] == [
        ("1", "2026-01-01"),
        ("2", "2026-01-01"),
    ]


def test_insights_win_wherever_they_come(tmp_path):
    files = spool(tmp_path, [licence("1", "2026-02-02")], [licence("1", **INSIGHT)])
    assert [row["lastUpdated"] for row in merged_licenses(files)] == ["2026-01-01"]


def test_without_insights_the_newer_row_wins_and_of_equals_the_same_in_any_order(tmp_path):
    rows = [
        licence("1", n=1),
        licence("1", "2026-03-01", n=2),
        licence("1", "2026-03-01", n=3),
        licence("1", None, n=4),
    ]
    chosen = {row["n"] for order in permutations(rows) for row in merged_licenses(spool(tmp_path, list(order)))}
    assert chosen in ({2}, {3})


def test_one_licence_met_by_sen_or_by_number_is_one(tmp_path):
    rows = [{"licenseId": "SEN-7", "lastUpdated": "2026-01-01"}, licence("7", "2026-01-02")]
    assert [row["lastUpdated"] for row in merged_licenses(spool(tmp_path, rows))] == ["2026-01-02"]


def test_rows_without_an_id_are_counted_and_left_out(tmp_path):
    merged = merged_licenses(spool(tmp_path, [licence("1"), {"status": "active"}, {"addonLicenseId": ""}]))
    assert [row["addonLicenseId"] for row in merged] == ["1"]
    assert merged.without_key == 2


def test_different_rows_of_one_export_under_one_key_are_counted_but_no_states_of_a_row_between_exports(tmp_path):
    exports = [
        [licence("1"), licence("2", n=1), licence("2", n=1), licence("3", n=1), licence("3", "2026-02-02", n=2)],
        [licence("1", n=9), licence("4", n=1), licence("4", n=2), licence("4", n=3), licence("4", n=2), {}, {"n": 1}],
    ]
    for order in permutations(exports):
        merged = merged_licenses(spool(tmp_path, *order))
        assert merged.strangers == 1 + 2
        assert {row["addonLicenseId"] for row in merged} == {"1", "2", "3", "4"}
    assert merged_licenses(spool(tmp_path, [licence("1")], [licence("1")], [licence("1", n=1)])).strangers == 0


def test_transactions_are_told_apart_by_line(tmp_path):
    def sale(line, updated, **fields):
        return {"transactionId": "IN-1", "transactionLineItemId": line, "lastUpdated": updated, **fields}

    rows = [sale("a", "2026-01-01"), sale("b", "2026-01-01"), sale("a", "2026-01-05"), sale(None, "2026-01-01")]
    merged = merged_transactions(spool(tmp_path, rows))
    assert [(row["transactionLineItemId"], row["lastUpdated"]) for row in merged] == [
        ("b", "2026-01-01"),
        ("a", "2026-01-05"),
    ]
    assert merged.without_key == 1


def test_iterating_twice_gives_fresh_rows(tmp_path):
    merged = merged_licenses(spool(tmp_path, [licence("1")]))
    next(iter(merged)).clear()
    assert [row["addonLicenseId"] for row in merged] == ["1"]


@given(st.lists(st.sampled_from("abcdefgh"), max_size=40), st.integers(1, 9))
def test_hash_index_tells_what_is_distinct_and_what_is_repeated(texts, run):
    before, hash_index._RUN = hash_index._RUN, run
    try:
        index = HashIndex()
        for text in texts:
            index.add(text)
        assert list(index.distinct()) == sorted({hash64(text) for text in texts})
        assert list(index.repeated()) == sorted({hash64(text) for text in texts if texts.count(text) > 1})
    finally:
        hash_index._RUN = before


def test_a_row_costs_less_than_100_bytes(tmp_path):
    import tracemalloc

    count = 60_000
    numbers = list(range(count)) + random.Random(1).sample(range(count), count // 2)
    path = tmp_path / "0.json"
    path.write_text("[" + ",".join(f'{{"addonLicenseId":"{n}","lastUpdated":"2026-01-01"}}' for n in numbers) + "]")
    tracemalloc.start()
    merged = merged_licenses([path])
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(1 for _ in merged) == count
    assert kept / count < 40
    assert (peak - 8_000_000) / count < 100  # besides chunks of the file and one run of hashes
