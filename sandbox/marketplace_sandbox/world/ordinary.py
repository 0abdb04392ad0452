"""Ordinary customers, as many as wanted: cloud and Data Center, monthly and annual, trials, partners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.apps import DIAGRAMS, FORMS, TIMESHEETS
from marketplace_sandbox.world.calendar import shift
from marketplace_sandbox.world.rows import ABSENT

if TYPE_CHECKING:
    from marketplace_sandbox.world.builder import Builder
    from marketplace_sandbox.world.rows import Company, Row

_ADJECTIVES = ("Amber", "Blue", "Coastal", "Distant", "Eastern", "First", "Golden", "High", "Inner", "Jade", "Keen")
_NOUNS = ("Bridge", "Canyon", "Delta", "Falls", "Garden", "Harbor", "Island", "Lake", "Meadow", "Orchard", "River")
_TRADES = ("Software", "Consulting", "Foods", "Media", "Medical", "Motors", "Partners", "Studios", "Systems", "Works")
_COUNTRIES = ("United States", "Germany", "France", "Netherlands", "United Kingdom", "Japan", "Australia", "Brazil")
_USERS = (10, 15, 25, 50, 75, 100, 250, 500, 593, 1000)
_PARTNERS = (("Blueprint Solutions", "Expert"), ("License Depot", "Reseller"), ("Tooling House", "Expert"))


def _domain(partner: str) -> str:
    return f"{partner.lower().replace(' ', '-')}-sbx.com"


EXPERT_DOMAINS = frozenset(_domain(name) for name, kind in _PARTNERS if kind == "Expert")
"""E-mail domains of Atlassian's Solution Partners; a reseller is none."""


def ordinary_customer(b: Builder) -> None:
    """One company with one to three licences, and the sales that led to them."""
    name = f"{b.random.choice(_ADJECTIVES)} {b.random.choice(_NOUNS)} {b.random.choice(_TRADES)}"
    number = b.idea.rpartition("_")[2]
    domain = f"{name.lower().replace(' ', '-')}-{number}-sbx.com"
    company = b.company(name, b.random.choice(_COUNTRIES), domain)
    for app in b.random.sample((DIAGRAMS, FORMS, TIMESHEETS), b.random.choice((1, 1, 1, 2, 3))):
        kind = b.random.random()
        if kind < 0.2:
            _trial(b, company, app)
        elif kind < 0.4:
            _data_center(b, company, app)
        else:
            _cloud(b, company, app)


def _trial(b: Builder, company: Company, app: str) -> None:
    start = b.ago(days=b.random.randint(1, 50))
    b.cloud(company, app, start, shift(start, days=30), **evaluation(start, users=b.random.choice(_USERS)))


def _cloud(b: Builder, company: Company, app: str) -> None:
    users, monthly = b.random.choice(_USERS), b.random.random() < 0.4
    months = 1 if monthly else 12
    terms = b.random.randint(1, 5 if monthly else 3)
    start = b.ago(months=terms * months - b.random.choice((0, 1)) * months, days=b.random.randint(0, 27))
    row = b.cloud(
        company,
        app,
        shift(start, months=(terms - 1) * months),
        shift(start, months=terms * months),
        tier=f"{users} Users",
        parentProductBillingCycle="MONTHLY" if monthly else "ANNUAL",
        partnerDetails=_partner(b),
    )
    _terms(b, row, start, terms, months, price=users * (b.random.randint(90, 310) / 100) * (1 if monthly else 10))


def _data_center(b: Builder, company: Company, app: str) -> None:
    users, terms = b.random.choice(_USERS), b.random.randint(1, 3)
    start = b.ago(months=12 * terms - b.random.randint(0, 13), days=b.random.randint(0, 27))
    row = b.data_center(
        company,
        app,
        shift(start, months=12 * (terms - 1)),
        shift(start, months=12 * terms),
        tier=f"Per Unit Pricing ({users} Users)" if users > 500 else f"{users} Users",
        partnerDetails=_partner(b),
    )
    _terms(b, row, start, terms, 12, price=users * b.random.randint(8, 19))


def _terms(b: Builder, row: Row, start: str, terms: int, months: int, *, price: float) -> None:
    for term in range(terms):
        begins = shift(start, months=term * months)
        if begins > b.today:
            break
        b.sale(
            row,
            "Renewal" if term else "New",
            price * (1 + term * 0.05),
            maintenanceStartDate=begins,
            maintenanceEndDate=shift(start, months=(term + 1) * months),
        )


def _partner(b: Builder) -> Any:
    if b.random.random() < 0.7:
        return ABSENT
    name, kind = b.random.choice(_PARTNERS)
    contact = b.person(_domain(name)).short()
    return {"partnerName": name, "partnerType": kind, "billingContact": contact if kind == "Expert" else {}}


def evaluation(start: str, *, users: int | str) -> dict[str, Any]:
    """Fields that make a licence a trial of 30 days; `users` is the size of the parent product."""
    return {
        "licenseType": "EVALUATION",
        "tier": "Evaluation",
        "latestEvaluationStartDate": start,
        "evaluationStartDate": start,
        "evaluationEndDate": shift(start, days=30),
        "evaluationOpportunitySize": str(users),
        "daysToConvertEval": "NA",
    }
