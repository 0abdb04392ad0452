"""What customers said when they left an app: one row for each licence that has ended, and for some that go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sandbox.world.derived import app_fields, dice, license_ids, license_name
from marketplace_sandbox.world.rows import ABSENT, present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sandbox.world.rows import Row
    from marketplace_sandbox.world.world import World

_REASONS = {
    "bugs": "Too many errors",
    "not-meeting-needs": "It does not do what we need",
    "cost": "Too expensive",
    "expectations": "We expected something else",
    "project-based": "Our project is over",
    "ai-replacement": "An agent does this now",
}
_MESSAGES = ("", "Thanks, but we moved on.", "Export of 1,000 rows\r\nfails.", "Prix trop élevé", None)
_DISABLED_OF_ACTIVE = 0.1
_ANONYMOUS = 0.3


def feedback(world: World) -> Iterator[Row]:
    """All feedback, oldest licence first; nobody's words change later."""
    for row in world.licenses:
        name, end, start = license_name(row), row.get("maintenanceEndDate"), row.get("maintenanceStartDate")
        if name is None:
            continue
        chance = dice("feedback", name)
        if end and end < world.today and row.get("status") != "active":
            yield _said(row, end, chance.choice(("uninstall", "unsubscribe", "uninstall", "suspend")))
        elif start and chance.random() < _DISABLED_OF_ACTIVE:
            yield _said(row, start, "disable")


def _said(row: Row, day: str, kind: str) -> Row:
    chance = dice("words", license_name(row))
    reason = chance.choice(tuple(_REASONS))
    person = (row.get("contactDetails") or {}).get("technicalContact") or {}
    anonymous = chance.random() < _ANONYMOUS
    who = {} if anonymous else {"email": person.get("email"), "fullName": person.get("name"), **license_ids(row)}
    cloud = row.get("hosting") == "Cloud"
    return present(
        {
            **app_fields(row),
            "addonVersion": f"{chance.randint(1, 4)}.{chance.randint(0, 9)}.{chance.randint(0, 20)}",
            "applicationKey": chance.choice(("jira", "confluence")),
            "applicationVersion": ABSENT if cloud else f"10.{chance.randint(0, 7)}.1",
            "hosting": row.get("hosting", ABSENT),
            "appEdition": row.get("appEdition", ABSENT),
            "date": day,
            "feedbackType": kind,
            "reasonKey": reason if chance.random() < 0.8 else None,
            "reason": _REASONS[reason],
            "message": chance.choice(_MESSAGES),
            # Not in the API's description.
            "surveyVersion": chance.choice((2, 3, ABSENT)),
            **who,
        }
    )
