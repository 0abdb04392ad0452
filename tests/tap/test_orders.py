"""In whatever order a server gives its rows, and however often: the records and bookmarks are the same."""

from __future__ import annotations

import copy
import json

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.tap.every_other_field import REPORTS, row_of
from tests.tap.fake_marketplace import license_row, run, transaction_row

from tap_atlassian_marketplace.streams import BY_DEFAULT

VARIED = {
    "feedback": "cloudId",
    "quotes": "quoteId",
    "marketing_attribution": "userId",
    "recurring_revenue": "subscription",
    "app_versions": "buildNumber",
    "reviews": "id",
}
"""What tells the rows of a stream apart here."""


def rows_of_all():
    """Some rows of each report; of some there is a newer one, or another of the same day."""
    rows = {
        "licenses": [license_row(number, lastUpdated=f"2026-02-0{number}") for number in (1, 2, 3)]
        + [license_row(1, lastUpdated="2026-02-09", tier=tier) for tier in ("newer", "as new")],
        "sales/transactions": [transaction_row(number, 1, lastUpdated=f"2026-02-0{number}") for number in (1, 2, 3)]
        + [transaction_row(1, 1, lastUpdated="2026-02-01", parentProductName="another of the same day")],
    }
    for report, stream in REPORTS.items():
        if stream == "apps":
            apps = (("com.example.one", "product-1"), ("com.example.two", "product-2"))
            rows[report] = [row_of(report, appKey=key, productId=product) for key, product in apps]
        else:
            rows[report] = [row_of(report, **{VARIED.get(stream, "transactionId"): value}) for value in (1, 2, 3)]
    return rows


ALL = rows_of_all()
ALL_NAMES = (*BY_DEFAULT, *REPORTS.values())


def orders_of(count):
    """Places of rows in any order, some of them more than once."""

    def repeated(order):
        return st.lists(st.sampled_from(order), max_size=3).map(lambda again: [*order, *again])

    return st.permutations(range(count)).flatmap(repeated)


ORDERS = st.fixed_dictionaries({report: orders_of(len(rows)) for report, rows in ALL.items()})


def outcome(output):
    found = {name: sorted(json.dumps(row, sort_keys=True) for row in output.records(name)) for name in ALL_NAMES}
    return found, output.bookmarks


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(orders=ORDERS)
def test_whatever_the_order_and_repetition_of_rows_records_and_bookmarks_are_the_same(marketplace, orders):
    def read(rows):
        rows = copy.deepcopy(rows)
        marketplace(rows.pop("licenses"), rows.pop("sales/transactions"), others=rows)
        return outcome(run(streams=ALL_NAMES))

    expected, bookmarks = read(ALL)
    assert [len(expected[name]) for name in ALL_NAMES] == [3, 9, 3, 3, 3, 3, 3, 3, 3, 3, 2, 3, 3]
    assert read({report: [ALL[report][place] for place in order] for report, order in orders.items()}) == (
        expected,
        bookmarks,
    )
