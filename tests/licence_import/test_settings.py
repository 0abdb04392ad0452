"""Settings: each is checked before anything else is done, by a message that names it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.licence_import.rows import row, rows

from target_atlassian_marketplace.settings import SETTINGS
from target_atlassian_marketplace.target import TargetAtlassianMarketplace

if TYPE_CHECKING:
    from tests.licence_import.runs import Import


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, None) for name in ("email", "api_token", "app_key")),
        *((name, " ") for name in ("email", "api_token", "app_key")),
        ("api_url", "marketplace.atlassian.com"),
        ("api_url", "http://marketplace.atlassian.com"),
        ("country_codes", "DE,us"),
        ("country_codes", ["DEU"]),
        ("country_codes", "[DE"),
        ("user_tiers", "10,many"),
        ("max_records", 0),
        ("max_records", "many"),
        ("max_rejected_percent", 101),
        ("dry_run", "maybe"),
        ("allow_future_start", "yes please"),
    ],
)
def test_what_is_refused(work: Import, name: str, value: Any) -> None:
    run = work.run(rows(1), code=1, **{name: value})
    assert f"'{name}'" in run.errors[0]
    assert work.calls == []


@pytest.mark.parametrize(
    "settings",
    [
        {"country_codes": "DE, FR"},
        {"country_codes": ["FR", "DE"]},
        {"country_codes": '["DE"]'},
        {"country_codes": ""},
        {"user_tiers": "10,25,-1"},
        {"user_tiers": [25, "10"]},
        {"max_records": None, "max_rejected_percent": 0.5},
    ],
)
def test_what_is_taken(work: Import, settings: dict[str, Any]) -> None:
    run = work.run(rows(1), **settings)
    assert run.counts() == {"delivered": 1}
    assert not run.warnings


def test_the_address_may_name_the_version(work: Import) -> None:
    work.run(rows(1), api_url=f"{work.sandbox.license_service_url}/rest/1.0/")
    work.check_keys(["OLD-1"])


def test_countries_and_tiers_of_the_settings_count(work: Import) -> None:
    records = [row("OLD-1", isoCountryCode="US"), row("OLD-2"), row("OLD-3", users="26")]
    run = work.run(records, country_codes="DE,FR", user_tiers="25,50", code=3)
    assert run.counts() == {"delivered": 2, "rejected": 1}
    assert "'OLD-3': users: the number is none of the setting 'user_tiers'" in run.log


def test_about_tells_all_settings() -> None:
    done = CliRunner().invoke(TargetAtlassianMarketplace.cli, ["--about", "--format=json"], standalone_mode=False)
    about = json.loads(done.output)
    assert about["name"] == "target-atlassian-marketplace"
    assert about["settings"]["properties"].keys() >= SETTINGS.to_dict()["properties"].keys()
    assert set(about["settings"]["required"]) == {"email", "api_token", "app_key"}
