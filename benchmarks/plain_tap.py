"""What a user would write instead of the tap: a `RESTStream` of the Singer SDK, without further thought.

`python plain_tap.py export URL` reads the synchronous export, `python plain_tap.py pages URL` the list page by page.
"""

# ruff: noqa: ARG002 - the SDK's signatures

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin

from benchmarks.licence_server import PAGE, REPORTS
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BaseHATEOASPaginator

_SCHEMAS = Path(__file__).parents[1] / "tap-atlassian-marketplace/tap_atlassian_marketplace/schemas"


class ExportedLicenses(RESTStream[Any]):
    """Licences from the synchronous export."""

    name = "licenses"
    path = f"{REPORTS}/licenses/export"
    url_base = sys.argv[2]
    records_jsonpath = "$[*]"
    primary_keys = ("addonLicenseId",)
    replication_key = "lastUpdated"


class Paginator(BaseHATEOASPaginator):
    """Follows the links of the list."""

    def get_next_url(self, response: Any) -> str | None:
        """Give the next page's address."""
        link = response.json()["_links"].get("next")
        return urljoin(sys.argv[2], link["href"]) if link else None


class ListedLicenses(ExportedLicenses):
    """Licences from the list."""

    path = f"{REPORTS}/licenses"
    records_jsonpath = "$.licenses[*]"

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
        """Ask for the largest page."""
        return dict(parse_qsl(next_page_token.query)) if next_page_token else {"limit": PAGE}

    def get_new_paginator(self) -> Any:
        """Follow links."""
        return Paginator()


class PlainTap(Tap):
    """A tap of one stream."""

    name = "plain-tap"
    config_jsonschema = th.PropertiesList().to_dict()

    def discover_streams(self) -> list[Any]:
        """Make the stream."""
        stream = {"export": ExportedLicenses, "pages": ListedLicenses}[sys.argv[1]]
        return [stream(self, schema=json.loads((_SCHEMAS / "licenses.json").read_text("utf-8")))]


if __name__ == "__main__":
    PlainTap(config={}).sync_all()
