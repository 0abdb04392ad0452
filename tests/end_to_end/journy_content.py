"""What the sandbox's journy.io holds, and where it is unlike what it should."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.end_to_end.expected_journy import Journy

    from marketplace_sandbox.server import Sandbox

Row = dict[str, Any]


WATCHED = {
    "tier": "tier_changed",
    "app_edition": "edition_changed",
    "license_type": "license_type_changed",
    "technical_contact_email": "contact_changed",
    "billing_contact_email": "contact_changed",
    "partner_name": "partner_changed",
}
"""Properties of an account whose change is told, and the event that tells it."""


def tells_a_change(event: Row) -> bool:
    """Whether an event tells the change of a value, not what a row tells."""
    return event["name"] in {*WATCHED.values(), "payment_status_changed", "transaction_corrected"}


def told_changes(sandbox: Sandbox) -> Counter[tuple[Any, ...]]:
    """The changes of accounts that journy.io was told: event, account, property, old and new value."""
    told = ("property", "old_value", "new_value")
    return Counter(
        (event["name"], event["account"], *(event["metadata"].get(name) for name in told))
        for event in sandbox.journy.events
        if tells_a_change(event) and "changed_event_id" not in event["metadata"]
    )


def changes(before: Journy, after: Journy) -> Counter[tuple[Any, ...]]:
    """The changes of accounts between two contents, in the same form; a value that came or went is none."""
    return Counter(
        (event, account, name, old[name], after.accounts[account][name])
        for account, old in before.accounts.items()
        for name, event in WATCHED.items()
        if name in old and name in after.accounts[account] and old[name] != after.accounts[account][name]
    )


def held(sandbox: Sandbox) -> Row:
    """What the sandbox's journy.io holds, events of rows by their ids so that a double shows."""
    events: dict[str, list[Row]] = {}
    for event in sandbox.journy.events:
        if tells_a_change(event):
            continue
        told = {key: event[key] for key in ("name", "account", "triggeredAt", "metadata")}
        events.setdefault(event["metadata"]["event_id"], []).append(told)
    return exact(
        {
            "accounts": {key: account.properties for key, account in sandbox.journy.accounts.items()},
            "users": {key: user.properties for key, user in sandbox.journy.users.items()},
            "members": {
                (key, user): True for key, account in sandbox.journy.accounts.items() for user in account.users
            },
            "events": events,
        }
    )


def wanted(journy: Journy) -> Row:
    """What it should hold, in the same form."""
    return exact(
        {
            "accounts": journy.accounts,
            "users": journy.users,
            "members": dict.fromkeys(journy.members, True),
            "events": {key: [event] for key, event in journy.events.items()},
        }
    )


def unlike(found: Any, wanted: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], tuple[Any, Any]]:
    """Where two contents differ: by path, what was found and what was wanted."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return {
            place: pair
            for key in {**found, **wanted}
            for place, pair in unlike(found.get(key), wanted.get(key), (*path, key)).items()
        }
    alike = found == wanted and isinstance(found, bool) == isinstance(wanted, bool)
    return {} if alike else {path: (found, wanted)}


def exact(value: Any) -> Any:
    """Numbers as decimals, so that 10, 10.0 and Decimal(10) are the same and 0.1 is 0.1."""
    if isinstance(value, (dict, Counter)):
        return {key: exact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Decimal(str(value)).normalize()
    return value.normalize() if isinstance(value, Decimal) else value
