"""The worked cases of docs/revenue.md: sales, and a picture of what they come to, computed by the tap's own code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.revenue import compute_revenue
from tap_atlassian_marketplace.customers.sales import read_sales
from tap_atlassian_marketplace.customers.segments import mrr_on

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Line:
    """A row of a transaction: what was sold, when, for how many USD, and the days from `start` until before `end`."""

    kind: str
    sold: str
    start: str
    end: str
    amount: str
    order: str = "A"
    added_users: int = 0


YEAR = Line("New", "2025-01-01", "2025-01-01", "2026-01-01", "1200")
CASES: tuple[tuple[str, tuple[Line, ...]], ...] = (
    ("1. A year, bought and left to end", (YEAR,)),
    (
        "2. An upgrade in the old billing system: one bill for the difference",
        (YEAR, Line("Upgrade", "2025-07-01", "2025-07-01", "2026-01-01", "300", "B")),
    ),
    (
        "3. The same in the new system: the rest goes back, the new tier is billed",
        (
            YEAR,
            Line("Refund", "2025-07-01", "2025-07-01", "2026-01-01", "-600", "B"),
            Line("Upgrade", "2025-07-01", "2025-07-01", "2026-01-01", "900", "B"),
        ),
    ),
    (
        "4. The same again, with the dates of the whole term",
        (
            YEAR,
            Line("Refund", "2025-07-01", "2025-01-01", "2026-01-01", "-1200", "B"),
            Line("Upgrade", "2025-07-01", "2025-01-01", "2026-01-01", "1800", "B"),
        ),
    ),
    (
        "5. Cancelled in April, the rest refunded",
        (YEAR, Line("Refund", "2025-04-01", "2025-04-01", "2026-01-01", "-900", "B")),
    ),
    (
        "6. All money back within thirty days",
        (YEAR, Line("Refund", "2025-01-20", "2025-01-01", "2026-01-01", "-1200", "B")),
    ),
    (
        "7. Goodwill: a part of the price goes back",
        (YEAR, Line("Refund", "2025-07-01", "2025-01-01", "2026-01-01", "-60", "B")),
    ),
    (
        "8. From monthly to annual bills, with the next year, in one order",
        (
            Line("New", "2024-05-15", "2024-05-15", "2024-06-15", "100"),
            Line("Refund", "2024-06-01", "2024-06-01", "2024-06-15", "-46.67", "B"),
            Line("Upgrade", "2024-06-01", "2024-06-01", "2025-06-01", "1000", "B"),
            Line("Renewal", "2024-06-01", "2025-06-01", "2026-06-01", "1000", "B"),
        ),
    ),
    (
        "9. A first term that ends with the parent product's",
        (Line("New", "2025-03-10", "2025-03-10", "2026-01-01", "972"),),
    ),
    ("10. Two years at once", (Line("New", "2025-01-01", "2025-01-01", "2027-01-01", "4320"),)),
    (
        "11. Users added within a month (maximum-quantity billing)",
        (
            Line("New", "2025-06-01", "2025-06-01", "2025-07-01", "100"),
            Line("Upgrade", "2025-07-01", "2025-06-16", "2025-07-01", "25", "B", added_users=3),
            Line("Renewal", "2025-07-01", "2025-07-01", "2025-08-01", "150", "C"),
        ),
    ),
    (
        "12. A lower tier at renewal",
        (YEAR, Line("Renewal", "2026-01-01", "2026-01-01", "2027-01-01", "600", "B")),
    ),
    (
        "13. A renewal posted late leaves no gap",
        (YEAR, Line("Renewal", "2026-01-20", "2026-01-01", "2027-01-01", "1200", "B")),
    ),
    (
        "14. Back after three months",
        (YEAR, Line("New", "2026-04-01", "2026-04-01", "2027-04-01", "1200", "B")),
    ),
)


def pictures() -> str:
    """Return the section about all cases, in Markdown with Mermaid charts."""
    return "\n".join(text for title, lines in CASES for text in _case(title, lines))


def mrr_of(lines: tuple[Line, ...], day: date) -> Decimal:
    """Gross MRR of a case on a day, in USD."""
    sales = read_sales(_row(number, line) for number, line in enumerate(lines))
    return mrr_on(compute_revenue("E-1", "1", sales).segments, day).gross


def _case(title: str, lines: tuple[Line, ...]) -> Iterator[str]:
    days = list(_half_months(min(line.start for line in lines), max(line.end for line in lines)))
    values = [mrr_of(lines, day) for day in days]
    # A label for each bar: the first of a month by its name, its middle by a number that says nothing else.
    labels = ", ".join(f'"{day:%b %y}"' if day.day == 1 else f'"{" " * number}"' for number, day in enumerate(days, 1))
    yield f"**{title}**\n"
    yield "| sale | on | covers | USD |\n| --- | --- | --- | ---: |"
    for line in lines:
        yield f"| {line.kind} | {line.sold} | {line.start} until {line.end} | {Decimal(line.amount):,.2f} |"
    yield "\n```mermaid\nxychart-beta"
    yield f"    x-axis [{labels}]"
    yield f'    y-axis "USD a month" 0 --> {max(values) * Decimal("1.2"):.0f}'
    yield f"    bar [{', '.join(str(value) for value in values)}]\n```\n"


def _half_months(start: str, end: str) -> Iterator[date]:
    """The first and the middle of each month from that of one day to that of another."""
    day, last = date.fromisoformat(start).replace(day=1), date.fromisoformat(end)
    while day <= last:
        yield day
        yield day.replace(day=16)
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _row(number: int, line: Line) -> dict[str, Any]:
    added = [{"addedUsers": line.added_users, "date": line.start}] if line.added_users else []
    return {
        "transactionId": line.order,
        "transactionLineItemId": str(number),
        "addonLicenseId": "1",
        "paymentStatus": "Paid",
        "purchaseDetails": {
            "saleType": line.kind,
            "saleDate": line.sold,
            "maintenanceStartDate": line.start,
            "maintenanceEndDate": line.end,
            "purchasePrice": Decimal(line.amount),
            "vendorAmount": Decimal(line.amount),
            "tier": "10 Users",
            "proratedDetails": added,
        },
    }
