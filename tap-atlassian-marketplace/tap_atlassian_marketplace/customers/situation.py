"""All that is known about a licence on a day, for stages, health, events and the account's row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.addresses import email_address
from tap_atlassian_marketplace.customers.customer_keys import details_of, partner_domain, sold_domain
from tap_atlassian_marketplace.customers.domains import ATLASSIAN, OWN
from tap_atlassian_marketplace.customers.fields import day, known, obj, objects, text, yes
from tap_atlassian_marketplace.customers.movements import movements
from tap_atlassian_marketplace.customers.rebills import rebills
from tap_atlassian_marketplace.customers.sales import EVALUATIONS, FREE_TYPES

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

NEAR = timedelta(days=45)
"""What lies this close together belongs together, such as an end and the free licence or feedback that explains it."""

_LATE_DAYS = 5  # that sales may be told after they were made


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
        return self.license_type in FREE_TYPES

    @property
    def is_running_free(self) -> bool:
        """Whether it runs on a type that nobody pays for."""
        return self.is_free_type and self.status == "active"

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
    def outlives_its_sales(self) -> bool:
        """Whether Atlassian has the licence run on after what is paid for has ended: a renewal may be yet to be told.

        It is of a type that is paid for, no refund has ended it, no invoice for later was given up, and it does not go
        on for free.
        """
        if not self.coverage.stretches or self.is_free_type or self.is_evaluation or self.status != "active":
            return False
        last = self.coverage.stretches[-1]
        if last.until >= self.today or last.refunded or self.goes_on_for_free(last.until):
            return False
        if any(sale.is_uncollectible and sale.end and sale.end > last.until for sale in self.sales):
            return False
        return self.end is not None and self.end > self.today

    @cached_property
    def runs_on(self) -> bool:
        """Whether it does so since a few days only, without a grace period of Atlassian's."""
        if not self.outlives_its_sales or self.in_grace_period:
            return False
        return (self.today - self.coverage.stretches[-1].until).days <= _LATE_DAYS

    def goes_on_for_free(self, until: date) -> bool:
        """Whether a free licence follows on what is paid for until a day."""
        # A term that never ends is written as 9999-12-31: no day lies after it.
        return any(start - until <= NEAR and until < end for start, end in self.free_spans)

    @cached_property
    def free_spans(self) -> list[tuple[date, date]]:
        """Days of each free licence: first day, day after the last."""
        return [(sale.start, sale.end) for sale in self.sales if sale.is_free and sale.start and sale.end]

    @cached_property
    def movements(self) -> list[Movement]:
        """Changes of MRR up to today."""
        return [each for each in movements(self.timeline, self.sales, self.coverage.terms) if each.day <= self.today]

    @cached_property
    def taken_back(self) -> dict[str, list[Sale]]:
        """The refunds that are half of a change, by the key of the sale that bills anew."""
        return rebills(self.sales, self.revenue.segments)

    @cached_property
    def halves(self) -> set[str]:
        """The keys of these refunds."""
        return {refund.key for refunds in self.taken_back.values() for refund in refunds}

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
        return self.domains.of_email(email_address(contact.get("email"))) in {OWN, ATLASSIAN}

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
        """What the licence says of its grace period, as long as one can last: a dead licence may go on saying yes."""
        said = yes(self.row.get("inGracePeriod"))
        is_over = self.end is not None and (self.today - self.end).days > self.settings.grace_days
        return False if said and is_over else said

    @cached_property
    def sold_domain(self) -> str | None:
        """Domain of the organisation that its latest sale names that names one."""
        return sold_domain((sale.row for sale in self.sales), self.domains)

    @cached_property
    def business_domain(self) -> str | None:
        """Domain of the customer's organisation: of the technical contact, the billing contact, or any earlier one."""
        if self.override.domain:
            return self.override.domain
        if found := self.domains.business_domain(_emails(self.row), partner_domain(self.row)):
            return found
        if self.sold_domain:
            return self.sold_domain
        sold = [(sale.row, partner_domain(sale.row)) for sale in self.sales]
        ever = [self.domains.business_domain([email], partner) for row, partner in sold for email in _emails(row)]
        counted = [domain for domain in ever if domain]
        return max(sorted(set(counted)), key=counted.count) if counted else None


def _emails(row: Mapping[str, Any]) -> list[str | None]:
    details = details_of(row)
    return [email_address(obj(details, role).get("email")) for role in ("technicalContact", "billingContact")]
