"""Whose a site is where its licences name technical contacts of several organisations, or some of none."""

from __future__ import annotations

from array import array
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.customer_keys import site_of, sold_rank, technical_domain
from tap_atlassian_marketplace.customers.fields import day, text
from tap_atlassian_marketplace.customers.identity import aliases, in_order, license_key
from tap_atlassian_marketplace.customers.sales import EVALUATIONS, FREE_TYPES
from tap_atlassian_marketplace.hash_index import NO_HASH, hash64, position
from tap_atlassian_marketplace.hash_map import merged, sorted_runs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tap_atlassian_marketplace.customers.domains import DomainClasses
    from tap_atlassian_marketplace.merging import Row

_NEVER = "9999-12-31"


def site_domains(licenses: Iterable[Row], sales: Iterable[Row], domains: DomainClasses) -> dict[str, str]:
    """Find the one domain of each site whose licences do not all have technical contacts of the same organisation.

    It is the domain of the oldest licence that is paid for, else of the oldest one, so that a newer licence, as a
    consultant's trial, changes nothing. A licence that names no organisation, as once its contact was forgotten, has
    that of its latest sale that does.

    Memory grows by 16 bytes for each licence on a site while the domains are compared, and by some 200 for each site
    that is found and each licence on such a site that names no organisation.

    Args:
        licenses: All licences, in any order; gone through up to three times.
        sales: Their transactions, in any order.
        domains: Whose e-mail domains are whose.
    """
    mixed = _mixed(licenses, domains)
    if not mixed:
        return {}
    silent: dict[str, str] = {}
    for row in licenses:
        if _is_on(mixed, site_of(row)) and not technical_domain(row, domains):
            silent.update(dict.fromkeys(aliases(row), license_key(row) or ""))
    told = _told_by_sales(sales, silent, domains)
    best: dict[str, tuple[Any, str]] = {}
    for row in licenses:
        site = site_of(row)
        if site and _is_on(mixed, site):
            key = license_key(row) or ""
            if domain := technical_domain(row, domains) or told.get(key):
                weight = (_is_unpaid(row), _began(row), in_order(key))
                best[site] = min(best.get(site, (weight, domain)), (weight, domain))
    return {site: domain for site, (_, domain) in best.items()}


def _mixed(licenses: Iterable[Row], domains: DomainClasses) -> array[int]:
    """Give the hashes of sites on which several licences name not one organisation, in order."""
    sites = ((hash64(site), technical_domain(row, domains)) for row in licenses if (site := site_of(row)))
    runs = sorted_runs(((site, hash64(domain) if domain else NO_HASH) for site, domain in sites), once=False)
    mixed = array("Q")
    for site, group in groupby(merged(runs), key=itemgetter(0)):
        named = [domain for _, domain in group]
        if len(named) > 1 and (len(set(named)) > 1 or NO_HASH in named):
            mixed.append(site)
    return mixed


def _is_on(sites: array[int], site: str | None) -> bool:
    return bool(site) and position(sites, hash64(str(site))) is not None


def _told_by_sales(sales: Iterable[Row], keys: dict[str, str], domains: DomainClasses) -> dict[str, str]:
    """Give the domain of each licence that its latest sale that names one names.

    Args:
        sales: All sales.
        keys: The licences that are asked for: their keys by alias.
        domains: Whose e-mail domains are whose.
    """
    latest: dict[str, tuple[Any, str]] = {}
    for sale in sales if keys else ():
        key = next((keys[alias] for alias in aliases(sale) if alias in keys), None)
        if key is not None and (domain := technical_domain(sale, domains)):
            told = (sold_rank(sale), domain)
            latest[key] = max(latest.get(key, told), told)
    return {key: domain for key, (_, domain) in latest.items()}


def _is_unpaid(row: Row) -> bool:
    return (text(row.get("licenseType")) or "").upper() in EVALUATIONS | FREE_TYPES


def _began(row: Row) -> str:
    days = (day(row.get(name)) for name in ("evaluationStartDate", "maintenanceStartDate"))
    return min((each.isoformat() for each in days if each), default=_NEVER)
