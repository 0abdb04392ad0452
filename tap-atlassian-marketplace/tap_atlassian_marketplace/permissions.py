"""What an account may read: the permissions for the kinds of rows differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.bookmarks import latest_bookmark
from tap_atlassian_marketplace.errors import CredentialsError, MarketplaceError, NotPermittedError
from tap_atlassian_marketplace.pages import list_page
from tap_atlassian_marketplace.partner_metrics import RevenueRequest
from tap_atlassian_marketplace.row_kinds import ATTRIBUTION, CHURN, FEEDBACK, LICENSES, QUOTES, TRANSACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_atlassian_marketplace.client import MarketplaceClient

_LISTED = {
    "licenses, contacts": LICENSES,
    "transactions": TRANSACTIONS,
    "churn, conversion and renewal events": CHURN,
    "feedback": FEEDBACK,
    "quotes": QUOTES,
}


@dataclass(frozen=True)
class Permission:
    """Whether one kind of rows may be read.

    Attributes:
        kind: Its streams.
        trouble: Why its rows cannot be read; None if they can.
    """

    kind: str
    trouble: str | None

    def __str__(self) -> str:
        return f"{self.kind}: {self.trouble or 'may be read'}"


def permissions(client: MarketplaceClient) -> Iterator[Permission]:
    """Ask for a row of each kind, or for as little as there is to ask for, by one call each.

    Raises:
        CredentialsError: No kind can be read.
    """
    for kind, ask in _questions(client).items():
        yield Permission(kind, _trouble(ask))


def _trouble(ask: Callable[[], Any]) -> str | None:
    try:
        ask()
    except NotPermittedError:
        return "the account may not read these (HTTP 403)"
    except CredentialsError:
        raise
    except MarketplaceError as error:
        return str(error)
    return None


def _questions(client: MarketplaceClient) -> dict[str, Callable[[], Any]]:
    def listed(report: str) -> Callable[[], Any]:
        return lambda: list_page(client, report, [], [], limit=1)

    # There is no list: an export of the one day that is still to come holds nothing.
    day = latest_bookmark()
    apps = f"/product-listing/developer-space/{client.developer_id}"
    return {
        **{kind: listed(report) for kind, report in _LISTED.items()},
        "marketing attribution": lambda: client.start_export(ATTRIBUTION, [("startDate", day), ("endDate", day)]),
        "recurring revenue": lambda: client.read_metrics(RevenueRequest.until_today().question(), [("limit", "1")]),
        "apps, versions and reviews": lambda: client.read_catalogue(
            apps, [("limit", "1")], unknown=client.unknown_developer
        ),
    }
