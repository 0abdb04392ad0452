"""Monthly recurring revenue (MRR) of each app, as the Marketplace itself would reckon it from the sales.

The rule: a new sale or renewal is worth its price divided by the months of its term, on the last day of each month
that lies within the term. A month opens with what the month before closed with; what differs for a licence is new
(never paid for before), reactivated (paid for once, not last month), expansion, contraction or expired. Contraction and
expired are negative, so that opening and the five together make closing. Of the cloud only the commercial boundary is
counted. All amounts are US dollars.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.calendar import add_months, days_between
from marketplace_sandbox.world.derived import license_name
from marketplace_sandbox.world.rows import money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sandbox.world.rows import Row
    from marketplace_sandbox.world.world import World

_DAYS_OF_A_MONTH = 30.4375
_MONTHS_OF_TWO_YEARS = 24
_MOVEMENTS = ("newMrr", "expansionMrr", "contractionMrr", "reactivatedMrr", "expiredMrr")

_Cell = dict[str, float]
_Group = tuple[str, str]


def recurring_revenue(world: World, months: list[str]) -> Iterator[Row]:
    """One row for each month, app and subscription (`MONTHLY`, `ANNUAL` or `BIENNIAL`) that has any revenue.

    Args:
        world: The world; months after its today have no rows.
        months: Their first days.
    """
    by_license = _terms(world)
    names = {app.product_id: app.key for app in world.apps.values()}
    for first in months:
        if first > world.today:
            continue
        cells: dict[_Group, _Cell] = defaultdict(lambda: dict.fromkeys(("openingMrr", *_MOVEMENTS, "closingMrr"), 0.0))
        for group, terms in by_license:
            _move(cells, group, terms, first)
        for (product, subscription), cell in sorted(cells.items()):
            if any(cell.values()):
                amounts: dict[str, Any] = {name: money(f"{amount:.6f}") for name, amount in cell.items()}
                yield {
                    "date": first,
                    "appKey": names.get(product),
                    "productId": product,
                    "subscription": subscription,
                    **amounts,
                    "arr": money(f"{cell['closingMrr'] * 12:.6f}") if cell["closingMrr"] else None,
                    # Not in the API's description, which names no field at all.
                    "customerCount": sum(1 for group, terms in by_license if _belongs(group, terms, first, product)),
                }


def _terms(world: World) -> list[tuple[_Group, list[tuple[str, str, float]]]]:
    found: dict[tuple[str, _Group], list[tuple[str, str, float]]] = defaultdict(list)
    for sale in world.transactions:
        paid = sale.get("purchaseDetails") or {}
        start, end = paid.get("maintenanceStartDate"), paid.get("maintenanceEndDate")
        name, counted = license_name(sale), "commercial" in (sale.get("cloudComplianceBoundaries") or ["commercial"])
        if paid.get("saleType") in ("New", "Renewal") and name and start and end and counted and sale.get("productId"):
            months = max(1, round(days_between(start, end) / _DAYS_OF_A_MONTH))
            long = "BIENNIAL" if months >= _MONTHS_OF_TWO_YEARS else "ANNUAL"
            subscription = "MONTHLY" if paid.get("billingPeriod") == "Monthly" else long
            worth = float(paid.get("purchasePrice") or 0) / months
            found[name, (sale["productId"], subscription)].append((start, end, worth))
    return [(group, terms) for (_, group), terms in found.items()]


def _worth(terms: list[tuple[str, str, float]], day: str) -> float:
    return sum(worth for start, end, worth in terms if start <= day < end)


def _belongs(group: _Group, terms: list[tuple[str, str, float]], first: str, product: str) -> bool:
    return group[0] == product and _worth(terms, _last_day(first)) > 0


def _last_day(first: str, *, months: int = 1) -> str:
    return (add_months(date.fromisoformat(first), months) - timedelta(days=1)).isoformat()


def _move(cells: dict[_Group, _Cell], group: _Group, terms: list[tuple[str, str, float]], first: str) -> None:
    before_day, last_day = _last_day(first, months=0), _last_day(first)
    before, after = _worth(terms, before_day), _worth(terms, last_day)
    if not before and not after:
        return
    cell = cells[group]
    cell["openingMrr"] += before
    cell["closingMrr"] += after
    if not before:
        known = any(start <= before_day and worth for start, _, worth in terms)
        cell["reactivatedMrr" if known else "newMrr"] += after
    elif not after:
        cell["expiredMrr"] -= before
    elif after > before:
        cell["expansionMrr"] += after - before
    else:
        cell["contractionMrr"] += after - before
