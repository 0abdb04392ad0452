"""The apps that the sandbox vendor sells, as product listings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.credentials import DEVELOPER_ID
from marketplace_sandbox.world.catalogue import listing_details

if TYPE_CHECKING:
    from marketplace_sandbox.world.ids import Ids


@dataclass(frozen=True)
class App:
    """An app of the vendor.

    Attributes:
        key: App key, such as `com.example.app`.
        product_id: UUID by which reports are filtered.
        name: Name at the Marketplace.
        state: `PUBLIC`, `PRIVATE` or `ARCHIVED`.
        always_free: Never sold; its licences are reported only on request.
    """

    key: str
    product_id: str
    name: str
    state: str = "PUBLIC"
    always_free: bool = False

    def listing(self) -> dict[str, Any]:
        """The row of this app in the vendor's list of products."""
        return {
            "productId": self.product_id,
            "appKey": self.key,
            "developerId": DEVELOPER_ID,
            "appName": self.name,
            "summary": f"{self.name} of the sandbox vendor",
            "communityEnabled": False,
            "state": self.state,
            # The second of them is none that the API's description knows.
            "approvalStatus": "WITHDRAWN" if self.state == "ARCHIVED" else "APPROVED",
            "slug": self.name.lower().replace(" ", "-"),
            "revision": 1,
            "cloudComplianceBoundary": False,
            **listing_details(self),
        }


TIMESHEETS = "com.sandbox.timesheets"
DIAGRAMS = "com.sandbox.diagrams"
FORMS = "com.sandbox.forms"
BADGES = "com.sandbox.badges"
LEGACY = "com.sandbox.legacy-import"


def vendor_apps(ids: Ids) -> dict[str, App]:
    """The vendor's apps by app key: three on sale, one always free, one archived."""
    apps = (
        App(TIMESHEETS, ids.uuid(TIMESHEETS), "Timesheet Studio"),
        App(DIAGRAMS, ids.uuid(DIAGRAMS), "Diagram Desk"),
        App(FORMS, ids.uuid(FORMS), "Form Pilot"),
        App(BADGES, ids.uuid(BADGES), "Badge Board", always_free=True),
        App(LEGACY, ids.uuid(LEGACY), "Legacy Import", state="ARCHIVED"),
    )
    return {app.key: app for app in apps}
