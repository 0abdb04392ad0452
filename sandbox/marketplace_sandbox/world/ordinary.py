"""Ordinary customers, as many as wanted: their subscriptions are simulated, so that the truth about them is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.apps import DIAGRAMS, FORMS, TIMESHEETS
from marketplace_sandbox.world.rows import ABSENT
from marketplace_sandbox.world.subscriptions.licenses import bought, never_bought
from marketplace_sandbox.world.subscriptions.rows import Holder

if TYPE_CHECKING:
    from marketplace_sandbox.world.builder import Builder
    from marketplace_sandbox.world.subscriptions.mix import Mix

_ADJECTIVES = ("Amber", "Blue", "Coastal", "Distant", "Eastern", "First", "Golden", "High", "Inner", "Jade", "Keen")
_NOUNS = ("Bridge", "Canyon", "Delta", "Falls", "Garden", "Harbor", "Island", "Lake", "Meadow", "Orchard", "River")
_TRADES = ("Software", "Consulting", "Foods", "Media", "Medical", "Motors", "Partners", "Studios", "Systems", "Works")
_COUNTRIES = ("United States", "Germany", "France", "Netherlands", "United Kingdom", "Japan", "Australia", "Brazil")
_PARTNERS = (("Blueprint Solutions", "Expert"), ("License Depot", "Reseller"), ("Tooling House", "Expert"))


def _domain(partner: str) -> str:
    return f"{partner.lower().replace(' ', '-')}-sbx.com"


EXPERT_DOMAINS = frozenset(_domain(name) for name, kind in _PARTNERS if kind == "Expert")
"""E-mail domains of Atlassian's Solution Partners; a reseller is none."""


def ordinary_customer(b: Builder, mix: Mix) -> None:
    """One company with one to three licences, and the sales that led to them."""
    name = f"{b.random.choice(_ADJECTIVES)} {b.random.choice(_NOUNS)} {b.random.choice(_TRADES)}"
    number = b.idea.rpartition("_")[2]
    domain = f"{name.lower().replace(' ', '-')}-{number}-sbx.com"
    company = b.company(name, b.random.choice(_COUNTRIES), domain)
    for app in b.random.sample((DIAGRAMS, FORMS, TIMESHEETS), b.random.choice((1, 1, 1, 2, 3))):
        holder = Holder(company, app, {"partnerDetails": _partner(b)})
        if b.random.random() < mix.trials:
            never_bought(b, holder)
        else:
            bought(b, holder, mix)


def _partner(b: Builder) -> Any:
    if b.random.random() < 0.7:
        return ABSENT
    name, kind = b.random.choice(_PARTNERS)
    contact = b.person(_domain(name)).short()
    return {"partnerName": name, "partnerType": kind, "billingContact": contact if kind == "Expert" else {}}
