"""The checked values of the tap's settings, as the rest of the tap reads them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from marketplace_singer import SettingsError, text_list, web_address
from tap_atlassian_marketplace.config_schema import (
    COMPLIANCE_BOUNDARIES,
    CONFIG_SCHEMA,
    DEFAULT_API_URL,
    DEFAULT_USER_AGENT,
)
from tap_atlassian_marketplace.customers.domains import DomainClasses
from tap_atlassian_marketplace.customers.dossier import Settings as CustomerSettings
from tap_atlassian_marketplace.customers.overrides import Overrides
from tap_atlassian_marketplace.dates import is_date
from tap_atlassian_marketplace.overrides_file import read_overrides

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORTAL = "https://marketplace.atlassian.com/manage/vendors/{vendor_id}/reporting"
_PORTAL_PAGES = {
    "link_licenses": "licenses?text={account_id}",
    "link_transactions": "transactions?text={account_id}",
}
_LINK_NAME = re.compile(r"link_[a-z0-9_]{1,50}", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """The checked settings of a run; dates are `YYYY-MM-DD`, lists are free of blanks and repeats."""

    email: str
    api_token: str
    developer_id: str | None
    vendor_id: str | None
    api_url: str
    start_date: str | None
    end_date: str | None
    lookback_days: int
    app_keys: tuple[str, ...]
    entitlement_numbers: tuple[str, ...]
    license_statuses: tuple[str, ...]
    license_types: tuple[str, ...]
    hostings: tuple[str, ...]
    include_atlassian_licenses: bool
    include_free_apps: bool
    include_manual_invoices: bool
    compliance_boundaries: tuple[str, ...]
    as_of: date
    own_domains: tuple[str, ...]
    partner_domains: tuple[str, ...]
    free_domains_extra: tuple[str, ...]
    overrides: Overrides
    grace_days: int
    ignore_goodwill_below: Decimal | None
    portal_links: Mapping[str, str]
    export_timeout: int
    max_parallel_requests: int
    user_agent: str
    spool_dir: str | None

    def customers(self) -> CustomerSettings:
        """Give what the customer streams are computed with."""
        return CustomerSettings(
            today=self.as_of,
            grace_days=self.grace_days,
            ignore_goodwill_below=self.ignore_goodwill_below,
            domains=DomainClasses(
                frozenset(map(str.lower, self.own_domains)),
                frozenset(map(str.lower, self.partner_domains)),
                frozenset(map(str.lower, self.free_domains_extra)),
                self.overrides.classes,
            ),
            links=self.portal_links,
            overrides=self.overrides,
        )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Check a configuration that has passed `CONFIG_SCHEMA`.

        Raises:
            SettingsError: A value is missing or unusable; the message names the setting, never the value of
                a secret.
        """
        developer_id, vendor_id = _text(config, "developer_id"), _text(config, "vendor_id")
        if not developer_id and not vendor_id:
            raise SettingsError(
                "setting 'vendor_id' is missing, and 'developer_id' too: give one of them. The vendor id is the number "
                "in the address of your vendor page, marketplace.atlassian.com/manage/vendors/<number>."
            )
        start_date, end_date = _date(config, "start_date"), _date(config, "end_date")
        if start_date and end_date and start_date > end_date:
            raise SettingsError(f"setting 'start_date': {start_date} is after 'end_date' {end_date}: no row can match.")
        return cls(
            email=_required(config, "email"),
            api_token=_required(config, "api_token"),
            developer_id=developer_id,
            vendor_id=vendor_id,
            api_url=_api_url(config),
            start_date=start_date,
            end_date=end_date,
            lookback_days=_or_default(config, "lookback_days"),
            app_keys=_list(config, "app_keys"),
            entitlement_numbers=_list(config, "entitlement_numbers"),
            license_statuses=_list(config, "license_statuses"),
            license_types=_list(config, "license_types"),
            hostings=_list(config, "hostings"),
            include_atlassian_licenses=_or_default(config, "include_atlassian_licenses"),
            include_free_apps=_or_default(config, "include_free_apps"),
            include_manual_invoices=_or_default(config, "include_manual_invoices"),
            compliance_boundaries=_list(config, "compliance_boundaries") or tuple(COMPLIANCE_BOUNDARIES),
            as_of=date.fromisoformat(_date(config, "as_of") or datetime.now(timezone.utc).date().isoformat()),
            own_domains=_list(config, "own_domains"),
            partner_domains=_list(config, "partner_domains"),
            free_domains_extra=_list(config, "free_domains_extra"),
            overrides=_overrides(config, "overrides_path"),
            grace_days=_or_default(config, "grace_days"),
            ignore_goodwill_below=_share(config, "ignore_goodwill_below"),
            portal_links=_links(config, "portal_links", vendor_id),
            export_timeout=_or_default(config, "export_timeout"),
            max_parallel_requests=_or_default(config, "max_parallel_requests"),
            user_agent=_header(config, "user_agent") or DEFAULT_USER_AGENT,
            spool_dir=_path(config, "spool_dir"),
        )


