"""How those who tried an app had come to it: visits in the 30 days before a trial began."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from marketplace_sandbox.world.derived import dice, license_name, uuid_of
from marketplace_sandbox.world.rows import ABSENT, present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sandbox.world.rows import Row
    from marketplace_sandbox.world.world import World

_CHANNELS = ("direct", "organic", "paid-search-branded", "referral-external", "in-product-referral", "email", "podcast")
_CAMPAIGNS = ("spring", "null", None)
_MOST_VISITS = 10
_DAYS = 30


def marketing_attribution(world: World) -> Iterator[Row]:
    """The visits before every trial, also before those that have become sales."""
    for row in world.licenses:
        began = row.get("latestEvaluationStartDate") or row.get("evaluationStartDate")
        name = license_name(row)
        if name and began:
            for number in range(dice("visits", name).randint(1, _MOST_VISITS)):
                yield _visit(row, began, number)


def _visit(row: Row, began: str, number: int) -> Row:
    chance = dice("visit", license_name(row), number)
    ago = timedelta(seconds=chance.randint(60, _DAYS * 24 * 3600))
    channel = chance.choice(_CHANNELS)
    campaign = channel.startswith(("paid", "email"))
    return present(
        {
            **{name: row.get(name, ABSENT) for name in ("addonLicenseId", "appEntitlementId", "appEntitlementNumber")},
            **{name: row.get(name, ABSENT) for name in ("addonKey", "productId")},
            "channel": channel,
            "referrerDomain": "search.example" if channel == "organic" else ABSENT,
            "marketplaceURL": f"https://marketplace.example/apps/{row.get('addonKey')}?tab=overview",
            "campaignSource": "newsletter" if campaign else ABSENT,
            "campaignMedium": "cpc" if campaign else ABSENT,
            "campaignName": chance.choice(_CAMPAIGNS) if campaign else None,
            "campaignContent": "null" if campaign else ABSENT,
            "eventTimestamp": (datetime.fromisoformat(began) - ago).strftime("%Y-%m-%d %H:%M:%S"),
            "userId": uuid_of("visitor", license_name(row), number % 2).replace("-", ""),
            "userType": chance.choice(("admin", "requester", "observer", None)),
            # Not in the API's description.
            "deviceType": chance.choice(("desktop", "mobile", ABSENT)),
        }
    )
