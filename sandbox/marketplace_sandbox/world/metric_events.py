"""Churn, conversion and renewal: what happened to a licence, as rows of the metric reports.

A licence that was paid for and ended is a churn, dated on its last day; the first sale of a licence that was a trial
is a conversion; each renewal sale is a renewal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.calendar import days_between
from marketplace_sandbox.world.derived import app_fields, dice, is_trial, license_ids, license_name, sales_by_license
from marketplace_sandbox.world.rows import ABSENT, present

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from marketplace_sandbox.world.rows import Row
    from marketplace_sandbox.world.world import World

_DAYS_OF_A_MONTH = 30.4375


def churn(world: World) -> Iterator[Row]:
    """The licences that were paid for and have ended."""
    sales = sales_by_license(world.transactions)
    for row in world.licenses:
        end = row.get("maintenanceEndDate")
        paid = sales.get(license_name(row) or "")
        if paid and end and end < world.today and row.get("status") != "active" and not is_trial(row):
            yield _event(row, row, day=end, sale=paid[-1])


def conversion(world: World) -> Iterator[Row]:
    """The first sale of each licence that was a trial."""
    sales = sales_by_license(world.transactions)
    for row in world.licenses:
        # On a server the sale makes a licence of its own, which names the trial.
        began = row.get("latestEvaluationStartDate") or row.get("evaluationStartDate") or row.get("evaluationLicense")
        first = next((sale for sale in sales.get(license_name(row) or "", ()) if _kind(sale) == "New"), None)
        if began and first and not is_trial(row):
            yield _event(row, first["purchaseDetails"], day=first["purchaseDetails"]["saleDate"], sale=first)


def renewal(world: World) -> Iterator[Row]:
    """The renewals of all licences, also of those that are gone."""
    licenses = {license_name(row): row for row in world.licenses}
    for sale in world.transactions:
        if _kind(sale) == "Renewal" and license_name(sale):
            row = licenses.get(license_name(sale), sale)
            yield _event(row, sale["purchaseDetails"], day=sale["purchaseDetails"]["saleDate"], sale=sale)


METRICS: dict[str, Callable[[World], Iterable[Row]]] = {"churn": churn, "conversion": conversion, "renewal": renewal}
"""The events of each metric, with the licence below `licenseDetails`."""


def flat(event: Row) -> Row:
    """The event as an export may write it: without an object for the licence."""
    return {**event, "licenseDetails": None, **event["licenseDetails"]}


def _kind(sale: Row) -> Any:
    return (sale.get("purchaseDetails") or {}).get("saleType")


def _event(row: Row, term: Row, *, day: str, sale: Row) -> Row:
    start, end = term.get("maintenanceStartDate"), term.get("maintenanceEndDate")
    chance = dice("event", sale["transactionId"], sale.get("transactionLineItemId"))
    hosting = row.get("hosting") or (row.get("purchaseDetails") or {}).get("hosting")
    return present(
        {
            **app_fields(row),
            # These reports alone write it so.
            "hosting": "Data center" if hosting == "Data Center" else hosting,
            "appEdition": row.get("appEdition", ABSENT),
            "lastUpdated": max(str(row.get("lastUpdated") or day), day) if term is row else sale.get("lastUpdated"),
            "eventDate": day,
            "transactionId": sale["transactionId"] if chance.random() < 0.9 else ABSENT,
            "inGracePeriod": row.get("inGracePeriod"),
            # Not in the API's description: such fields come from time to time.
            "billingCadence": chance.choice(("MONTHLY", "ANNUAL", "EVERY_SECOND_YEAR", ABSENT)),
            "licenseDetails": present(
                {
                    **license_ids(row),
                    "maintenanceStartDate": start,
                    "maintenanceEndDate": end,
                    "monthsValid": round(days_between(start, end) / _DAYS_OF_A_MONTH) if start and end else ABSENT,
                    "multiInstanceEntitlementId": row.get("multiInstanceEntitlementId", ABSENT),
                    "multiInstanceEntitlementNumber": row.get("multiInstanceEntitlementNumber", ABSENT),
                }
            ),
        }
    )