def _or_default(config: Mapping[str, Any], name: str) -> Any:
    value = config.get(name)
    return CONFIG_SCHEMA["properties"][name]["default"] if value is None else value


def _text(config: Mapping[str, Any], name: str) -> str | None:
    value = config.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None if value is not None else None


def _header(config: Mapping[str, Any], name: str) -> str | None:
    value = _text(config, name)
    if value and not (value.isascii() and value.isprintable()):
        raise SettingsError(f"setting {name!r}: expected plain characters in one line")
    return value


def _overrides(config: Mapping[str, Any], name: str) -> Overrides:
    path = _path(config, name)
    return read_overrides(path) if path else Overrides()


def _path(config: Mapping[str, Any], name: str) -> str | None:
    value = _text(config, name)
    if value and not value.isprintable():
        raise SettingsError(f"setting {name!r}: expected a path")
    return str(Path(value).expanduser()) if value else None


def _required(config: Mapping[str, Any], name: str) -> str:
    if value := _text(config, name):
        return value
    raise SettingsError(f"setting {name!r} is missing")


def _date(config: Mapping[str, Any], name: str) -> str | None:
    value = _text(config, name)
    if value and not is_date(value):
        raise SettingsError(f"setting {name!r}: expected a date such as 2026-01-31")
    return value


def _list(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return text_list(name, config.get(name))


def _share(config: Mapping[str, Any], name: str) -> Decimal | None:
    text = _text(config, name)
    try:
        share = Decimal(text) if text else None
        is_share = share is None or 0 <= share <= 1
    except InvalidOperation:
        is_share = False
    if not is_share:
        raise SettingsError(f"setting {name!r}: expected a share between 0 and 1, such as 0.1 for a tenth")
    return share


def _links(config: Mapping[str, Any], name: str, vendor_id: str | None) -> Mapping[str, str]:
    links = config.get(name)
    if isinstance(links, str):
        try:
            links = json.loads(links or "null")
        except ValueError:
            raise SettingsError(f"setting {name!r}: expected JSON, an address for each property name") from None
    if links is None:
        links = {kind: f"{_PORTAL}/{page}" for kind, page in _PORTAL_PAGES.items()} if vendor_id else {}
    if not isinstance(links, dict) or not all(isinstance(link, str) for link in links.values()):
        raise SettingsError(f"setting {name!r}: expected an address for each property name")
    for property_, link in links.items():
        if not _LINK_NAME.fullmatch(property_):
            raise SettingsError(f"setting {name!r}: a name must be `link_` and small letters, digits or `_`")
        if "{vendor_id}" in link and not vendor_id:
            raise SettingsError(f"setting {name!r} names {{vendor_id}}, but setting 'vendor_id' is missing")
    return {
        property_: link.replace("{vendor_id}", quote(vendor_id or "", safe="")) for property_, link in links.items()
    }


def _api_url(config: Mapping[str, Any]) -> str:
    url = _text(config, "api_url") or DEFAULT_API_URL
    return web_address("api_url", url, usual=DEFAULT_API_URL, credential="api_token").removesuffix("/rest/3")
