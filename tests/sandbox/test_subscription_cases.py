"""The worked cases of revenue: a life yields the rows of the case, and the customer's MRR on its dates."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from marketplace_sandbox.world.months import months
from marketplace_sandbox.world.subscriptions.happenings import add_users, buy, change_period, change_plan, renew
from marketplace_sandbox.world.subscriptions.life import Life
from marketplace_sandbox.world.subscriptions.plan import Plan, Proration
from marketplace_sandbox.world.subscriptions.refunds import cancel, goodwill, refund_in_full, write_off

D = date.fromisoformat


def plan(rate, users=100, period=12):
    return Plan(users, Fraction(str(rate)), period)


def annual(**life):
    """Case 1, with which most of the others begin."""
    life = Life(**life)
    buy(life, D("2025-01-01"), plan(100))
    return life


def rows(life):
    """Kind, amount, day of the sale, coverage of each line."""
    return [
        (line.sale_type, Decimal(line.gross) / 100, str(line.sold), str(line.start), str(line.end))
        for line in life.lines
    ]


def mrr(life, day):
    return round(float(life.rate_on(D(day)).gross), 2)


NEW = ("New", 1200, "2025-01-01", "2025-01-01", "2026-01-01")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2025-01-01", "2026-01-01", 12),
        ("2025-07-01", "2026-01-01", 6),
        ("2025-02-01", "2025-03-01", 1),
        ("2024-02-01", "2024-03-01", 1),
        ("2025-01-31", "2025-02-28", 1),
        ("2024-02-29", "2025-02-28", 12),
        ("2025-03-10", "2026-01-01", 9 + Fraction(22, 31)),
        ("2025-06-01", "2025-06-15", Fraction(14, 30)),
        ("2025-01-31", "2025-03-01", 1 + Fraction(1, 31)),
        ("2025-01-01", "2025-01-01", 0),
        ("2025-01-02", "2025-01-01", 0),
    ],
)
def test_months(start, end, expected):
    assert months(D(start), D(end)) == expected


def test_case_1_a_year():
    life = annual()
    assert rows(life) == [NEW]
    assert [mrr(life, day) for day in ("2024-12-31", "2025-01-01", "2025-12-31", "2026-01-01")] == [0, 100, 100, 0]


def test_case_2_the_difference_of_an_upgrade():
    life = annual(old_billing=True)
    change_plan(life, D("2025-07-01"), plan(150))
    assert rows(life) == [NEW, ("Upgrade", 300, "2025-07-01", "2025-07-01", "2026-01-01")]
    assert [mrr(life, day) for day in ("2025-06-30", "2025-07-01", "2025-12-31", "2026-01-01")] == [100, 150, 150, 0]


def test_case_3_refund_and_new_bill_for_the_rest():
    life = annual()
    change_plan(life, D("2025-07-01"), plan(150))
    assert rows(life) == [
        NEW,
        ("Refund", -600, "2025-07-01", "2025-07-01", "2026-01-01"),
        ("Upgrade", 900, "2025-07-01", "2025-07-01", "2026-01-01"),
    ]
    assert [mrr(life, day) for day in ("2025-06-30", "2025-07-01", "2025-12-31", "2026-01-01")] == [100, 150, 150, 0]


def test_case_4_refund_and_new_bill_for_the_whole_term():
    life = annual()
    change_plan(life, D("2025-07-01"), plan(150), original_dates=True)
    assert rows(life) == [
        NEW,
        ("Refund", -1200, "2025-07-01", "2025-01-01", "2026-01-01"),
        ("Upgrade", 1800, "2025-07-01", "2025-01-01", "2026-01-01"),
    ]
    assert [mrr(life, day) for day in ("2025-06-30", "2025-07-01", "2025-12-31", "2026-01-01")] == [100, 150, 150, 0]


def test_case_5_cancelled():
    life = annual()
    cancel(life, D("2025-04-01"))
    assert rows(life) == [NEW, ("Refund", -900, "2025-04-01", "2025-04-01", "2026-01-01")]
    assert [mrr(life, day) for day in ("2025-03-31", "2025-04-01", "2025-12-31")] == [100, 0, 0]


@pytest.mark.parametrize(
    ("proration", "amounts"),
    [
        (Proration(), [-1318.55]),
        (Proration(up=False), [-1318.55]),
        (Proration(by_line=True, up=False), [-1054.84, -263.71]),
        (Proration(by_days=True, up=False), [-1315.53]),
        (Proration(by_days=True, by_line=True, up=False), [-1052.05, -263.47]),
    ],
)
def test_case_5_as_each_billing_prorates_it(proration, amounts):
    life = annual(old_billing=True, proration=proration)
    change_plan(life, D("2025-02-01"), plan(125))
    cancel(life, D("2025-02-15"))
    assert rows(life)[2:] == [
        ("Refund", round(Decimal(amount), 2), "2025-02-15", "2025-02-15", "2026-01-01") for amount in amounts
    ]
    assert [mrr(life, day) for day in ("2025-02-14", "2025-02-15", "2025-12-31")] == [125, 0, 0]


def test_case_5_after_goodwill_the_rest_is_what_it_costs():
    life = annual(proration=Proration(by_days=True))
    goodwill(life, D("2025-07-01"), Fraction(5, 100))
    cancel(life, D("2025-10-01"))
    assert rows(life)[-1] == ("Refund", -270, "2025-10-01", "2025-10-01", "2026-01-01")


def test_a_credit_note_of_an_invoice_that_was_never_paid():
    life = annual()
    (line,) = renew(life, D("2026-01-01"), plan(100), collected=False)
    write_off(life, D("2026-03-02"), line)
    assert rows(life)[-1] == ("Refund", -1200, "2026-03-02", "2026-01-01", "2027-01-01")
    assert (life.lines[-1].takes_back, mrr(life, "2026-02-01"), mrr(life, "2026-04-01")) == (line, 0, 0)


def test_case_6_refunded_in_full():
    life = annual()
    refund_in_full(life, D("2025-01-20"))
    assert rows(life) == [NEW, ("Refund", -1200, "2025-01-20", "2025-01-01", "2026-01-01")]
    assert [mrr(life, day) for day in ("2025-01-01", "2025-01-19", "2025-01-20", "2025-12-31")] == [100, 100, 0, 0]


def test_case_7_goodwill():
    life = annual()
    goodwill(life, D("2025-07-01"), Fraction(5, 100))
    assert rows(life) == [NEW, ("Refund", -60, "2025-07-01", "2025-01-01", "2026-01-01")]
    assert [mrr(life, day) for day in ("2025-06-30", "2025-07-01", "2025-12-31", "2026-01-01")] == [100, 90, 90, 0]


def test_case_8_one_order_of_refund_upgrade_and_renewal():
    life = Life()
    buy(life, D("2024-05-15"), plan(100, period=1))
    change_period(life, D("2024-06-01"), Plan(100, Fraction(1000, 12)), terms=2)
    assert rows(life) == [
        ("New", 100, "2024-05-15", "2024-05-15", "2024-06-15"),
        ("Refund", Decimal("-46.67"), "2024-06-01", "2024-06-01", "2024-06-15"),
        ("Upgrade", 1000, "2024-06-01", "2024-06-01", "2025-06-01"),
        ("Renewal", 1000, "2024-06-01", "2025-06-01", "2026-06-01"),
    ]
    assert len({line.order for line in life.lines[1:]}) == 1
    days = ("2024-05-31", "2024-06-01", "2025-06-01", "2026-05-31", "2026-06-01")
    assert [mrr(life, day) for day in days] == [100, 83.33, 83.33, 83.33, 0]


def test_case_9_co_termed():
    life = Life()
    start, end = D("2025-03-10"), D("2026-01-01")
    buy(life, start, Plan(25, 972 / months(start, end)), until=end)
    assert rows(life) == [("New", 972, "2025-03-10", "2025-03-10", "2026-01-01")]
    assert [mrr(life, day) for day in ("2025-03-09", "2025-03-10", "2025-12-31", "2026-01-01")] == [
        0,
        100.11,
        100.11,
        0,
    ]


def test_case_10_two_years():
    life = Life(cloud=False, old_billing=True)
    buy(life, D("2025-01-01"), plan(180, period=24))
    assert rows(life) == [("New", 4320, "2025-01-01", "2025-01-01", "2027-01-01")]
    assert [mrr(life, day) for day in ("2025-01-01", "2026-12-31", "2027-01-01")] == [180, 180, 0]


def test_case_11_users_added_within_a_month():
    life = Life()
    buy(life, D("2025-06-01"), plan(100, period=1))
    grown = plan(150, users=150, period=1)
    add_users(life, D("2025-06-16"), 50, grown)
    renew(life, D("2025-07-01"), grown)
    assert rows(life) == [
        ("New", 100, "2025-06-01", "2025-06-01", "2025-07-01"),
        ("Upgrade", 25, "2025-07-01", "2025-06-16", "2025-07-01"),
        ("Renewal", 150, "2025-07-01", "2025-07-01", "2025-08-01"),
    ]
    assert life.lines[1].purchase == {"proratedDetails": [{"addedUsers": 50, "date": "2025-06-16"}], "tier": "50 User"}
    assert [mrr(life, day) for day in ("2025-06-15", "2025-06-30", "2025-07-01", "2025-08-01")] == [100, 100, 150, 0]


def test_case_12_a_lower_tier_at_renewal():
    life = annual()
    renew(life, D("2026-01-01"), plan(50, users=50))
    assert rows(life) == [NEW, ("Renewal", 600, "2026-01-01", "2026-01-01", "2027-01-01")]
    assert [mrr(life, day) for day in ("2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01")] == [100, 50, 50, 0]


def test_case_13_a_late_renewal_leaves_no_gap():
    life = annual()
    renew(life, D("2026-01-20"), plan(100))
    assert rows(life) == [NEW, ("Renewal", 1200, "2026-01-20", "2026-01-01", "2027-01-01")]
    assert [mrr(life, day) for day in ("2025-12-31", "2026-01-01", "2026-01-19", "2026-01-20")] == [100] * 4


def test_case_14_back_after_three_months():
    life = annual()
    buy(life, D("2026-04-01"), plan(100))
    assert rows(life) == [NEW, ("New", 1200, "2026-04-01", "2026-04-01", "2027-04-01")]
    days = ("2025-12-31", "2026-01-01", "2026-03-31", "2026-04-01", "2027-03-31", "2027-04-01")
    assert [mrr(life, day) for day in days] == [100, 0, 0, 100, 100, 0]
