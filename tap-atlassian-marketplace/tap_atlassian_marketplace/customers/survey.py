"""What has to be known about all licences before a single one can be understood."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.contacts import unusable_emails
from tap_atlassian_marketplace.customers.customer_keys import details_of, partner_domain, site_of
from tap_atlassian_marketplace.customers.domains import BUSINESS
from tap_atlassian_marketplace.customers.fields import known, obj, text
from tap_atlassian_marketplace.customers.identity import account_id, identity
from tap_atlassian_marketplace.customers.price_list import PriceList

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tap_atlassian_marketplace.customers.domains import DomainClasses


@dataclass
class Survey:
    """A first look at all rows, in any order; surveys of parts can be merged.

    It grows with the number of partners, prices, migrations, trials bought under another licence and sites of several
    organisations, not with that of licences.

    Attributes:
        prices: What the apps cost.
        partners: Of each e-mail domain of a partner two customers, or the only one.
        bought: Of a trial that was bought under another licence, by any of its ids: that account and the day of sale
            (empty when it is not told).
        moved: Of a Server or Data Center licence that migrated to cloud, by any of its ids: the account in cloud.
        site_domains: Of a site whose technical contacts are of several organisations, or some of none: the one domain
            that counts for all of its licences. It is found out when all else is known.
        unusable_emails: How many contacts of licences have an e-mail that is no address.
    """

    prices: PriceList
    partners: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bought: dict[str, tuple[str, str]] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    site_domains: dict[str, str] = field(default_factory=dict)
    unusable_emails: int = 0

    @classmethod
    def begin(cls, today: date) -> Survey:
        """Start one."""
        return cls(PriceList.of_last_year(today))

    def add_license(self, row: Mapping[str, Any]) -> None:
        """Look at a licence."""
        self._note_partner(row)
        self.unusable_emails += unusable_emails(row)
        trial = known(row.get("evaluationLicense"))
        on_premises = migrated_from(row)
        if not trial and not on_premises:
            return
        _, account, aliases = identity(row)
        if account is None:
            return
        if trial and trial not in aliases:
            _keep_least(self.bought, trial, (account, known(row.get("evaluationSaleDate")) or ""))
        if on_premises and on_premises not in aliases:
            _keep_least(self.moved, on_premises, account)

    def add_transaction(self, row: Mapping[str, Any]) -> None:
        """Look at a transaction."""
        self._note_partner(row)
        self.prices.learn(row)

    def merge(self, other: Survey) -> None:
        """Take in what another survey has seen."""
        self.prices.merge(other.prices)
        for domain, customers in other.partners.items():
            self._note_customers(domain, customers)
        self.unusable_emails += other.unusable_emails
        for trial, bought in other.bought.items():
            _keep_least(self.bought, trial, bought)
        for license_, account in other.moved.items():
            _keep_least(self.moved, license_, account)

    def domains(self, settled: DomainClasses) -> DomainClasses:
        """Add the partners that the rows name to the domains that the settings name.

        Who bills for a single customer may be that customer, written into the wrong field: it takes two customers to be
        a partner. A partner's domain that belongs to a mailbox provider or to the vendor stays theirs.
        """
        several = (domain for domain, customers in self.partners.items() if len(customers) > 1)
        partners = {domain for domain in several if settled.of_domain(domain) == BUSINESS}
        return replace(settled, partner=settled.partner | partners)

    def _note_partner(self, row: Mapping[str, Any]) -> None:
        if domain := partner_domain(row):
            self._note_customers(domain, (_customer(row),))

    def _note_customers(self, domain: str, customers: tuple[str, ...]) -> None:
        """Keep the first two in the alphabet: which rows come first must not matter."""
        known_ = self.partners.get(domain, ())
        self.partners[domain] = tuple(sorted({*known_, *customers})[:2])


def _customer(row: Mapping[str, Any]) -> str:
    """Give what tells a row's customer apart: his name, else his site or account."""
    company = known(details_of(row).get("company"))
    return company.casefold() if company else site_of(row) or account_id(row) or ""


def migrated_from(row: Mapping[str, Any]) -> str | None:
    """Give the Server or Data Center licence that a cloud licence replaced; None for a migration on trial or undone."""
    migration = obj(row, "cmtDetails")
    is_done = (text(migration.get("status")) or "").lower() == "converted"
    return known(migration.get("relatedOnPremLicense")) if is_done else None


def _keep_least(mapping: dict[str, Any], key: str, value: Any) -> None:
    """Let no order of rows matter where two of them claim the same."""
    if key not in mapping or value < mapping[key]:
        mapping[key] = value
