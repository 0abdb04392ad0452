"""Rows of `mrr_segments`: unrounded, and one row for purchase price and vendor's share."""

from __future__ import annotations

from decimal import Decimal

from tests.tap.customers.ledger import gross_on, net_on, reasons, revenue, row


def test_rates_are_not_rounded_but_to_ten_decimals() -> None:
    (segment,) = revenue(row("New", 100, "2025-01-01", "2025-04-01", net=80)).segments
    assert (segment.row()["mrr_gross"], segment.row()["mrr"]) == (Decimal("33.3333333333"), Decimal("26.6666666667"))


def test_what_has_no_share_has_a_share_of_nothing() -> None:
    (segment,) = revenue(row("New", 120, "2025-01-01", "2026-01-01", net=0)).segments
    assert (segment.row()["mrr_gross"], segment.row()["mrr"]) == (10, 0)


def test_a_refund_that_takes_price_and_share_on_other_days_has_a_row_for_each() -> None:
    year = row("New", 1200, "2025-01-01", "2026-01-01", net=1020, order="base")
    of_share = row("Refund", 0, "2025-03-01", "2025-06-01", net=-51, order="a", creditNoteReason="GOODWILL")
    of_price = row("Refund", -60, "2025-03-01", "2025-06-01", net=0, order="a", creditNoteReason="GOODWILL")
    for kind, all_ in ((of_share, {"net": -714}), (of_price, {"net": -765})):
        gross = -900 if kind is of_share else -860
        found = revenue(year, kind, row("Refund", gross, "2025-04-01", "2026-01-01", order="b", **all_))
        days = ("2025-04-01", "2025-05-31", "2025-06-01", "2025-12-31")
        assert {(gross_on(found, day), net_on(found, day)) for day in days} == {(0, 0)}
        assert reasons(found) == []
