"""In whatever order a server gives its rows, and however often: the records and bookmarks are the same."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.tap.every_other_field import REPORTS, row_of
from tests.tap.fake_marketplace import LISTS, license_row, run, transaction_row

from tap_atlassian_marketplace.streams import BY_DEFAULT

FEEDBACK = "feedback/details"
PAGE = 2
"""Rows of a page."""

VARIED = {
    "feedback": "cloudId",
    "quotes": "quoteId",
    "marketing_attribution": "userId",
    "recurring_revenue": "subscription",
    "app_versions": "buildNumber",
    "reviews": "id",
    "apps": "productId",
}
"""What tells the rows of a stream apart here; for events it is the transaction."""

OTHERWISE = {
    "feedback": "fullName",
    "quotes": "technicalEmail",
    "marketing_attribution": "userType",
    "recurring_revenue": "closingMrr",
    "app_versions": "versionNumber",
    "reviews": "stars",
    "apps": "summary",
}
"""What may differ between two rows of one key, of which neither is newer."""


def of_events(report):
    """Events with a newer row, two of one day that are newest, and one that comes without its day."""
    rows = [row_of(report, transactionId=str(number), lastUpdated=f"2026-02-0{number}") for number in (1, 2, 3)]
    newer = [row_of(report, transactionId="1", lastUpdated="2026-02-09", tier=tier) for tier in ("newer", "also new")]
    return [*rows, *newer, row_of(report, transactionId="2", lastUpdated=None, tier="of no day")]


def of_others(report, stream):
    """Rows of which one comes with other content, too; revenue is that of two months, asked for apart."""
    days = {"date": "2026-02-01"} if stream == "recurring_revenue" else {}
    rows = [row_of(report, **{VARIED[stream]: value}, **days) for value in (1, 2, 3)]
    rows.append({**rows[0], OTHERWISE[stream]: 7 if isinstance(rows[0][OTHERWISE[stream]], int) else "otherwise"})
    earlier = [{**row, "date": "2025-01-01"} for row in rows] if days else []
    return [*rows, *earlier]


def rows_of_all():
    """Some rows of each report; of some there is a newer one, or another of the same day."""
    rows = {
        "licenses": [license_row(number, lastUpdated=f"2026-02-0{number}") for number in (1, 2, 3)]
        + [license_row(1, lastUpdated="2026-02-09", tier=tier) for tier in ("newer", "also new")]
        + [license_row(1, lastUpdated="2026-02-08", tier=f"older {number}") for number in range(5)],
        "sales/transactions": [transaction_row(number, 1, lastUpdated=f"2026-02-0{number}") for number in (1, 2, 3)]
        + [transaction_row(1, 1, lastUpdated="2026-02-01", parentProductName="another of the same day")]
        + [transaction_row(2, 1, lastUpdated="2026-02-08", parentProductName="newer")]
        + [transaction_row(2, 1, lastUpdated="2026-02-07", parentProductName=f"older {number}") for number in range(5)],
    }
    for report, stream in REPORTS.items():
        rows[report] = of_others(report, stream) if stream in VARIED else of_events(report)
    # The versions and reviews are those of this app, so that it must be among them.
    for row in rows["apps"]:
        row["productId"] = f"product-{row['productId']}"
        row["appKey"] = "com.example.one" if row["productId"] == "product-1" else f"com.example.{row['productId']}"
    return rows


ALL = rows_of_all()
ALL_NAMES = (*BY_DEFAULT, *REPORTS.values())
COUNTS = [3, 9, 3, 3, 3, 3, 3, 3, 3, 6, 3, 3, 3]


def orders_of(count):
    """Places of rows in any order, some of them more than once."""

    def repeated(order):
        return st.lists(st.sampled_from(order), max_size=3).map(lambda again: [*order, *again])

    return st.permutations(range(count)).flatmap(repeated)


ORDERS = st.fixed_dictionaries({report: orders_of(len(rows)) for report, rows in ALL.items()})


def outcome(output):
    found = {name: sorted(json.dumps(row, sort_keys=True) for row in output.records(name)) for name in ALL_NAMES}
    return found, output.bookmarks


@pytest.fixture
def read(marketplace):
    """Give the outcome of a run over some rows, in small pages, by exports or by lists alone."""

    def call(rows, *, only_lists=False):
        rows = copy.deepcopy(rows)
        fake = marketplace(rows.pop("licenses"), rows.pop("sales/transactions"), others=rows)
        fake.largest_page, fake.only_lists = PAGE, only_lists
        found = outcome(run(streams=ALL_NAMES))
        assert {report for report, place in fake.pages if "offset" in place} >= (
            LISTS.keys() if only_lists else {FEEDBACK}
        )
        return found

    return call


@pytest.fixture
def expected(read):
    """What the rows as they stand give."""
    found = read(ALL)
    assert [len(found[0][name]) for name in ALL_NAMES] == COUNTS
    return found


@pytest.mark.parametrize("only_lists", [False, True], ids=["exports", "lists"])
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(orders=ORDERS)
def test_whatever_the_order_and_repetition_of_rows_records_and_bookmarks_are_the_same(
    read, expected, only_lists, orders
):
    given_rows = {report: [ALL[report][place] for place in order] for report, order in orders.items()}
    assert read(given_rows, only_lists=only_lists) == expected


def test_of_the_rows_of_one_key_the_newest_counts(expected):
    records, _ = expected
    for name in ("licenses", "churn_events", "conversion_events", "renewal_events"):
        days = sorted(json.loads(record)["lastUpdated"] for record in records[name])
        assert days == ["2026-02-02", "2026-02-03", "2026-02-09"], name
    days = sorted(json.loads(record)["lastUpdated"] for record in records["transactions"])
    assert days == ["2026-02-01", "2026-02-03", "2026-02-08"]
