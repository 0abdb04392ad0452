"""The vendor's apps as the Marketplace shows them, each listing by pages with a cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_atlassian_marketplace.catalogue import AppsRequest, ReviewsRequest, VersionsRequest
from tap_atlassian_marketplace.row_kinds import APPS, REVIEWS, VERSIONS
from tap_atlassian_marketplace.streams.own_report import OwnReportStream

if TYPE_CHECKING:
    from tap_atlassian_marketplace.reports import Reports
    from tap_atlassian_marketplace.spooled_rows import RowsRequest


class CatalogueStream(OwnReportStream):
    """Rows that are few, and read whole every time."""

    replication_key = None


class Apps(CatalogueStream):
    """The vendor's apps, those that are not public too."""

    name = "apps"
    primary_keys = ("productId",)
    report = APPS

    def request(self, reports: Reports) -> RowsRequest:  # noqa: ARG002 - as declared
        """Ask for all apps."""
        return AppsRequest(self.tells_gone)


class AppVersions(CatalogueStream):
    """The versions of the software of each app, one software for each hosting."""

    name = "app_versions"
    primary_keys = ("appSoftwareId", "buildNumber")
    report = VERSIONS

    def request(self, reports: Reports) -> RowsRequest:  # noqa: ARG002 - as declared
        """Ask for the versions of the chosen apps."""
        return VersionsRequest(self._settings.app_keys, self.tells_gone)


class Reviews(CatalogueStream):
    """Reviews of each app, with the vendor's answers."""

    name = "reviews"
    primary_keys = ("id",)
    report = REVIEWS

    def request(self, reports: Reports) -> RowsRequest:  # noqa: ARG002 - as declared
        """Ask for the reviews of the chosen apps."""
        return ReviewsRequest(self._settings.app_keys, self.tells_gone)
