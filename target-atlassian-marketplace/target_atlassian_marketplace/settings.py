"""The target's settings: their JSON schema, and the checked values that the rest of it reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from singer_sdk import typing as th

from marketplace_singer import SettingsError, text_list, web_address
from target_atlassian_marketplace.results import ResultPaths
from target_atlassian_marketplace.service import DEFAULT_URL
from target_atlassian_marketplace.validation import Rules, is_country

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_RESULTS = "license-results.jsonl"
DEFAULT_REJECTED = "license-rejected.jsonl"

# The text form is a JSON array or a comma-separated list, as environments and command lines give it.
_LIST = th.CustomType({"type": ["array", "string", "null"], "items": {"type": "string"}})
_NUMBERS = th.CustomType({"type": ["array", "string", "null"], "items": {"type": ["integer", "string"]}})

SETTINGS = th.PropertiesList(
    th.Property(
        "email",
        th.StringType(nullable=False),
        required=True,
        title="E-mail",
        description="E-mail address of an Atlassian account in the team of the app's vendor.",
    ),
    th.Property(
        "api_token",
        th.StringType(nullable=False),
        required=True,
        secret=True,
        title="API token",
        description="API token of that account, made at https://id.atlassian.com/manage-profile/security/api-tokens; "
        "it lives one year at most.",
    ),
    th.Property(
        "app_key",
        th.StringType(nullable=False),
        required=True,
        title="App key",
        description="The app that the licences are for, such as com.example.my-app.",
    ),
    th.Property(
        "api_url",
        th.StringType(nullable=False),
        default=DEFAULT_URL,
        title="API URL",
        description="Base URL of the License Service, without `/rest/1.0`.",
    ),
    th.Property(
        "country_codes",
        _LIST,
        title="Country codes",
        description="The countries that the Marketplace sells to, as capital ISO codes; a licence for another one is "
        "rejected. Default: every country.",
    ),
    th.Property(
        "user_tiers",
        _NUMBERS,
        title="User tiers",
        description="The user tiers of the host product; another number of users is sent, with a warning. -1 is no "
        "limit. Default: any number.",
    ),
    th.Property(
        "allow_future_start",
        th.BooleanType(nullable=False),
        default=False,
        title="Allow a future start",
        description="Also import licences that begin after today, in Sydney's calendar.",
    ),
    th.Property(
        "max_records",
        th.IntegerType(minimum=1),
        title="Records at most",
        description="Ask for so many licences at most, for a first trial; the others wait for the next run.",
    ),
    th.Property(
        "results_path",
        th.StringType(nullable=False),
        default=DEFAULT_RESULTS,
        title="Results",
        description="JSONL file that takes the licence keys and remembers what was imported. Keep it: it is what "
        "keeps a key from the wrong customer.",
    ),
    th.Property(
        "rejected_path",
        th.StringType(nullable=False),
        default=DEFAULT_REJECTED,
        title="Rejected records",
        description="JSONL file that takes the records that are faulty or were refused, with the reason.",
    ),
    th.Property(
        "max_rejected_percent",
        th.NumberType(nullable=False, minimum=0, maximum=100),
        default=0,
        title="Rejected records allowed",
        description="Share of the records with something to send that may be rejected; above it the exit code is 3.",
    ),
    th.Property(
        "dry_run",
        th.BooleanType(nullable=False),
        default=False,
        title="Dry run",
        description="Check everything and send nothing; a file beside the results shows what would be sent, masked.",
    ),
)


@dataclass(frozen=True)
class Settings:
    """The checked settings of a run; what each means stands in `SETTINGS`."""

    email: str
    api_token: str
    app_key: str
    api_url: str
    rules: Rules
    max_records: int | None
    results_path: Path
    rejected_path: Path
    max_rejected_percent: float
    dry_run: bool

    @property
    def host(self) -> str:
        """Host and port of the License Service."""
        return urlsplit(self.api_url).netloc.lower()

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Check a configuration that has passed the schema.

        Raises:
            SettingsError: A value is unusable; the message names the setting and quotes no secret.
        """
        url = web_address("api_url", _text(config, "api_url"), usual=DEFAULT_URL, credential="api_token")
        results = Path(_text(config, "results_path"))
        rejected = Path(_text(config, "rejected_path"))
        if not results.suffix:
            raise SettingsError(f"setting 'results_path': expected a file name such as {DEFAULT_RESULTS}")
        if Path(os.path.realpath(rejected)) in ResultPaths.of(results):
            raise SettingsError("setting 'rejected_path': 'results_path' or a file beside it has this name")
        return cls(
            email=_text(config, "email"),
            api_token=_text(config, "api_token"),
            app_key=_text(config, "app_key"),
            api_url=url.removesuffix("/rest/1.0"),
            rules=Rules(
                country_codes=_country_codes(config),
                user_tiers=_user_tiers(config),
                allow_future_start=bool(config.get("allow_future_start")),
            ),
            max_records=config.get("max_records"),
            results_path=results,
            rejected_path=rejected,
            max_rejected_percent=float(config.get("max_rejected_percent") or 0),
            dry_run=bool(config.get("dry_run")),
        )


def _text(config: Mapping[str, Any], name: str) -> str:
    value = str(config.get(name) or "").strip() or _DEFAULTS.get(name)
    if not value:
        raise SettingsError(f"setting {name!r} is missing")
    return str(value)


_DEFAULTS = {"api_url": DEFAULT_URL, "results_path": DEFAULT_RESULTS, "rejected_path": DEFAULT_REJECTED}


def _country_codes(config: Mapping[str, Any]) -> frozenset[str]:
    codes = text_list("country_codes", config.get("country_codes"))
    if unknown := [code for code in codes if not is_country(code)]:
        raise SettingsError(f"setting 'country_codes': no country has the code {', '.join(map(repr, unknown))}")
    return frozenset(codes)


def _user_tiers(config: Mapping[str, Any]) -> frozenset[int]:
    try:
        return frozenset(int(tier) for tier in text_list("user_tiers", config.get("user_tiers")))
    except ValueError:
        raise SettingsError("setting 'user_tiers': expected numbers of users, such as 10,25,50") from None
