"""What has to be known about all licences before a single one can be understood."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.domains import BUSINESS, email_domain, registrable_domain
from tap_atlassian_marketplace.customers.fields import known, obj, text
from tap_atlassian_marketplace.customers.identity import identity
from tap_atlassian_marketplace.customers.price_list import PriceList

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tap_atlassian_marketplace.customers.domains import DomainClasses


@dataclass
class Survey:
    """A first look at all rows, in any order; surveys of parts can be merged.

    It grows with the number of partners, prices, migrations and trials bought under another licence, not with that of
    licences.

    Attributes:
        prices: What the apps cost.
        partner_domains: E-mail domains of partners.
        bought: Of a trial that was bought under another licence, by any of its ids: that account and the day of sale
            (empty when it is not told).
        moved: Of a Server or Data Center licence that migrated to cloud, by any of its ids: the account in cloud.
    """

    prices: PriceList
    partner_domains: set[str] = field(default_factory=set)
    bought: dict[str, tuple[str, str]] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begin(cls, today: date) -> Survey:
        """Start one."""
        return cls(PriceList.of_last_year(today))

    def add_license(self, row: Mapping[str, Any]) -> None:
        """Look at a licence."""
        self._note_partner(row)
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
        self.partner_domains |= other.partner_domains
        for trial, bought in other.bought.items():
            _keep_least(self.bought, trial, bought)
        for license_, account in other.moved.items():
            _keep_least(self.moved, license_, account)

    def domains(self, settled: DomainClasses) -> DomainClasses:
        """Add the partners that the rows name to the domains that the settings name.

        A partner's domain that belongs to a mailbox provider or to the vendor stays theirs.
        """
        partners = {domain for domain in self.partner_domains if settled.of_domain(domain) == BUSINESS}
        return replace(settled, partner=settled.partner | partners)

    def _note_partner(self, row: Mapping[str, Any]) -> None:
        contact = obj(obj(row, "partnerDetails"), "billingContact")
        if contact and (domain := email_domain(text(contact.get("email")))):
            self.partner_domains.add(registrable_domain(domain) or domain)


def migrated_from(row: Mapping[str, Any]) -> str | None:
    """Give the Server or Data Center licence that a cloud licence replaced; None for a migration on trial or undone."""
    migration = obj(row, "cmtDetails")
    is_done = (text(migration.get("status")) or "").lower() == "converted"
    return known(migration.get("relatedOnPremLicense")) if is_done else None


def _keep_least(mapping: dict[str, Any], key: str, value: Any) -> None:
    """Let no order of rows matter where two of them claim the same."""
    if key not in mapping or value < mapping[key]:
        mapping[key] = value
