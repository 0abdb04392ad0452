"""What each refusal of the Marketplace means, and which setting to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_http import TRANSIENT_STATUSES, redact
from tap_atlassian_marketplace.config_schema import DEFAULT_API_URL
from tap_atlassian_marketplace.errors import (
    CredentialsError,
    MarketplaceError,
    NotPermittedError,
    RejectedError,
    TroubleError,
)

if TYPE_CHECKING:
    from marketplace_http import ApiError

TOKEN_PAGE = "https://id.atlassian.com/manage-profile/security/api-tokens"  # noqa: S105 - an address


_SETTINGS = {
    "cloudComplianceBoundaries": "compliance_boundaries",
    "hosting": "hostings",
    "lastUpdated": "start_date",
    "licenseType": "license_types",
    "productId": "app_keys",
    "status": "license_statuses",
    "text": "entitlement_numbers",
}
"""Which setting a parameter of a report comes from."""


def refusal(error: ApiError, *, email: str, unknown: str | None) -> MarketplaceError:
    """Turn an answer of 400 or more into an error that says what to do.

    Args:
        error: The answer.
        email: Masked in the server's own message.
        unknown: What it means that the Marketplace found nothing (404).

    Returns:
        A `CredentialsError` where no other call can succeed, a `NotPermittedError` where others may, a `TroubleError`
        where the server is out of order, else an error for this call alone, which another try would not cure.
    """
    answer = redact(f"HTTP {error.status}" + (f", {error.reason}" if error.reason else ""), [email])
    match error.status:
        case 400:
            names = _settings_behind(error.body)
            look_at = ", ".join(f"`{name}`" for name in names) or "dates and filters"
            return RejectedError(f"The Marketplace rejected a parameter ({answer}): check {look_at}.")
        case 401:
            return CredentialsError(
                f"The Marketplace refused the credentials ({answer}): check `email` and `api_token`. The token may be "
                f"wrong, revoked or expired; tokens live one year at most. Make a new one at {TOKEN_PAGE}."
            )
        case 403:
            return NotPermittedError(
                f"The account may not read what was asked for ({answer}): the account of `email` must be in the "
                'vendor\'s team with the permissions "View sales reports" and "View all other reports", and '
                "`developer_id` or `vendor_id` must be that vendor."
            )
        case 404:
            return MarketplaceError(f"The Marketplace found nothing ({answer}): {unknown}.")
        case 410:
            return CredentialsError(
                f"`api_url` leads to the retired version 2 of the API ({answer}): use {DEFAULT_API_URL}."
            )
        case 429:
            return MarketplaceError(f"The Marketplace asks for fewer calls ({answer}): lower `max_parallel_requests`.")
        case status if status >= 500 or status in TRANSIENT_STATUSES:
            return TroubleError(
                f"The Marketplace is out of order ({answer}), even after several tries: run again later."
            )
        case _:
            return MarketplaceError(f"The Marketplace refused the call ({answer}): check `api_url`.")


def _settings_behind(body: object) -> list[str]:
    """The settings behind the parameters that an answer of 400 names."""
    errors = body.get("errors") if isinstance(body, dict) else None
    paths = [entry.get("path") for entry in errors if isinstance(entry, dict)] if isinstance(errors, list) else []
    return [_SETTINGS[path] for path in dict.fromkeys(paths) if path in _SETTINGS]
