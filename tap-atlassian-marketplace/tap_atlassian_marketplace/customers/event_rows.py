"""Names, order and rows of account events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tap_atlassian_marketplace.customers.situation import Situation

REFUNDED, STARTED, RENEWED = "subscription_refunded", "subscription_started", "subscription_renewed"
UPGRADED, DOWNGRADED = "subscription_upgraded", "subscription_downgraded"
TRANSACTION, USERS_ADDED = "transaction", "users_added"

# On one day the events of sales stand in this order, a second apart, as in the loader's preset for raw rows.
EVENTS = (
    REFUNDED,
    STARTED,
    DOWNGRADED,
    UPGRADED,
    RENEWED,
    TRANSACTION,
    USERS_ADDED,
    "trial_started",
    "trial_converted",
    "trial_expired",
    "trial_cancelled",
    "billing_period_changed",
    "payment_failed",
    "grace_period_started",
    "subscription_churned",
    "subscription_reactivated",
    "quote_accepted",
    "app_disabled",
    "app_uninstalled",
    "app_unsubscribed",
    "license_transferred",
)
"""Names of all events, in the order that they have on one day."""

_ORDER = {name: second for second, name in enumerate(EVENTS)}


def event_row(
    case: Situation,
    event_id: str,
    event: str,
    day: date,
    metadata: Mapping[str, Any],
    email: str | None = None,
    updated: str | None = None,
) -> dict[str, Any]:
    """Give a row of `account_events`; metadata that is not known is left out."""
    return {
        "event_id": event_id,
        "account_id": case.account_id,
        "aliases": case.aliases,
        "user_email": email,
        "event": event,
        "occurred_at": f"{day.isoformat()}T12:00:{_ORDER[event]:02}Z",
        "last_updated": updated,
        "metadata": {name: value for name, value in metadata.items() if value is not None and value != []},
    }
