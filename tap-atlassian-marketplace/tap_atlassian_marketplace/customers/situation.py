"""All that is known about a licence on a day, for stages, health, events and the account's row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.domains import ATLASSIAN, OWN
from tap_atlassian_marketplace.customers.fields import day, known, obj, objects, text, yes
from tap_atlassian_marketplace.customers.movements import movements
from tap_atlassian_marketplace.customers.trials import EVALUATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.coverage import Coverage
    from tap_atlassian_marketplace.customers.domains import DomainClasses
    from tap_atlassian_marketplace.customers.dossier import Dossier, Settings
    from tap_atlassian_marketplace.customers.movements import Movement
    from tap_atlassian_marketplace.customers.overrides import LicenseOverride
    from tap_atlassian_marketplace.customers.revenue import Revenue
    from tap_atlassian_marketplace.customers.sales import Sale
    from tap_atlassian_marketplace.customers.survey import Survey
    from tap_atlassian_marketplace.customers.timeline import Timeline
    from tap_atlassian_marketplace.customers.trials import Trial

_FREE_TYPES = frozenset({"FREE", "LEGACY_FREE", "FOUNDATION_FREE", "STARTER_FREE"})


@dataclass(frozen=True)
class Situation:
    """What is known about a licence.

    Attributes:
        account_id: Its account.
        license_key: Its oldest id, of which event ids are made.
        aliases: Every id by which it may be met.
        row: The licence, or what stands in for it.
        is_stand_in: Whether no licence row exists and its sales speak for it.
        dossier: All rows.
        sales: Its transactions in the order of sale.
        revenue: What they come to.
        timeline: MRR by day.
        coverage: What is paid for.
        trial: Its trial, if it ever had one.
        survey: What is known about all licences.
        domains: Whose e-mail domains are whose.
        settings: What the vendor decides.
    """

    account_id: str
    license_key: str
    aliases: list[str]
    row: Mapping[str, Any]
    is_stand_in: bool
    dossier: Dossier
    sales: Sequence[Sale]
    revenue: Revenue
    timeline: Timeline
    coverage: Coverage
    trial: Trial | None
    survey: Survey
    domains: DomainClasses
    settings: Settings

    @property
    def coverage_begin(self) -> date | None:
        """First day that was ever paid for."""
        return self.coverage.stretches[0].since if self.coverage.stretches else None

    @property
    def today(self) -> date:
        """The day for which all is said."""
        return self.settings.today

    @cached_property
    def status(self) -> str:
        """`active`, `inactive`, `cancelled`, or empty."""
        return (text(self.row.get("status")) or "").lower()

    @cached_property
    def license_type(self) -> str:
        """Type in capitals, or empty."""
        return (text(self.row.get("licenseType")) or "").upper()

    @property
    def is_evaluation(self) -> bool:
        """Whether it is a trial by type."""
        return self.license_type in EVALUATIONS

    @property
    def is_free_type(self) -> bool:
        """Whether its type is one that nobody pays for."""
        return self.license_type in _FREE_TYPES

    @cached_property
    def start(self) -> date | None:
        """First day of maintenance."""
        return day(self.row.get("maintenanceStartDate"))

    @cached_property
    def end(self) -> date | None:
        """Last day of maintenance."""
        return day(self.row.get("maintenanceEndDate"))

    @property
    def has_paid(self) -> bool:
        """Whether anything was ever paid for."""
        return bool(self.coverage.stretches)

    @cached_property
    def movements(self) -> list[Movement]:
        """Changes of MRR up to today."""
        return [each for each in movements(self.timeline, self.sales) if each.day <= self.today]

    @cached_property
    def override(self) -> LicenseOverride:
        """What the vendor knows better."""
        return self.settings.overrides.of_license(self.aliases)

    @cached_property
    def is_internal(self) -> bool:
        """Whether it is the vendor's own licence, or Atlassian's."""
        if self.override.own is not None:
            return self.override.own
        if text(self.row.get("licenseSourceType")) == "Atlassian":
            return True
        contact = obj(obj(self.row, "contactDetails"), "technicalContact")
        return self.domains.of_email(known(contact.get("email"))) in {OWN, ATLASSIAN}

    @cached_property
    def is_dunned(self) -> bool:
        """Whether an invoice of a paying customer is being dunned."""
        if known(self.row.get("invoiceDunningReason")):
            return True
        latest = self.coverage.forward
        if latest is None or (text(latest.row.get("paymentStatus")) or "").lower() in {"paid", "fully paid"}:
            return False
        return bool(objects(latest.row, "dunningStatus"))

    @property
    def in_grace_period(self) -> bool | None:
        """What the licence says of its grace period."""
        return yes(self.row.get("inGracePeriod"))

    @cached_property
    def business_domain(self) -> str | None:
        """Domain of the customer's organisation: of the technical contact, the billing contact, or any earlier one."""
        if self.override.domain:
            return self.override.domain
        details = obj(self.row, "contactDetails")
        if found := self.domains.business_domain(_emails(details)):
            return found
        ever = [self.domains.business_domain([email]) for sale in self.sales for email in _sale_emails(sale)]
        counted = [domain for domain in ever if domain]
        return max(sorted(set(counted)), key=counted.count) if counted else None


def _emails(details: Mapping[str, Any]) -> list[str | None]:
    return [known(obj(details, role).get("email")) for role in ("technicalContact", "billingContact")]


def _sale_emails(sale: Sale) -> list[str | None]:
    return _emails(obj(sale.row, "customerDetails"))
