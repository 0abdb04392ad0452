"""Write a licence in a line and examine it, for the tests of what it means."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.domains import DomainClasses
from tap_atlassian_marketplace.customers.dossier import Dossier, Settings
from tap_atlassian_marketplace.customers.examine import Examiner
from tap_atlassian_marketplace.customers.survey import Survey

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

    from tap_atlassian_marketplace.customers.dossier import Findings

TODAY = "2025-07-15"


def licence(**fields: Any) -> Row:
    """Give a licence as the API sends it: commercial, active, in cloud."""
    return {
        "addonLicenseId": "1",
        "appEntitlementNumber": "E-1",
        "addonKey": "app",
        "addonName": "App",
        "hosting": "Cloud",
        "lastUpdated": "2025-07-01",
        "licenseType": "COMMERCIAL",
        "maintenanceStartDate": "2025-01-01",
        "maintenanceEndDate": "2026-01-01",
        "status": "active",
        "tier": "10 Users",
        "contactDetails": {
            "company": "Acme",
            "country": "Germany",
            "region": "EMEA",
            "technicalContact": {"email": "Ada@acme.com", "name": "Ada Lovelace"},
            "billingContact": {"email": "pay@acme.com"},
        },
        **fields,
    }


def trial(start: str, end: str, **fields: Any) -> Row:
    """Give a licence on trial."""
    dates = {"maintenanceStartDate": start, "maintenanceEndDate": end, "latestEvaluationStartDate": start}
    return licence(**{**dates, "licenseType": "EVALUATION", "tier": "Evaluation", **fields})


def examine(
    row: Row | None,
    *sales: Row,
    today: str = TODAY,
    others: tuple[Row, ...] = (),
    feedback: tuple[Row, ...] = (),
    quotes: tuple[Row, ...] | None = None,
    grace_days: int = 30,
    more_sales: tuple[Row, ...] = (),
) -> Findings:
    """Examine a licence; `others` and `more_sales` are rows that only the survey sees."""
    day = date.fromisoformat(today)
    survey = Survey.begin(day)
    for each in (row, *others):
        if each:
            survey.add_license(each)
    for each in (*sales, *more_sales):
        survey.add_transaction(each)
    settings = Settings(day, grace_days=grace_days, domains=DomainClasses.of(own=["vendor.com"]))
    return Examiner(settings, survey).examine(Dossier(row, sales, feedback, quotes))


def account(row: Row | None, *sales: Row, **more: Any) -> Row:
    """Give the row of the account."""
    found = examine(row, *sales, **more).account
    assert found is not None
    return found


def events(row: Row | None, *sales: Row, **more: Any) -> dict[str, Row]:
    """Give the events by id."""
    return {event["event_id"]: event for event in examine(row, *sales, **more).account_events}


def names(found: dict[str, Row]) -> list[str]:
    """Name the events in their order."""
    return [event["event"] for event in found.values()]
