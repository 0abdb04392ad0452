"""Recurring revenue as Atlassian reckons it: its months, however few an answer holds."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.tap.fake_marketplace import run

from tap_atlassian_marketplace.partner_metrics import RevenueRequest


def test_revenue_without_product_or_subscription_still_has_a_whole_key(marketplace):
    rows = [
        {"date": "2026-01-01", "appKey": "com.example.two", "closingMrr": 5},
        {"date": "2026-01-01", "appKey": "com.example.one", "productId": "product-1", "subscription": "ANNUAL"},
    ]
    marketplace(others={"recurring_revenue": rows})
    keys = [
        tuple(record[name] for name in ("month", "productId", "subscription"))
        for record in run(streams=["recurring_revenue"]).records("recurring_revenue")
    ]
    assert keys == [("2026-01", "product-2", ""), ("2026-01", "product-1", "ANNUAL")]


def revenue(*months):
    return [{"date": f"{month}-01", "appKey": "com.example.one", "productId": "product-1"} for month in months]


MONTHS = [f"{year}-{month:02}" for year in (2024, 2025, 2026) for month in range(1, 13)][3:27]
"""The 24 months that end with the fake's today."""


def months_of(output):
    return [record["month"] for record in output.records("recurring_revenue")]


@pytest.mark.parametrize(("most", "questions"), [(14, 4), (7, 4), (4, 6), (1, 24)])
def test_revenue_is_that_of_24_months_however_few_an_answer_holds(marketplace, caplog, most, questions):
    fake = marketplace(others={"recurring_revenue": revenue("2024-03", *MONTHS)})
    fake.most_months = most
    assert months_of(run(streams=["recurring_revenue"])) == MONTHS
    assert len(fake.questions) == questions
    assert (fake.questions[0][0], fake.questions[-1][1]) == ("2024-04-01", "2026-03-02")
    assert "gave no recurring revenue" not in caplog.text


@pytest.mark.parametrize(
    ("there", "absent"),
    [
        (MONTHS[9:], None),  # there was none before
        (MONTHS[:7] + MONTHS[9:], "2024-11, 2024-12"),
        (MONTHS[:-1], None),  # this one may not be reckoned yet
        (MONTHS[:7] + MONTHS[23:], ", ".join(MONTHS[7:23])),
        ([], None),
    ],
)
def test_months_without_revenue_are_named(marketplace, caplog, there, absent):
    marketplace(others={"recurring_revenue": revenue(*there)})
    assert months_of(run(streams=["recurring_revenue"])) == there
    assert [record.message for record in caplog.records if "recurring revenue" in record.message] == (
        [f"The Marketplace gave no recurring revenue of {absent}."] if absent else []
    )


@pytest.mark.parametrize(
    ("today", "first"), [("2026-03-02", "2024-04-01"), ("2026-12-31", "2025-01-01"), ("2026-01-01", "2024-02-01")]
)
def test_the_first_of_24_months(today, first):
    question = RevenueRequest(datetime.fromisoformat(today).date()).question()
    assert question["dateRange"] == {"startDate": first, "endDate": today}
