"""What the sales of a licence say of an account's money."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import account, examine, licence

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

YEAR = row("New", 1200, "2025-01-01", "2026-01-01", net=1020)


def test_the_money_of_an_account() -> None:
    found = account(licence(), YEAR, row("Refund", -60, "2025-07-01", "2026-01-01", net=-51))
    money = {
        "mrr": Decimal("76.50"),
        "mrr_gross": 90,
        "arr": 918,
        "mrr_source": "transactions",
        "lifetime_revenue": 969,
        "lifetime_gross": 1140,
        "refunds_total": 60,
        "transactions_count": 2,
        "last_transaction_at": "2025-07-01",
        "last_sale_type": "Refund",
        "billing_period": "Annual",
        "paid_through": "2026-01-01",
        "renewal_date": "2026-01-01",
        "renewal_amount_expected": 1020,
        "payment_status_last": "Paid",
    }
    assert {name: found[name] for name in money} == money


TWO_YEARS = row("New", 2400, "2025-01-01", "2027-01-01")


@pytest.mark.parametrize(
    ("sales", "expected"),
    [
        ([YEAR, row("Upgrade", 300, "2025-07-01", "2026-01-01", tier="25 Users")], 1620),
        ([row("New", 972, "2025-03-10", "2026-01-01")], Decimal("1201.28")),
        ([TWO_YEARS], 2400),
        ([TWO_YEARS, row("Upgrade", 600, "2026-01-01", "2027-01-01", order="up", tier="25 Users")], 3600),
        (
            [
                TWO_YEARS,
                row("Refund", -1800, "2025-07-01", "2027-01-01", order="up", line="1"),
                row("Upgrade", 2700, "2025-07-01", "2027-01-01", order="up", line="2", tier="25 Users"),
            ],
            3600,
        ),
        ([row("New", 100, "2025-07-01", "2025-08-01", billingPeriod="Monthly")], 100),
        ([row("New", 100, "2025-02-28", "2025-03-31", billingPeriod="Monthly")], 100),
        ([], None),
    ],
    ids=[
        "an upgrade",
        "a short first term",
        "two years",
        "two years, more in the second",
        "two years, of which the rest was billed anew",
        "a month",
        "a month of 31 days",
        "nothing",
    ],
)
def test_what_a_renewal_will_bring(sales: list[Row], expected: Decimal | None) -> None:
    found = account(licence(), *sales)["renewal_amount_expected"]
    assert found == expected


def test_a_discount_of_all_is_the_latest_sale() -> None:
    discounts = [{"type": "MANUAL", "amount": 1200}]
    gift = row("Renewal", 0, "2026-01-01", "2027-01-01", order="gift", discounts=discounts, billingPeriod="Monthly")
    for sales in ((gift,), (YEAR, gift)):
        found = account(licence(), *sales, today="2026-06-01")
        assert (found["discount_pct_last"], found["billing_period"], found["renewal_amount_expected"]) == (
            100,
            "Monthly",
            0,
        )


def test_an_open_invoice_is_unconfirmed_mrr() -> None:
    assert account(licence(), {**YEAR, "paymentStatus": "Open"})["mrr_unconfirmed"] == 85


def test_what_went_back_of_an_unpaid_invoice_is_not_unconfirmed() -> None:
    unpaid = {**YEAR, "paymentStatus": "Open"}
    rest = row("Refund", -600, "2025-07-01", "2026-01-01", net=-510, order="up", line="1")
    anew = row("Upgrade", 900, "2025-07-01", "2026-01-01", net=765, order="up", line="2", tier="25 Users")
    assert confirmed(unpaid, rest) == (0, 0)
    assert confirmed(unpaid, rest, anew) == (127.5, 0)
    assert confirmed(unpaid, rest, {**anew, "paymentStatus": "Open"}) == (127.5, 127.5)
    assert confirmed(YEAR, {**rest, "paymentStatus": "Open"}, anew) == (127.5, 0)


def collected(*sales: Row) -> tuple[Decimal, Decimal, Decimal]:
    """Give what the vendor received, what was paid, and what went back."""
    found = account(licence(), *sales)
    return found["lifetime_revenue"], found["lifetime_gross"], found["refunds_total"]


def test_money_that_nobody_has_paid_yet_is_not_received() -> None:
    unpaid = {**YEAR, "paymentStatus": "Open"}
    assert (collected(YEAR), collected(unpaid)) == ((1020, 1200, 0), (0, 0, 0))
    rest = row("Refund", -600, "2025-07-01", "2026-01-01", net=-510, order="up", line="1")
    anew = row("Upgrade", 900, "2025-07-01", "2026-01-01", net=765, order="up", line="2", tier="25 Users")
    assert collected(unpaid, rest) == (0, 0, 0)
    assert collected(unpaid, rest, anew) == (765, 900, 0)
    assert collected(YEAR, {**rest, "paymentStatus": "Open"}, anew) == (1275, 1500, 0)
    # What goes back beyond it was paid.
    back = row("Refund", -1500, "2025-01-01", "2026-01-01", sold="2025-08-01", net=-1275, order="back")
    assert collected(unpaid, rest, anew, back) == (0, 0, 900)


@pytest.mark.parametrize("more", [{"proratedDetails": [{"addedUsers": 2}]}, {"maintenanceStartDate": None}])
def test_a_refund_of_an_unpaid_charge_that_is_no_mrr(more: Row) -> None:
    added = row("Upgrade", 90, "2025-06-01", "2026-01-01", order="added", status="Open", **more)
    back = row("Refund", -90, "2025-06-01", "2026-01-01", sold="2025-06-15", original="added")
    assert collected(YEAR, added, back) == (1020, 1200, 0)


def test_a_credit_note_of_an_invoice_that_was_given_up() -> None:
    given_up = row("Renewal", 1200, "2026-01-01", "2027-01-01", net=1020, order="IN-1", status="Uncollectible")
    again = row("Renewal", 1200, "2026-01-01", "2027-01-01", sold="2026-01-31", net=1020, order="IN-2")
    note = row("Refund", -1200, "2026-01-01", "2027-01-01", sold="2026-03-01", net=-1020, original="IN-1")
    found = examine(licence(maintenanceEndDate="2027-01-01"), YEAR, given_up, again, note, today="2026-06-01")
    assert found.account is not None
    assert (found.account["mrr"], found.account["lifetime_revenue"], found.account["refunds_total"]) == (85, 2040, 0)
    assert found.anomalies == []
    assert "subscription_churned" not in {event["event"] for event in found.account_events}
    never_paid = account(licence(), given_up, note, today="2026-06-01")
    assert (never_paid["lifetime_revenue"], never_paid["lifetime_gross"], never_paid["refunds_total"]) == (0, 0, 0)


def test_a_change_of_the_new_billing_is_no_refund() -> None:
    back = row("Refund", -600, "2025-07-01", "2026-01-01", net=-510, order="AT-2", line="2")
    anew = row("Upgrade", 900, "2025-07-01", "2026-01-01", net=765, order="AT-2", line="1", tier="25 Users")
    found = account(licence(), YEAR, back, anew)
    assert (found["refunds_total"], found["last_sale_type"]) == (0, "Upgrade")
    assert (found["lifetime_gross"], found["lifetime_revenue"], found["transactions_count"]) == (1500, 1275, 3)
    goodwill = row("Refund", -60, "2025-07-01", "2026-01-01", sold="2025-07-10", net=-51, order="AT-3")
    found = account(licence(), YEAR, back, anew, goodwill)
    assert (found["refunds_total"], found["last_sale_type"]) == (60, "Refund")


def test_no_more_is_unconfirmed_than_there_is() -> None:
    unpaid = row("New", 1200, "2025-01-01", "2026-01-01", status="Open")
    early = row("Renewal", 600, "2026-01-01", "2027-01-01", sold="2025-02-01")
    # The refund reaches back to days on which the renewal it takes from does not count yet.
    back = row("Refund", -500, "2025-03-01", "2027-01-01", sold="2025-03-01", original=early["transactionId"])
    mrr, unconfirmed = confirmed(unpaid, back, early)
    assert 0 < mrr < 100
    assert unconfirmed == mrr


def confirmed(*sales: Row) -> tuple[float, float]:
    """Give MRR, and how much of it is not yet paid."""
    found = account(licence(), *sales)
    return float(found["mrr"]), float(found["mrr_unconfirmed"])


@pytest.mark.parametrize(
    "off", [{"discounts": [{"type": "EXPERT", "amount": 200}, {"amount": 100}]}, {"partnerDiscountAmount": 300}]
)
def test_a_discount_in_percent(off: Row) -> None:
    sale = row("New", 900, "2025-01-01", "2026-01-01", **off)
    assert account(licence(), sale)["discount_pct_last"] == 25


def test_no_discount_is_told_of_a_price_that_is_not() -> None:
    sale = row("New", 0, "2025-01-01", "2026-01-01", net=850, discounts=[{"type": "EXPERT", "amount": 200}])
    sale["purchaseDetails"]["purchasePrice"] = None
    assert account(licence(), sale)["discount_pct_last"] is None


@pytest.mark.parametrize(
    ("end", "sales", "renewal"),
    [
        ("2026-05-05", [YEAR], "2026-01-01"),
        ("2026-05-05", [], "2026-05-05"),
    ],
)
def test_paid_sales_say_the_renewal_date(end: str, sales: list[Row], renewal: str) -> None:
    assert account(licence(maintenanceEndDate=end), *sales)["renewal_date"] == renewal
