"""Examine licences one by one: from all rows about one to its rows of all customer streams."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers import anomalies as odd
from tap_atlassian_marketplace.customers.accounts import account_row
from tap_atlassian_marketplace.customers.anomalies import Anomaly
from tap_atlassian_marketplace.customers.contacts import unusable_emails
from tap_atlassian_marketplace.customers.coverage import read_coverage
from tap_atlassian_marketplace.customers.dossier import Findings
from tap_atlassian_marketplace.customers.fields import day_text, text
from tap_atlassian_marketplace.customers.identity import identity
from tap_atlassian_marketplace.customers.life_events import life_events
from tap_atlassian_marketplace.customers.money_tally import MoneyEntry
from tap_atlassian_marketplace.customers.people import person_parts
from tap_atlassian_marketplace.customers.revenue import compute_revenue
from tap_atlassian_marketplace.customers.sale_events import sale_events
from tap_atlassian_marketplace.customers.sales import read_sales
from tap_atlassian_marketplace.customers.situation import Situation
from tap_atlassian_marketplace.customers.stand_in import stand_in
from tap_atlassian_marketplace.customers.tiers import is_unknown_tier
from tap_atlassian_marketplace.customers.timeline import Timeline
from tap_atlassian_marketplace.customers.trials import read_trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_atlassian_marketplace.customers.dossier import Dossier, Settings
    from tap_atlassian_marketplace.customers.people import PersonPart
    from tap_atlassian_marketplace.customers.sales import Sale
    from tap_atlassian_marketplace.customers.survey import Survey


class Examiner:
    """Examines licences; none of them depends on another but by the survey.

    Args:
        settings: What the vendor decides.
        survey: What all licences and transactions were seen to say; it is not changed.

    Attributes:
        domains: Whose e-mail domains are whose, the partners of the survey included; for `fold_person` too.
    """

    def __init__(self, settings: Settings, survey: Survey) -> None:
        self._settings = settings
        self._survey = survey
        self.domains = survey.domains(settings.domains)

    def examine(self, dossier: Dossier) -> Findings:
        """Find out all about one licence."""
        sales = read_sales(dossier.transactions)
        is_stand_in = dossier.license is None
        row = stand_in(sales) if dossier.license is None else dossier.license
        key, account, aliases = identity(row)
        if account is None or key is None:
            return _of_nobody(sales)
        named_in = [sale.row for sale in reversed(sales)] if is_stand_in else dossier.twins
        aliases = list(dict.fromkeys([*aliases, *(alias for each in named_in for alias in identity(each).aliases)]))
        revenue = compute_revenue(account, key, sales, ignore_goodwill_below=self._settings.ignore_goodwill_below)
        coverage = read_coverage(sales, revenue)
        case = Situation(
            account,
            key,
            aliases,
            row,
            is_stand_in,
            dossier,
            sales,
            revenue,
            Timeline(revenue.segments),
            coverage,
            read_trial(row, aliases, sales, coverage, self._survey),
            self._survey,
            self.domains,
            self._settings,
        )
        account_ = account_row(case)
        events = {event["event_id"]: event for found in (sale_events(case), life_events(case)) for event in found}
        anomalies = list(revenue.anomalies)
        if is_stand_in:
            anomalies.append(Anomaly(odd.LICENSE_MISSING, account, key))
        if unusable_emails(row):
            anomalies.append(Anomaly(odd.UNUSABLE_EMAIL, account, key))
        if not is_stand_in and is_unknown_tier(text(row.get("tier"))):
            anomalies.append(Anomaly(odd.UNKNOWN_TIER, account, key))
        if dossier.twins:
            anomalies.append(Anomaly(odd.LICENSE_TWICE, account, key))
        return Findings(
            account=account_,
            account_events=sorted(events.values(), key=lambda event: (event["occurred_at"], event["event_id"])),
            mrr_segments=[segment.row() for segment in revenue.segments],
            anomalies=[anomaly.row() for anomaly in anomalies],
            money=revenue.money,
            people=[] if is_stand_in else _people(case, account_),
        )


def _people(case: Situation, account: dict[str, Any]) -> list[PersonPart]:
    latest = max(day_text(case.row.get("lastUpdated")), account["last_transaction_at"] or "")
    return person_parts(case.row, account, latest, is_active=case.status == "active")


def _of_nobody(sales: Sequence[Sale]) -> Findings:
    """Book the money of sales that name no licence."""
    amounts = [(sale, sale.gross or Decimal(0)) for sale in sales]
    told = [
        Anomaly(odd.NO_LICENSE_NAMED, "", "", sale.key, since=sale.start, until=sale.end, amount=amount)
        for sale, amount in amounts
    ]
    money = [MoneyEntry(sale.key, sale.kind, amount, quarantined=amount) for sale, amount in amounts]
    return Findings(None, [], [], [each.row() for each in told], money, [])
