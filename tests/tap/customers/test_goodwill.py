"""Small refunds that are kindness, when the vendor says so, and small ones that are not."""

from __future__ import annotations

import pytest
from tests.tap.customers.ledger import gross_on, net_on, reasons, revenue, row

BASE = row("New", 1200, "2025-01-01", "2026-01-01", net=1020, order="base")
# From 3 December on 29 days of 31 are left: less than a tenth of the year.
REST = row("Refund", -93.55, "2025-12-03", "2026-01-01", net=-79.52, order="up")


def test_a_small_refund_late_in_the_term_ends_it() -> None:
    found = revenue(BASE, REST, goodwill="0.1")
    assert (gross_on(found, "2025-12-02"), gross_on(found, "2025-12-03"), reasons(found)) == (100, 0, [])


def test_the_old_bill_of_a_late_upgrade_is_no_kindness() -> None:
    anew = row("Upgrade", 140.32, "2025-12-03", "2026-01-01", net=119.27, order="up", line="2", tier="25 Users")
    found = revenue(BASE, REST, anew, goodwill="0.1")
    assert (gross_on(found, "2025-12-03"), reasons(found)) == (150, [])


def test_a_base_and_its_upgrade_that_end_late_in_one_row_are_no_kindness() -> None:
    upgrade = row("Upgrade", 600, "2025-07-01", "2026-01-01", order="more", tier="25 Users")
    both = row("Refund", -103.23, "2025-12-16", "2026-01-01", order="both", tier="25 Users")
    assert gross_on(revenue(BASE, upgrade, both, goodwill="0.1"), "2025-12-16") == 0


@pytest.mark.parametrize("net", [-110, -60])
def test_the_purchase_price_says_for_both_what_was_kindness(net: float) -> None:
    kind = row("Refund", -110, "2025-01-01", "2026-01-01", sold="2025-07-01", net=net, order="kind")
    found = revenue(BASE, kind, goodwill="0.1")
    assert (gross_on(found, "2025-07-01"), net_on(found, "2025-07-01"), reasons(found)) == (100, 85, [])


def test_kindness_late_in_a_term_is_kindness() -> None:
    kind = row("Refund", -110, "2025-01-01", "2026-01-01", sold="2025-12-10", order="kind")
    assert gross_on(revenue(BASE, kind, goodwill="0.1"), "2025-12-10") == 100
